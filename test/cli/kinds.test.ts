// SSH keys and cards at the shell.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'
import { newShell } from './program.ts'

/** Made for this test by ssh-keygen of OpenSSH. */
const publicKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ71liAH6vGukbaTjFYyQ2deJA/ngXIy6pcm+nJSpVg7'
const privateKey = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACCe9ZYgB+rxrpG2k4xWMkNnXiQP54FyMuqXJvpyUqVYOwAAAIg0XBfFNFwX
xQAAAAtzc2gtZWQyNTUxOQAAACCe9ZYgB+rxrpG2k4xWMkNnXiQP54FyMuqXJvpyUqVYOw
AAAEBr/Jv6ZnZVxzP1gvsyKeRV5ltboo11wvR7LSsqzpJ9OZ71liAH6vGukbaTjFYyQ2de
JA/ngXIy6pcm+nJSpVg7AAAAAAECAwQF
-----END OPENSSH PRIVATE KEY-----
`

describe('kinds of items', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer('sqlite')
  })
  afterAll(() => server.close())

  it('have SSH keys, whose public key comes of the private one', async () => {
    const shell = await newShell(server)
    await shell.enter()
    const { code } = await shell.feed(['add', 'ssh-key', 'Deploy'], privateKey)
    expect(code).toBe(0)
    expect(await shell.done(['get', 'Deploy', '--field', 'publicKey'])).toBe(publicKey)
    expect((await shell.run(['get', 'Deploy', '--field', 'privateKey'])).stdout.trim()).toBe(
      privateKey.trim(),
    )
    const view = await shell.done(['get', 'Deploy'])
    expect(view).toContain(publicKey)
    expect(view).not.toContain('BEGIN')
    expect(await shell.done(['list', '--kind', 'ssh-key'])).toContain('Deploy')

    for (const wrong of [
      'no key',
      privateKey.replace('-----END', '-----'),
      privateKey.replace('b3Blbn', 'AAAAAA'),
    ])
      expect((await shell.feed(['add', 'ssh-key', 'Wrong'], wrong)).code).toBe(2)
    // A form from which nothing is read, and a private key that takes the place of another.
    const pem = '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n'
    expect((await shell.feed(['edit', 'Deploy', '--set-secret', 'privateKey'], pem)).code).toBe(0)
    const { content } = JSON.parse(await shell.done(['get', 'Deploy', '--json']))
    expect(content).toEqual({ kind: 'ssh-key', name: 'Deploy', privateKey: pem })
    await shell.ended('usage', ['edit', 'Deploy', '--set-secret', 'privateKey', '--set-secret', 'notes'], 'x')
    await shell.ended('usage', ['add', 'ssh-key', 'Wrong', '--set', `privateKey=${pem}`])
  })

  it('have cards, whose expiry is a month', async () => {
    const shell = await newShell(server)
    await shell.enter()
    const add = (name: string, expiry: string) => ['add', 'card', name, '--set', `expiry=${expiry}`]
    for (const [expiry, kept] of [
      ['2029-08', '2029-08'],
      ['08/29', '2029-08'],
      ['08 / 2029', '2029-08'],
    ] as const) {
      const id = await shell.done(add('Visa', expiry), '4111', '')
      expect(await shell.done(['get', id, '--field', 'expiry'])).toBe(kept)
    }
    for (const wrong of ['2029-13', '13/29', '8/29', 'soon', '2029-00', ''])
      expect((await shell.ended('usage', add('Wrong', wrong), '4111', '')).stderr).toContain('is not a month')
  })
})
