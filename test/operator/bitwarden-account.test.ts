// Backup, restore and move of a database with a whole account of Bitwarden's apps: what it holds opens on the other engine, too.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { days } from '../../src/clock.ts'
import { BitwardenDevice, registerBitwardenUser } from '../support/bitwarden-client.ts'
import { createDatabase, type Engine, engines, type TestDatabase } from '../support/database.ts'
import { operatorOf, runOperator } from '../support/operator.ts'
import { runStatement } from '../support/rows.ts'
import { startServer, type TestServer } from '../support/server.ts'

const cleaning: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean()
})

async function newDatabase(engine: Engine): Promise<TestDatabase> {
  const database = await createDatabase(engine)
  cleaning.push(() => database.remove())
  return database
}

/** @param at where it listens, so that devices find it where another one was */
async function start(engine: Engine, database: TestDatabase, at?: TestServer): Promise<TestServer> {
  const place = at && { PORT: new URL(at.url).port, PUBLIC_URL: at.url }
  const server = await startServer(engine, { database, environment: { BITWARDEN_API: 'on', ...place } })
  cleaning.push(() => server.stop())
  return server
}

const FileSend = z.object({
  sendResponse: z.object({ id: z.string(), accessId: z.string(), file: z.object({ id: z.string() }) }),
})

/** Whom the Send of a text is for. */
const reader = 'reader@example.com'

/** Of several stored pieces. */
const file = randomBytes(700_000)

/** An account with everything that an account can have. */
async function wholeAccount(server: TestServer, database: TestDatabase) {
  const user = await registerBitwardenUser(server)
  const device = await BitwardenDevice.login(server, user)
  const folderId = await device.createFolder('work')
  const { id, revisionDate } = await device.createItem({
    name: 'mail',
    username: 'ada',
    password: 'first',
    folderId,
  })
  await device.replaceItem(id, { name: 'mail', username: 'ada', password: 'second', folderId }, revisionDate)
  const trashed = await device.createItem({ name: 'in the trash' })
  await device.ask('PUT', `/api/ciphers/${trashed.id}/delete`)
  const archived = await device.createItem({ name: 'in the archive' })
  await device.ask('PUT', '/api/ciphers/archive', { ids: [archived.id] })
  const { body } = device.sealedSend('a send', 'its text', new Date(Date.now() + days(7)))
  await device.ask('POST', '/api/sends', body)
  // The server of this test sends no mail, and would not make one.
  await runStatement(database, `update sends set reader_emails = '${reader}'`)
  await device.attach(id, 'a file', file)
  const { body: about } = device.sealedSend('a send of a file', 'a name', new Date(Date.now() + days(7)))
  const fileName = about.text.text
  const announced = { ...about, type: 1, text: null, file: { fileName }, fileLength: file.length }
  const { sendResponse } = FileSend.parse(await device.ask('POST', '/api/sends/file/v2', announced))
  await device.upload(`/api/sends/${sendResponse.id}/file/${sendResponse.file.id}`, fileName, file)
  return { user, device, itemId: id, fileSend: sendResponse }
}
type FileSend = z.infer<typeof FileSend>['sendResponse']

/** Whether the file of a Send is given as it was sent, once its owner has enabled it again after a restore. */
async function expectFileOf(device: BitwardenDevice, { id, accessId, file: { id: fileId } }: FileSend) {
  const own = z.looseObject({ disabled: z.boolean() }).parse(await device.ask('GET', `/api/sends/${id}`))
  if (own.disabled) await device.ask('PUT', `/api/sends/${id}`, { ...own, disabled: false })
  const opened = await device.ask('POST', `/api/sends/${accessId}/access/file/${fileId}`, {})
  const { pathname, search } = new URL(z.object({ url: z.string() }).parse(opened).url)
  const answer = await fetch(`${device.server.url}${pathname}${search}`)
  expect(Buffer.from(await answer.arrayBuffer()).equals(file)).toBe(true)
}

async function expectWhole(device: BitwardenDevice, itemId: string) {
  const { items, folders, sends } = await device.sync()
  expect([...items.values()].map(({ name }) => name).toSorted()).toEqual([
    'in the archive',
    'in the trash',
    'mail',
  ])
  const item = items.get(itemId)
  expect(item).toMatchObject({ username: 'ada', password: 'second' })
  expect(folders.get(item?.folderId ?? '')).toBe('work')
  expect([...sends.values()].toSorted()).toEqual(['a send', 'a send of a file'])
  const Sends = z.object({ data: z.array(z.object({ type: z.number(), emails: z.string().nullable() })) })
  const { data } = Sends.parse(await device.ask('GET', '/api/sends'))
  expect(data.map(({ type, emails }) => [type, emails]).toSorted()).toEqual([
    [0, reader],
    [1, null],
  ])
  const [attachment] = item?.attachments ?? []
  expect(attachment?.fileName).toBe('a file')
  if (attachment) expect((await device.download(itemId, attachment)).equals(file)).toBe(true)
}

const other = { sqlite: 'postgres', postgres: 'sqlite' } as const

describe.each(engines)("an account of Bitwarden's apps on %s", (engine) => {
  it('comes back from a backup on the other engine, and its devices log in again', async () => {
    const database = await newDatabase(engine)
    const server = await start(engine, database)
    const { user, device, itemId, fileSend } = await wholeAccount(server, database)
    const folder = await mkdtemp(join(tmpdir(), 'limpet-backup-'))
    cleaning.push(() => rm(folder, { recursive: true }))
    const backup = join(folder, 'limpet.backup')
    await operatorOf(database).json('backup', backup)
    await device.createItem({ name: 'after the backup' })
    const lastSeen = await device.revision()
    await server.stop()

    const restored = await newDatabase(other[engine])
    await operatorOf(restored).json('restore', backup)
    expect(await operatorOf(restored).json('verify')).toMatchObject({ damage: [] })
    const again = await start(other[engine], restored, server)
    const fresh = await BitwardenDevice.login(again, user)
    await expectWhole(fresh, itemId)
    await expectFileOf(fresh, fileSend)
    // Devices from before hold items that the server no longer has: whatever they have seen, there is something newer.
    expect(await fresh.revision()).toBeGreaterThan(lastSeen)
    expect((await device.request('GET', '/api/sync')).status).toBe(401)
    const refusal = await device.refresh().catch((error: unknown) => error)
    expect(String(refusal)).toMatch(/400.*invalid_grant/)
  })

  it('moves to the other engine, and its devices notice nothing', async () => {
    const database = await newDatabase(engine)
    const server = await start(engine, database)
    const { device, itemId, fileSend } = await wholeAccount(server, database)
    await server.stop()
    const target = await newDatabase(other[engine])
    const withoutPassword = ({ url }: TestDatabase) => url.replace('limpet:limpet@', 'limpet@')
    const places = ['--from', withoutPassword(database), '--to', withoutPassword(target)]
    const { code, stderr } = await runOperator(['move', ...places], { PGPASSWORD: 'limpet' })
    expect(code, stderr).toBe(0)
    await start(other[engine], target, server)
    await expectWhole(device, itemId)
    await expectFileOf(device, fileSend)
    await device.refresh()
    await device.createItem({ name: 'after the move' })
    z.literal(4).parse((await device.sync()).items.size)
  })
})
