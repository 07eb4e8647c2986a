// Items through the SDK, on both engines.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConflictError, ProblemError, Replica } from '../../src/sdk/index.ts'
import { engines } from '../support/database.ts'
import { registeredClient, secondDevice, startServer, type TestServer } from '../support/server.ts'

const login = (name: string, password = 'secret') => ({
  kind: 'login' as const,
  name,
  username: 'ada',
  password,
})

describe.each(engines)('items on %s', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine)
  })
  afterAll(() => server.close())

  it('creates, reads, replaces, and keeps what was replaced', async () => {
    const { vault } = await registeredClient(server)
    const created = await vault.create(login('Mail', 'one'))
    expect(created.content).toMatchObject({ name: 'Mail', password: 'one' })
    const replaced = await vault.replace(created.id, created.revision, login('Mail', 'two'))
    expect(replaced.revision).toBe(created.revision + 1)
    expect((await vault.get(created.id)).content).toMatchObject({ password: 'two' })
    const versions = await vault.versions(created.id)
    expect(versions.map(({ revision, content }) => [revision, content])).toEqual([
      [created.revision, login('Mail', 'one')],
    ])
  })

  it('refuses to replace what was changed in the meantime, and shows what is there', async () => {
    const first = await registeredClient(server)
    const second = await secondDevice(server, first)
    const item = await first.vault.create(login('Mail', 'one'))
    await second.vault.replace(item.id, item.revision, login('Mail', 'two'))
    const conflict = await first.vault
      .replace(item.id, item.revision, login('Mail', 'three'))
      .catch((error) => error)
    expect(conflict).toBeInstanceOf(ConflictError)
    expect(conflict.current.content).toMatchObject({ password: 'two' })
    expect((await first.vault.get(item.id)).content).toMatchObject({ password: 'two' })
  })

  it('moves to the trash and back, purges, and tells every replica', async () => {
    const { vault } = await registeredClient(server)
    const replica = new Replica()
    const item = await vault.create(login('Mail'))
    const trashed = await vault.trash(item.id)
    expect(trashed.deletedAt).not.toBeNull()
    expect(await vault.trash(item.id)).toEqual(trashed)
    await replica.pull(vault)
    expect(replica.items.get(item.id)?.deletedAt).toBe(trashed.deletedAt)
    const restored = await vault.restore(item.id)
    expect(restored).toMatchObject({ deletedAt: null, content: item.content })
    await vault.purge(item.id)
    await vault.purge(item.id)
    await replica.pull(vault)
    expect(replica.items.size).toBe(0)
    expect(replica.export().items).toMatchObject([{ id: item.id, purged: true }])
    const gone = await vault.get(item.id).catch((error) => error)
    expect(gone).toBeInstanceOf(ProblemError)
    expect(gone.code).toBe('not-found')
  })
  it('renames a vault while items are written, and never over another name', async () => {
    const first = await registeredClient(server)
    const second = await secondDevice(server, first)
    await first.vault.create(login('Mail'))
    await first.vault.rename('Mine')
    expect(first.vault.name).toBe('Mine')
    const late = await second.vault.rename('Other').catch((error) => error)
    expect(late).toMatchObject({ code: 'revision-conflict' })
    expect((await second.account.vaults()).map(({ name }) => name)).toEqual(['Mine'])
  })
  it('takes answers in any order, and opens a local copy from before an edit', async () => {
    const { vault } = await registeredClient(server)
    const replica = new Replica()
    const item = await vault.create(login('Mail', 'one'))
    await replica.pull(vault)
    const reads = Array.from({ length: 20 }, () => vault.get(item.id))
    const [replaced] = await Promise.all([
      vault.replace(item.id, item.revision, login('Mail', 'two')),
      ...reads,
    ])
    expect(replaced.revision).toBe(item.revision + 1)
    const copy = replica.items.get(item.id)
    expect(copy && (await vault.openItem(copy)).content).toMatchObject({ password: 'one' })
  })
})
