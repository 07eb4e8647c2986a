// The API of Bitwarden's apps in the production deployment: through nginx, over TLS, to two servers on one Postgres.
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { BitwardenDevice, type BitwardenUser, registerBitwardenUser } from '../support/bitwarden-client.ts'
import { type HubListener, listenAt } from '../support/hubs.ts'
import { walkThrough } from '../support/readme.ts'
import { type Server, send } from '../support/requests.ts'
import { type Deployment, hasDocker, newDeployment } from './deployment.ts'
import { eventually } from './load.ts'

const elsewhere = 'https://web-vault.example'

const settings = `BITWARDEN_ORIGINS=${elsewhere}\nMAX_ATTACHMENT_SIZE=100M\n`

const page = '<!doctype html><title>A web vault</title><script src="app/main.js"></script>'

describe.runIf(hasDocker())("Bitwarden's apps and docker-compose.prod.yml", () => {
  const server: Server = { url: 'https://localhost:443' }
  let deployment: Deployment
  let user: BitwardenUser
  let device: BitwardenDevice
  const listeners: HubListener[] = []

  beforeAll(async () => {
    deployment = await newDeployment('docker-compose.prod.yml')
    const { folder } = deployment
    await writeFile(join(folder, '.env'), settings)
    await deployment.run(walkThrough('production'))
    // As releases of web vaults are packed.
    await deployment.run('mkdir -p packed/web-vault/app && echo "let vault" > packed/web-vault/app/main.js')
    await writeFile(join(folder, 'packed/web-vault/index.html'), page)
    await deployment.run('tar --create --gzip --file bw_web_v1.tar.gz --directory packed web-vault')
    for (const name of ['switch on', 'web vault'])
      await deployment.run(walkThrough(name, 'docs/bitwarden.md'))
    const certificate = await readFile(join(folder, 'secrets/tls.crt'), 'utf8')
    setDefaultCACertificates([...getCACertificates('default'), certificate])
    user = await registerBitwardenUser(server)
    device = await BitwardenDevice.login(server, user)
  })
  afterEach(async () => {
    for (const listener of listeners.splice(0)) await listener.close()
  })
  afterAll(() => deployment?.remove())

  it('keep one vault on both servers', async () => {
    const { id } = await device.createItem({ name: 'mail', username: 'ada', password: 'a password' })
    const other = await BitwardenDevice.login(server, user)
    // One request after the other goes to the other server.
    for (let count = 0; count < 4; count++) expect((await other.sync()).items.get(id)?.name).toBe('mail')
  })

  it('hear of a change through nginx at once, whichever server they are connected to', async () => {
    for (let count = 0; count < 4; count++)
      listeners.push(await listenAt(`${server.url}/notifications/hub`, { token: device.accessToken }))
    const other = await BitwardenDevice.login(server, user)
    const { id } = await other.createItem({ name: 'news' })
    for (const listener of listeners)
      expect(await listener.next()).toMatchObject({ Type: 1, Payload: { Id: id } })
    for (const listener of listeners.splice(0)) await listener.close()
    await eventually('nginx has logged the end of connections to both servers', async () => {
      const log = await deployment.compose('logs nginx')
      const servers = log.matchAll(/"path":"\/notifications\/hub".*"server":"([\d.:]+)"/g)
      return new Set([...servers].map(([, address]) => address)).size === 2
    })
  })

  it('send files of any size that the servers take, and read them back, also in parts', async () => {
    const { id } = await device.createItem({ name: 'with a file' })
    // More than nginx keeps in memory, and more than the largest body elsewhere.
    const content = randomBytes(60_000_000)
    const fileId = await device.attach(id, 'photo.raw', content)
    const [file] = (await device.sync()).items.get(id)?.attachments ?? []
    expect(file?.id).toBe(fileId)
    expect(file && (await device.download(id, file)).equals(content)).toBe(true)
    const { url } = z
      .looseObject({ url: z.string() })
      .parse(await device.ask('GET', `/api/ciphers/${id}/attachment/${fileId}`))
    expect(url).toMatch(/^https:\/\/localhost\/api\/attachments\//)
    const end = await fetch(url, { headers: { Range: 'bytes=-10' } })
    expect([end.status, (await end.bytes()).length]).toEqual([206, 10])
  })

  it('may ask from where they are, and no other page may', async () => {
    const preflight = (Origin: string) =>
      send(server, {
        method: 'OPTIONS',
        path: '/api/sync',
        headers: {
          Origin,
          'Access-Control-Request-Method': 'GET',
          'Access-Control-Request-Headers': 'authorization,bitwarden-client-name,device-type',
        },
      })
    for (const origin of ['bw-desktop-file://bundle', elsewhere]) {
      const { status, headers } = await preflight(origin)
      expect(status, origin).toBeLessThan(300)
      // Once: two of them would be joined by a comma.
      expect(headers['access-control-allow-origin'], origin).toBe(origin)
      expect(headers['access-control-allow-headers'], origin).toMatch(/authorization/i)
      const refused = await send(server, { path: '/api/sync', headers: { Origin: origin } })
      expect([refused.status, refused.headers['access-control-allow-origin']], origin).toEqual([401, origin])
    }
    expect((await preflight('https://evil.example')).headers).not.toHaveProperty(
      'access-control-allow-origin',
    )
  })

  it('have a web vault beside them, if one is unpacked', async () => {
    const first = await send(server, { path: '/' })
    expect([first.status, first.text]).toEqual([200, page])
    expect(first.headers['content-security-policy']).toMatch(/script-src/)
    const script = await send(server, { path: '/app/main.js' })
    expect([script.status, script.text]).toEqual([200, 'let vault\n'])
    expect((await send(server, { path: '/.gitignore' })).status).toBe(404)
  })

  it('leave no address of a file and no token in the logs', async () => {
    const log = await deployment.compose('logs nginx app-1 app-2')
    expect(log).toContain('/api/attachments/-')
    expect(log).not.toContain('token=')
    expect(log).not.toContain(device.accountId)
  })
})
