// `watch` against a real server, on both engines: what another device does is here within a moment, across restarts and other processes.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  AccountKeyChangedError,
  Limpet,
  LoggedOutError,
  ProblemError,
  type Timing,
  TokenClient,
  type WatchEvent,
  type WatchOptions,
} from '../../src/sdk/index.ts'
import { systemTiming } from '../../src/sdk/timing.ts'
import { engines } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { registeredClient, secondDevice, startServer, type TestServer } from '../support/server.ts'

const password = 'kelp forest lantern dune'
const note = (name: string) => ({ kind: 'note' as const, name })

/** The platform's time, and short waits before a stream is opened anew. */
const timing: Timing = { ...systemTiming, random: () => 0.01 }

/** Runs a watch in the background, and keeps what it has said. */
function following(watch: (options: WatchOptions) => AsyncIterable<WatchEvent>) {
  const stop = new AbortController()
  const events: WatchEvent[] = []
  const loop = async () => {
    for await (const event of watch({ signal: stop.signal, timing })) events.push(event)
  }
  const ended = loop().then(
    () => 'ended',
    (error: unknown) => error,
  )
  onTestFinished(async () => {
    stop.abort()
    await ended
  })
  const vaults = () => events.filter((event) => event.kind === 'vault')
  /** Waits until a replica holds exactly these items, by id. */
  const has = (vaultId: string, ids: readonly string[]) =>
    vi.waitFor(
      () => {
        const replica = vaults().findLast(({ vault }) => vault.id === vaultId)?.replica
        expect([...(replica?.items.keys() ?? [])].toSorted()).toEqual([...ids].toSorted())
      },
      { timeout: 20_000 },
    )
  const said = (kind: WatchEvent['kind'], count = 1) =>
    vi.waitFor(
      () => expect(events.filter((event) => event.kind === kind).length).toBeGreaterThanOrEqual(count),
      {
        timeout: 20_000,
      },
    )
  return { events, vaults, has, said, ended, stop }
}

describe.each(engines)('watch on %s', (engine) => {
  let server: TestServer
  /** An address that takes requests and answers none. */
  let held = ''
  const holding = createServer(() => {})
  beforeAll(async () => {
    server = await startServer(engine)
    const port = await freePort()
    holding.listen(port, '127.0.0.1')
    await once(holding, 'listening')
    held = `http://127.0.0.1:${port}`
  })
  afterAll(async () => {
    holding.closeAllConnections()
    holding.close()
    await server.close()
  })

  it('takes in items, names, vaults and the account as another device changes them', async () => {
    const owner = await registeredClient(server, { password })
    const { account } = await secondDevice(server, owner)
    const watch = following((options) => account.watch(options))
    await watch.said('online')
    expect(watch.events.find(({ kind }) => kind === 'online')).toMatchObject({ live: true })
    const [first, second] = [await owner.vault.create(note('one')), await owner.vault.create(note('two'))]
    await watch.has(owner.vault.id, [first.id, second.id])
    await owner.vault.purge(first.id)
    await watch.has(owner.vault.id, [second.id])
    await owner.vault.rename('Home')
    await vi.waitFor(() => expect(watch.vaults().at(-1)?.vault.name).toBe('Home'))
    const team = await owner.account.createVault('Team')
    await watch.has(team.id, [])
    const third = await team.create(note('three'))
    await watch.has(team.id, [third.id])
    await owner.account.deleteVault(team.id, password)
    await watch.said('vault-gone')
    await owner.account.changeEmail(password, `new-${owner.email}`)
    await watch.said('account')
  })

  it('ends with a sentence of its own when another device changed the account key', async () => {
    const owner = await registeredClient(server, { password })
    const { account } = await secondDevice(server, owner)
    const watch = following((options) => account.watch(options))
    await watch.said('ready')
    await owner.account.rotateVaultKey(owner.vault.id, { password, versions: 'keep' })
    await owner.account.changeAccountKey({ password })
    expect(await watch.ended).toBeInstanceOf(AccountKeyChangedError)
    expect(watch.events.map(({ kind }) => kind)).toContain('account')
  })

  it('is the same for two who watch, on Postgres by way of two processes', async () => {
    const owner = await registeredClient(server, { password })
    const beside =
      engine === 'postgres'
        ? await startServer(engine, { database: server.database, environment: { PUBLIC_URL: server.url } })
        : undefined
    onTestFinished(async () => beside?.close())
    const { account } = await secondDevice(beside ?? server, owner)
    const watches = [owner.account, account].map((one) => following((options) => one.watch(options)))
    for (const watch of watches) await watch.said('online')
    const ids = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => (await owner.vault.create(note(`note ${index}`))).id),
    )
    for (const watch of watches) await watch.has(owner.vault.id, ids)
  })

  it('goes on after the server was stopped and started again, and after it was away', async () => {
    const own = await startServer(engine)
    onTestFinished(() => own.database.remove())
    const owner = await registeredClient(own, { password })
    const watch = following((options) => owner.account.watch(options))
    await watch.said('online')
    const port = new URL(own.url).port
    await own.stop()
    const again = await startServer(engine, {
      database: own.database,
      environment: { PORT: port, PUBLIC_URL: own.url },
    })
    onTestFinished(() => again.stop())
    const item = await owner.vault.create(note('Mail'))
    await watch.has(owner.vault.id, [item.id])
  })

  it('ends with the session, and says so', async () => {
    const owner = await registeredClient(server, { password })
    const { account } = await secondDevice(server, owner)
    const watch = following((options) => account.watch(options))
    await watch.said('online')
    await owner.account.endOtherSessions()
    expect(await watch.ended).toBeInstanceOf(LoggedOutError)
  })

  it('ends with the token', async () => {
    const { account, vault } = await registeredClient(server, { password })
    const made = await account.tokens.create({ name: 'job', scopes: ['read'], vault, password })
    const access = await new TokenClient({ server: server.url, bearerToken: made.bearerToken }).open()
    const watch = following((options) => access.watch(options))
    await watch.said('online')
    const item = await vault.create(note('Mail'))
    await watch.has(vault.id, [item.id])
    await account.tokens.revoke(made.id)
    const error = await watch.ended
    expect(error).toBeInstanceOf(ProblemError)
    expect(error).toMatchObject({ code: 'not-authenticated' })
  })

  it('hears of changes by waiting where streams are held back', async () => {
    const { email, vault } = await registeredClient(server, { password })
    const waits: string[] = []
    const limpet = new Limpet({
      server: server.url,
      device: { id: randomUUID(), name: 'behind a proxy', type: 'other' },
      acceptAuthKey: () => true,
      fetch: (url, init) => {
        if (url.includes('wait=')) waits.push(url)
        return fetch(url.endsWith('/events') ? held : url, init)
      },
    })
    const account = await limpet.login({ email, password })
    const { after } = timing
    const hurried: Timing = { ...timing, after: (ms, callback) => after(ms === 5000 ? 0 : ms, callback) }
    const watch = following((options) => account.watch({ ...options, timing: hurried }))
    await watch.said('online')
    expect(watch.events.find(({ kind }) => kind === 'online')).toMatchObject({ live: false })
    await vi.waitFor(() => expect(waits).toHaveLength(1), { timeout: 20_000 })
    const item = await vault.create(note('Mail'))
    await watch.has(vault.id, [item.id])
  })
})
