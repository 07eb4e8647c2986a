// The SDK needs nothing of Node: bundled for browsers it works where there are only the globals of the web.
import { randomUUID } from 'node:crypto'
import { createContext, runInContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { bundleSdk } from '../support/bundle.ts'
import { startServer, type TestServer } from '../support/server.ts'

/**
 * Of the SDK, minified and compressed: what a page that uses it has to load. Half of it is Zod, of which a named import would
 * take all. OPAQUE's library is more than twice as large; it is loaded by the first login or registration. The lists of common
 * passwords are four times as large; they are loaded when a password is chosen.
 */
const mostCompressedBytes = 88_000

/**
 * What pages and workers have, and Node has too; everything else is missing. The last three are of this realm, since the others
 * make and expect buffers of theirs.
 */
const webGlobals = Object.fromEntries(
  [
    ...[
      'AbortController',
      'AbortSignal',
      'Blob',
      'DOMException',
      'Event',
      'EventTarget',
      'FormData',
      'Headers',
    ],
    ...['ReadableStream', 'Request', 'Response', 'TextDecoder', 'TextEncoder', 'URL', 'URLSearchParams'],
    ...['WebAssembly', 'atob', 'btoa', 'clearTimeout', 'console', 'crypto', 'fetch', 'performance'],
    ...['queueMicrotask', 'setTimeout', 'structuredClone', 'ArrayBuffer', 'DataView', 'Uint8Array'],
  ].map((name): [string, unknown] => [name, Reflect.get(globalThis, name)]),
)

/** A use of the SDK as a page would have it; a script in the other realm, so that nothing of this one is at hand. */
const page = `(async () => {
  const { Limpet, ReceivedShare, Replica, defaultKdf, memorySessionStorage } = limpet
  const options = { server, device: { id: crypto.randomUUID(), name: 'page', type: 'browser' }, storage: memorySessionStorage() }
  const client = new Limpet(options)
  await client.register({ email, password })
  const account = await client.login({ email, password })
  const [vault] = await account.vaults()
  const created = await vault.create({ kind: 'login', name: 'Mail', username: 'ada', password: 'secret', urls: ['https://example.com'] })
  const replaced = await vault.replace(created.id, created.revision, { ...created.content, password: 'another' })
  const replica = new Replica()
  await replica.pull(vault)
  const read = await Promise.all([...replica.items.values()].map((item) => vault.openItem(item)))
  const unlocked = await new Limpet(options).unlock(password)
  const wrong = await new Limpet(options).unlock('wrong').catch((error) => error.name)
  const [again] = await unlocked.vaults()
  const { link } = await client.shares.create({ secret: read[0].content.password, passphrase: password })
  const { secret, acknowledge } = await new ReceivedShare(link).open(password)
  await acknowledge()
  await client.logout()
  return JSON.stringify({
    vault: again.name,
    got: replaced.content,
    read: read.map(({ content }) => content),
    shared: new TextDecoder().decode(secret),
    wrong,
    missing: ['process', 'Buffer', 'require', 'module', 'global', 'setImmediate'].filter((name) => name in globalThis),
  })
})()`

describe('in a browser', () => {
  let server: TestServer
  let bundled: Awaited<ReturnType<typeof bundleSdk>>
  beforeAll(async () => {
    server = await startServer('sqlite')
    bundled = await bundleSdk({ minify: false })
  })
  afterAll(() => server.close())

  it('needs no module of Node', () => {
    expect(bundled.script).not.toMatch(/['"]node:/)
    expect(bundled.script).not.toMatch(/\brequire\(['"]/)
    const files = bundled.inputs.map(([file]) => file.replaceAll('\\', '/'))
    const outside = files.filter(
      (file) =>
        !/(^|\/)(src\/(sdk|protocol|contract)|node_modules\/(zod|hash-wasm|@serenity-kit\/opaque|@zxcvbn-ts\/[\w-]+|fastest-levenshtein))\//.test(
          file,
        ),
    )
    expect(outside).toEqual([])
    expect(files.some((file) => file.endsWith('src/sdk/limpet.ts'))).toBe(true)
    const external = bundled.inputs.flatMap(([, { imports }]) => imports.filter((found) => found.external))
    expect(external).toEqual([])
  })

  it('registers, logs in, writes, reads, pulls, unlocks and shares with the globals of the web alone', async () => {
    const given = {
      server: server.url,
      email: `${randomUUID()}@example.com`,
      password: 'Grüße aus dem Browser 🔑',
    }
    const context = createContext({ ...webGlobals, ...given })
    runInContext(bundled.script, context)
    const result = z.string().parse(await runInContext(page, context))
    const content = {
      kind: 'login',
      name: 'Mail',
      username: 'ada',
      password: 'another',
      urls: ['https://example.com'],
    }
    expect(JSON.parse(result)).toEqual({
      vault: 'Personal',
      got: content,
      read: [content],
      shared: 'another',
      wrong: 'OpenError',
      missing: [],
    })
  })

  it('is small enough for a page', async () => {
    const { script } = await bundleSdk({ minify: true, external: ['@serenity-kit/opaque', '@zxcvbn-ts/*'] })
    expect(gzipSync(script, { level: 9 }).length).toBeLessThan(mostCompressedBytes)
  })
})
