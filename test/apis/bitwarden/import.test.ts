// Many items in one request, and in one answer.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type BitwardenTestAccount, encString, newBitwardenAccount } from '../../support/bitwarden.ts'
import { loginCipher } from '../../support/ciphers.ts'
import { engines } from '../../support/database.ts'
import { send } from '../../support/requests.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'

const Sync = z.object({
  ciphers: z.array(z.looseObject({ name: z.string(), folderId: z.string().nullable() })),
  folders: z.array(z.looseObject({ id: z.string(), name: z.string() })),
})

const Refusal = z.looseObject({
  message: z.string(),
  validationErrors: z.record(z.string(), z.array(z.string())).nullable(),
})

const some = (count: number) => Array.from({ length: count }, () => loginCipher())

describe.each(engines)("imports of Bitwarden's apps on %s", (engine) => {
  const clock = new TestClock()
  let server: TestServer
  let account: BitwardenTestAccount
  beforeAll(async () => {
    server = await startServer(engine, { clock, environment: { BITWARDEN_API: 'on', MAX_ITEMS: '1200' } })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    account = await newBitwardenAccount(server, clock.now())
  })

  const bring = (body: unknown) =>
    send(server, { method: 'POST', path: '/api/ciphers/import', token: account.token, body })
  const sync = async () =>
    Sync.parse(JSON.parse((await send(server, { path: '/api/sync', token: account.token })).text))
  const makeFolder = async () => {
    const body = { name: encString() }
    const { text } = await send(server, { method: 'POST', path: '/api/folders', token: account.token, body })
    return z.looseObject({ id: z.string(), name: z.string() }).parse(JSON.parse(text))
  }

  it('are given back in one answer, over several pages', async () => {
    const ciphers = some(1100)
    const answer = await bring({ ciphers, folders: [], folderRelationships: [] })
    expect([answer.status, answer.text]).toEqual([200, ''])
    const found = (await sync()).ciphers.map(({ name }) => name)
    expect(found.toSorted()).toEqual(ciphers.map(({ name }) => name).toSorted())
    const more = await bring({ ciphers: some(101) })
    expect([more.status, more.text]).toEqual([400, expect.stringContaining('1200')])
    expect((await sync()).ciphers).toHaveLength(1100)
  })

  it('are given back whole and in order, large items among small ones', async () => {
    const ciphers = Array.from({ length: 300 }, (_, index) =>
      loginCipher({ notes: encString(index % 9 === 0 ? 64_000 : 48) }),
    )
    expect((await bring({ ciphers })).status).toBe(200)
    const Listed = z.array(z.looseObject({ id: z.string(), name: z.string(), notes: z.string() }))
    const whole = (items: z.output<typeof Listed>) => new Map(items.map(({ name, notes }) => [name, notes]))
    const synced = Listed.parse((await sync()).ciphers)
    expect(whole(synced)).toEqual(new Map(ciphers.map(({ name, notes }) => [name, notes])))
    expect(synced.map(({ id }) => id)).toEqual(synced.map(({ id }) => id).toSorted())
    const ids = synced.map(({ id }) => id).toReversed()
    const restored = await send(server, {
      method: 'PUT',
      path: '/api/ciphers/restore',
      token: account.token,
      body: { ids },
    })
    const { data } = z.object({ data: Listed }).parse(JSON.parse(restored.text))
    expect(data.map(({ id }) => id)).toEqual(ids)
    expect(whole(data)).toEqual(whole(synced))
  })

  it('put items into folders, new ones and those that are there', async () => {
    const own = await makeFolder()
    const ciphers = some(4)
    const folders = [
      { id: own.id, name: own.name },
      { name: encString() },
      { id: randomUUID(), name: encString() },
      { id: 'of another program', name: encString() },
    ]
    const folderRelationships = [0, 1, 2].map((index) => ({ key: index, value: index }))
    expect((await bring({ ciphers, folders, folderRelationships })).status).toBe(200)
    const found = await sync()
    expect(found.folders.map(({ name }) => name).toSorted()).toEqual(
      folders.map(({ name }) => name).toSorted(),
    )
    const nameOf = new Map(found.folders.map(({ id, name }) => [id, name]))
    const placed = new Map(found.ciphers.map(({ name, folderId }) => [name, nameOf.get(folderId ?? '')]))
    expect(ciphers.map(({ name }) => placed.get(name))).toEqual([
      ...folders.slice(0, 3).map(({ name }) => name),
      undefined,
    ])
  })

  it.each([
    ['an item', { ciphers: [...some(2), { ...loginCipher(), notes: 'plain' }] }, 'Ciphers[2].notes'],
    ['a folder', { ciphers: some(1), folders: [{ name: 'Work' }] }, 'Folders[0].name'],
    ['a place', { ciphers: some(1), folderRelationships: [{ key: 0, value: 0 }] }, 'FolderRelationships[0]'],
    ['a folder of an item', { ciphers: [loginCipher({ folderId: randomUUID() })] }, 'Ciphers[0].folderId'],
    ['whom it is for', { ciphers: [loginCipher({ encryptedFor: randomUUID() })] }, 'encryptedFor'],
  ])('bring nothing if %s is wrong, and say where', async (_, body, path) => {
    const answer = await bring(body)
    expect(answer.status).toBe(400)
    expect(Object.keys(Refusal.parse(JSON.parse(answer.text)).validationErrors ?? {})).toEqual([path])
    expect(await sync()).toEqual({ ciphers: [], folders: [] })
  })

  it('are refused as a whole if there are no items', async () => {
    expect((await bring({ ciphers: 'all' })).status).toBe(400)
    expect((await bring({})).status).toBe(400)
  })
})
