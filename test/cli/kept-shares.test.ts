// Links that were made are listed, looked after and taken back on another device.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KeptShare, keptSharesId } from '../../src/sdk/index.ts'
import { engines } from '../support/database.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { newShell } from './program.ts'

const day = 86_400_000

const keptShare = (index: number, expiresAt: number): KeptShare => ({
  id: Buffer.alloc(16, index % 256)
    .fill(Math.floor(index / 256), 0, 1)
    .toString('base64url'),
  server: 'https://vault.example.com',
  manageToken: Buffer.alloc(32, 7).toString('base64url'),
  createdAt: new Date(index * 1000).toISOString(),
  expiresAt: new Date(expiresAt).toISOString(),
  name: `share ${index}`,
})

describe.each(engines)('links that were made, with a server on %s', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine)
  })
  afterAll(() => server.close())

  it('are looked after on another device', async () => {
    const shell = await newShell(server)
    await shell.enter()
    await shell.done(['add', 'login', 'GitHub'], 'one')
    const first = await shell.done(['share', '--item', 'GitHub', '--field', 'password'])
    const made = JSON.parse(await shell.done(['share', '--name', 'for Grace', '--json'], 'a secret'))
    await shell.done(['share'], 'without a name')

    const other = await newShell(server)
    await other.done(['login', shell.email], shell.password)
    const run = (...args: string[]) => other.done(args, shell.password)
    const listed = JSON.parse(await run('share', 'list', '--json'))
    expect(listed).toMatchObject([
      { name: null, state: 'pending' },
      { id: made.id, name: 'for Grace', server: server.url, expiresAt: made.expiresAt },
      { name: 'GitHub / password', state: 'pending' },
    ])
    expect(JSON.stringify(listed)).not.toContain(made.manageToken)
    expect(JSON.stringify(listed)).not.toContain(first.split('#')[1])
    // It is no item of the owner's.
    expect(JSON.parse(await run('list', '--json'))).toHaveLength(1)
    expect(JSON.parse(await run('vault', 'list', '--json'))).toMatchObject([{ items: 1 }])
    expect(await run('vault', 'list')).toMatch(/^Personal +1 /m)

    expect(await run('share', 'receipt', 'GitHub / password')).toMatch(/^State {4}pending$/m)
    expect(await other.done(['open', first])).toBe('one')
    expect(JSON.parse(await run('share', 'receipt', 'GitHub / password', '--json'))).toMatchObject({
      state: 'read',
      readAt: expect.stringMatching(/Z$/),
    })
    const read = await other.ended('notFound', ['share', 'revoke', 'GitHub / password'], shell.password)
    expect(read.stderr).toContain('already read')

    await run('share', 'revoke', 'for Grace')
    expect((await other.ended('notFound', ['open', made.link])).stderr).toContain('took the share back')
    expect(await run('share', 'list')).toMatch(/^for Grace +revoked /m)
    await other.ended('notFound', ['share', 'revoke', 'nothing'], shell.password)
  })

  it('are not kept by a shell that is locked, which asks for nothing', async () => {
    const shell = await newShell(server)
    await shell.enter()
    delete shell.environment.LIMPET_UNLOCK_KEY
    expect(await shell.done(['share'], 'a secret')).toContain('#')
    expect(JSON.parse(await shell.done(['share', 'list', '--json'], shell.password))).toEqual([])
    // The password is asked for to read the item, and keeps the link as well.
    await shell.done(['add', 'login', 'Mail'], shell.password, 'one')
    await shell.done(['share', '--item', 'Mail', '--field', 'password'], shell.password)
    expect(JSON.parse(await shell.done(['share', 'list', '--json'], shell.password))).toHaveLength(1)
  })

  it('all stay if devices write at the same time, and after the list was deleted', async () => {
    const shell = await newShell(server)
    await shell.enter()
    const devices = await Promise.all([shell.otherDevice(), shell.otherDevice(), shell.otherDevice()])
    const now = Date.now()
    await Promise.all(
      devices.map(async ({ account }, index) =>
        (await account.keptShares()).keep(keptShare(index, now + day), now),
      ),
    )
    const [device] = devices
    const kept = await device.account.keptShares()
    expect((await kept.list()).map(({ name }) => name)).toEqual(['share 2', 'share 1', 'share 0'])

    const id = await keptSharesId(device.vault.id)
    await device.vault.purge(id)
    await kept.keep(keptShare(9, now + day), now)
    expect((await kept.list()).map(({ name }) => name)).toEqual(['share 9'])
    expect(JSON.parse(await shell.done(['share', 'list', '--json']))).toMatchObject([{ name: 'share 9' }])
  })
})

describe('the list of links', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer('sqlite')
  })
  afterAll(() => server.close())

  it('loses what ended long ago, what is too much, and nothing that it does not know', async () => {
    const shell = await newShell(server)
    await shell.enter()
    const { account, vault } = await shell.otherDevice()
    const now = Date.now()
    const id = await keptSharesId(vault.id)
    const later = { form: 'of a later version' }
    const full = Array.from({ length: 499 }, (_, index) => keptShare(index, now + index * 1000))
    await vault.createOfKind(
      {
        kind: 'shares',
        name: 'Links',
        shares: [later, keptShare(600, now - 31 * day), ...full],
        colour: 'blue',
      },
      id,
    )
    await (await account.keptShares()).keep(keptShare(700, now + 600_000), now)
    const { content } = await vault.get(id)
    expect(content).toMatchObject({ name: 'Links', colour: 'blue' })
    const shares: unknown = 'shares' in content ? content.shares : undefined
    expect(shares).toHaveLength(500)
    expect(shares).toContainEqual(later)
    const names = (await (await account.keptShares()).list()).map(({ name }) => name)
    expect(names[0]).toBe('share 700')
    expect(names).not.toContain('share 600')
    // The one that expires first made room.
    expect(names).not.toContain('share 0')
    expect(names).toContain('share 1')
  })

  it('has an id of its own in each vault, a UUID of version 8', async () => {
    const id = await keptSharesId('7f3c1a52-9d0e-4b6f-8a21-0c5d6e7f8091')
    expect(id).toBe('08c9826d-7965-8e53-9b49-afec0aa5c1dd')
    expect(await keptSharesId('7f3c1a52-9d0e-4b6f-8a21-0c5d6e7f8092')).not.toBe(id)
  })
})
