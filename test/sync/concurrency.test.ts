// Many writers at once on one vault, through two servers on one database, on both engines.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConflictError, Replica } from '../../src/sdk/index.ts'
import { engines } from '../support/database.ts'
import { registeredClient, secondDevice, startServer, type TestServer } from '../support/server.ts'

const note = (name: string) => ({ kind: 'note' as const, name })

describe.each(engines)('writers at the same time on %s', (engine) => {
  let server: TestServer
  let second: TestServer
  beforeAll(async () => {
    server = await startServer(engine)
    // Another server on the same database, as replicas behind a proxy are. Its tokens are its own, so it has other sessions.
    second = await startServer(engine, { database: server.database })
  })
  afterAll(async () => {
    await second.close()
    await server.close()
  })

  it('gives 50 writers gap-free revisions, and a client that pulls all the time exactly the server’s state', async () => {
    const owner = await registeredClient(server)
    const elsewhere = await secondDevice(second, owner)
    const follower = await secondDevice(server, owner)
    const replica = new Replica()
    const writesEach = 6

    let writing = true
    const follow = (async () => {
      while (writing) await replica.pull(follower.vault)
    })()
    const revisions = await Promise.all(
      Array.from({ length: 50 }, async (_, writer) => {
        const { vault } = writer % 2 === 0 ? owner : elsewhere
        const seen: number[] = []
        let item = await vault.create(note(`writer ${writer}`))
        seen.push(item.revision)
        for (let write = 1; write < writesEach; write++) {
          item = await vault.replace(item.id, item.revision, note(`writer ${writer}, write ${write}`))
          seen.push(item.revision)
        }
        if (writer % 10 === 0) seen.push((await vault.trash(item.id)).revision)
        return seen
      }),
    )
    writing = false
    await follow
    await replica.pull(follower.vault)

    // The vault was made at revision 1.
    const all = revisions.flat().sort((a, b) => a - b)
    expect(all).toEqual(Array.from({ length: 50 * writesEach + 5 }, (_, index) => index + 2))
    const fresh = new Replica()
    await fresh.pull(follower.vault)
    expect(new Map(replica.items)).toEqual(new Map(fresh.items))
    expect(replica.items.size).toBe(50)
  })

  it('answers each of those that are written together as if it were alone', async () => {
    const { vault } = await registeredClient(server)
    const made = await Promise.all(
      Array.from({ length: 6 }, (_, index) => vault.create(note(`item ${index}`))),
    )
    const [replaced, moved, trashed, restored, kept] = made
    if (!replaced || !moved || !trashed || !restored || !kept) throw new Error('Items are missing')
    const old = moved.revision
    await vault.replace(moved.id, moved.revision, note('moved on'))
    const { revision: inTrash } = await vault.trash(restored.id)
    const before = Math.max(inTrash, ...made.map(({ revision }) => revision))
    // All of them at once: writes that change something, and others that are refused or change nothing.
    const outcomes = await Promise.allSettled([
      vault.replace(replaced.id, replaced.revision, note('replaced')),
      vault.replace(moved.id, old, note('too late')),
      vault.trash(trashed.id),
      vault.restore(restored.id),
      vault.replace(randomUUID(), 1, note('of nothing')),
      vault.restore(kept.id),
      vault.create(note('new')),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual([
      ...['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
    ])
    expect(outcomes[1]).toMatchObject({ reason: expect.any(ConflictError) })
    const replica = new Replica()
    await replica.pull(vault)
    const revisions = [...replica.items.values()]
      .map(({ revision }) => revision)
      .filter((one) => one > before)
    expect(revisions.sort((a, b) => a - b)).toEqual([1, 2, 3, 4].map((more) => before + more))
    const versions = await vault.versions(replaced.id)
    expect(versions).toHaveLength(1)
  })

  it('lets exactly one of 50 replacements of the same revision through', async () => {
    const { vault } = await registeredClient(server)
    const item = await vault.create(note('before'))
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, writer) =>
        vault.replace(item.id, item.revision, note(`writer ${writer}`)),
      ),
    )
    const won = outcomes.filter(({ status }) => status === 'fulfilled')
    const lost = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
    expect(won).toHaveLength(1)
    expect(lost.every((reason) => reason instanceof ConflictError)).toBe(true)
    expect((await vault.get(item.id)).revision).toBe(item.revision + 1)
  })

  it('lets exactly one of 50 creations under the same id through', async () => {
    const { vault } = await registeredClient(server)
    const id = randomUUID()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, writer) => vault.create(note(`writer ${writer}`), id)),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })
})
