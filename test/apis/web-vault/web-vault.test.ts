// An unpacked web vault, served beside the API.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { send } from '../../support/requests.ts'
import { startServer, type TestServer } from '../../support/server.ts'

describe('a web vault beside the API', () => {
  let folder: string
  let server: TestServer
  const script = 'console.log("vault")'.repeat(100)
  beforeAll(async () => {
    const parent = await mkdtemp(join(tmpdir(), 'limpet-web-vault-'))
    folder = join(parent, 'vault')
    await mkdir(join(folder, 'app'), { recursive: true })
    await writeFile(join(parent, 'secret.txt'), 'secret')
    await symlink(join(parent, 'secret.txt'), join(folder, 'link.txt'))
    await writeFile(join(folder, '.hidden'), 'secret')
    await writeFile(join(folder, 'index.html'), '<!doctype html><title>Vault</title>')
    await writeFile(join(folder, 'app/main.0123456789abcdef.js'), script)
    await writeFile(join(folder, 'app/main.0123456789abcdef.js.map'), '{}')
    await writeFile(join(folder, 'logo.png'), Buffer.alloc(2000, 1))
    server = await startServer('sqlite', {
      environment: {
        BITWARDEN_API: 'on',
        BITWARDEN_WEB_VAULT: folder,
        BITWARDEN_ICONS: 'https://icons.example/{}/icon.png',
      },
    })
  })
  afterAll(async () => {
    await server.close()
    await rm(join(folder, '..'), { recursive: true })
  })

  it('is the first page, with a policy that lets it work and its extensions frame it', async () => {
    const { status, headers, text } = await send(server, { path: '/?x=1' })
    expect([status, text]).toEqual([200, '<!doctype html><title>Vault</title>'])
    expect(headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' })
    expect(headers).not.toHaveProperty('x-frame-options')
    const policy = headers['content-security-policy']
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval';")
    expect(policy).toContain("img-src 'self' data: https://icons.example;")
    expect(policy).toContain("frame-ancestors 'self' chrome-extension://")
    const again = await send(server, { path: '/', headers: { 'If-None-Match': String(headers.etag) } })
    expect([again.status, again.text]).toEqual([304, ''])
  })

  it('is loaded compressed once, and for ever under a name of its content', async () => {
    const path = '/app/main.0123456789abcdef.js'
    const answer = await fetch(`${server.url}${path}`, { headers: { 'Accept-Encoding': 'gzip' } })
    expect(await answer.text()).toBe(script)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'content-encoding': 'gzip',
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'Accept-Encoding',
    })
    const plain = await send(server, { path, headers: { 'Accept-Encoding': 'identity' } })
    expect(plain.text).toBe(script)
    const head = await send(server, { method: 'HEAD', path: '/logo.png' })
    expect([head.status, head.headers['content-length'], head.text]).toEqual([200, '2000', ''])
  })

  it.each([
    '/../secret.txt',
    '/app/..%2f..%2fsecret.txt',
    '/app/%2e%2e/%2e%2e/secret.txt',
    '/link.txt',
    '/.hidden',
    '/app',
    '/app/',
    '/app/main.0123456789abcdef.js.map',
    '/app/main.0123456789abcdefXjs',
    '//index.html',
  ])('has nothing at %s', async (path) => {
    const { status, text } = await send(server, { path })
    expect(status).toBe(404)
    expect(text).not.toContain('secret')
  })

  it("leaves everything else to the server's own pages and APIs", async () => {
    expect((await send(server, { path: '/api/v1/server' })).status).toBe(200)
    expect((await send(server, { path: '/s/x' })).text).toContain('Limpet')
    expect((await send(server, { method: 'POST', path: '/index.html' })).status).toBe(405)
  })

  it('is needed where the setting says', async () => {
    await expect(
      startServer('sqlite', {
        environment: { BITWARDEN_API: 'on', BITWARDEN_WEB_VAULT: join(folder, 'app') },
      }),
    ).rejects.toThrow('index.html')
  })
})
