// Moving a vault from one server to another with `bw`, by the lines of docs/bitwarden.md, at a terminal.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { BitwardenDevice, registerBitwardenUser } from '../support/bitwarden-client.ts'
import { newBw } from '../support/bw.ts'
import { type Engine, engines } from '../support/database.ts'
import { dialogue } from '../support/dialogue.ts'
import { walkThrough } from '../support/readme.ts'
import { startServer } from '../support/server.ts'
import { startTlsProxy } from '../support/tls-proxy.ts'

const file = '/dev/shm/vault.json'

/** A server behind TLS. */
async function startOver(engine: Engine) {
  const proxy = await startTlsProxy()
  const server = await startServer(engine, { environment: { BITWARDEN_API: 'on', PUBLIC_URL: proxy.url } })
  proxy.pointAt(server.url)
  return {
    proxy,
    server,
    async close() {
      await server.close()
      await proxy.close()
    },
  }
}

it.each(engines)('a vault moves to a server on %s by the lines of the page', async (engine) => {
  const [old, fresh] = [await startOver('sqlite'), await startOver(engine)]
  const bw = await newBw('2026.9.0', old.proxy)
  try {
    const owner = await registerBitwardenUser(old.server)
    const device = await BitwardenDevice.login(old.server, owner)
    await device.createItem({ name: 'moved', username: 'ada', password: 'a password' })
    const mover = await registerBitwardenUser(fresh.server)
    const lines = walkThrough('move', 'docs/bitwarden.md')
      .replaceAll('https://vault.example.com', fresh.proxy.url)
      .replaceAll('you@example.com', mover.email)
      .replaceAll(file, join(bw.folder, 'vault.json'))
    await bw.login(owner.email, owner.password)
    const script = join(bw.folder, 'move.sh')
    await writeFile(
      script,
      `set -e\nbw() { ${bw.command} "$@"; }\n${lines}\nls ${bw.folder}/vault.json || echo removed\n`,
    )
    const typed = `${owner.password}\r`
    const certificates = join(bw.folder, 'certificates.pem')
    const both = [old, fresh].map(({ proxy }) => readFile(proxy.certificate, 'utf8'))
    await writeFile(certificates, (await Promise.all(both)).join('\n'))
    const { screen, code } = await dialogue(
      `bash ${script}`,
      { ...bw.environment, NODE_EXTRA_CA_CERTS: certificates, TERM: 'dumb' },
      [
        ['Master password:', typed],
        ['Saved ', ''],
        ['You have logged out.', ''],
        ['Master password:', typed],
        ['You are logged in!', ''],
        ['Master password:', typed],
      ],
    )
    expect([code, screen]).toEqual([0, expect.stringContaining('removed')])
    const { items } = await (await BitwardenDevice.login(fresh.server, mover)).sync()
    expect([...items.values()]).toMatchObject([{ name: 'moved', username: 'ada', password: 'a password' }])
  } finally {
    await bw.remove()
    await old.close()
    await fresh.close()
  }
})
