// Files of items: announced and sent as clients do it, read under an address that needs no login, deleted, and counted.
import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { days, minutes } from '../../../src/clock.ts'
import { deleteOldUploads } from '../../../src/domain/vaults/attachment-uploads.ts'
import { findDamage } from '../../../src/operator/database-damage.ts'
import { onSnapshot } from '../../../src/operator/whole-database.ts'
import { openStore } from '../../../src/store/open.ts'
import { type BitwardenTestAccount, encString, newBitwardenAccount } from '../../support/bitwarden.ts'
import { loginCipher, wrappedKey } from '../../support/ciphers.ts'
import { engines } from '../../support/database.ts'
import { databaseOf } from '../../support/fresh-database.ts'
import { bodyOf, send } from '../../support/requests.ts'
import { readRows } from '../../support/rows.ts'
import { asOwner, sendForm } from '../../support/sends.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'

/** Every member that some client requires, and no other. */
const File = z.strictObject({
  object: z.literal('attachment'),
  id: z.uuid(),
  url: z.url(),
  fileName: z.string(),
  key: z.string(),
  size: z.string(),
  sizeName: z.string(),
})

const Cipher = z.object({ id: z.uuid(), revisionDate: z.string(), attachments: z.array(File).nullable() })

const Upload = z.strictObject({
  object: z.literal('attachment-fileUpload'),
  attachmentId: z.uuid(),
  url: z.string(),
  fileUploadType: z.literal(0),
  cipherResponse: Cipher,
  cipherMiniResponse: z.null(),
})

const Deleted = z.strictObject({ cipher: Cipher })
const Sync = z.object({ ciphers: z.array(Cipher) })
const Refused = z.object({ message: z.string() })

describe.each(engines)("files of Bitwarden's items on %s", (engine) => {
  const clock = new TestClock()
  let server: TestServer
  let owner: BitwardenTestAccount
  let item: z.infer<typeof Cipher>
  beforeAll(async () => {
    const environment = { BITWARDEN_API: 'on', MAX_ATTACHMENT_SIZE: '3M', MAX_ATTACHMENT_BYTES: '5M' }
    server = await startServer(engine, { clock, environment })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    owner = await newBitwardenAccount(server, clock.now())
    item = bodyOf(Cipher, await ask('POST', '/api/ciphers', loginCipher()))
  })

  const ask = (method: string, path: string, body?: unknown, by = owner) =>
    asOwner(server, by, method, path, body)
  const path = (rest: string) => `/api/ciphers/${item.id}/attachment/${rest}`
  const announcement = (fileSize: number | string, more: object = {}) => ({
    fileName: encString(),
    key: wrappedKey(),
    fileSize,
    adminRequest: false,
    ...more,
  })
  const announce = async (size: number | string, more: object = {}) =>
    bodyOf(Upload, await ask('POST', path('v2'), announcement(size, more)))
  const upload = (id: string, content: Uint8Array, name?: string) =>
    sendForm(server, owner.token, path(id), content, name)
  const add = async (content: Uint8Array, more: object = {}) => {
    const { attachmentId } = await announce(content.length, more)
    expect((await upload(attachmentId, content)).status).toBe(200)
    return attachmentId
  }
  const get = async () => bodyOf(Cipher, await ask('GET', `/api/ciphers/${item.id}`))
  const usage = async () => {
    const { accounts = [] } = await readRows(server.database)
    return Number(accounts.find(({ id }) => id === owner.accountId)?.stored_attachment_bytes)
  }
  const damage = () => onSnapshot(databaseOf(server.database), findDamage)

  it('hold every byte, and are read by all who have their address, for minutes', async () => {
    const content = randomBytes(1_500_000)
    const body = announcement(content.length, { lastKnownRevisionDate: item.revisionDate })
    const announced = bodyOf(Upload, await ask('POST', path('v2'), body))
    const id = announced.attachmentId
    // What the client keeps names the file already; others see it once it is here.
    expect(announced.cipherResponse.attachments).toMatchObject([
      { id, fileName: body.fileName, key: body.key, size: '1500000', sizeName: '1.4 MiB' },
    ])
    expect((await get()).attachments).toBeNull()
    expect((await ask('GET', path(id))).status).toBe(404)
    const renewed = bodyOf(Upload, await ask('GET', path(`${id}/renew`)))
    expect([renewed.url, renewed.attachmentId]).toEqual([announced.url, id])
    const sent = await upload(id, content)
    expect([sent.status, sent.text]).toEqual([200, ''])
    // A client that did not hear of it sends it again.
    expect((await upload(id, content)).status).toBe(200)
    expect((await ask('GET', path(`${id}/renew`))).status).toBe(404)
    const seen = await get()
    expect(seen.attachments).toMatchObject([{ id, fileName: body.fileName, key: body.key }])
    // The next edit of the client that has sent it is not out of date.
    expect(seen.revisionDate).toBe(announced.cipherResponse.revisionDate)
    const { ciphers } = bodyOf(Sync, await ask('GET', '/api/sync'))
    expect(ciphers.map(({ attachments }) => attachments?.map((file) => file.id))).toEqual([[id]])
    const { url } = bodyOf(File, await ask('GET', path(id)))
    const read = await fetch(url)
    expect([read.status, read.headers.get('content-type')]).toEqual([200, 'application/octet-stream'])
    expect(Buffer.from(await read.arrayBuffer()).equals(content)).toBe(true)
    const other = await add(randomBytes(100))
    const wrong = [
      url.replace(/.$/, (end) => (end === 'A' ? 'B' : 'A')),
      url.replace(id, other),
      url.replace(/token=.*/, 'token='),
      url.replace(/\?.*/, ''),
    ]
    for (const address of wrong) expect((await fetch(address)).ok).toBe(false)
    expect(await usage()).toBe(content.length + 100)
    expect(await damage()).toEqual([])
    clock.advance(minutes(6))
    expect((await fetch(url)).status).toBe(404)
  })

  it('are read in parts, too: a download that was cut off goes on', async () => {
    const content = randomBytes(2_000_000)
    const { url } = bodyOf(File, await ask('GET', path(await add(content))))
    const part = async (headers: Record<string, string>) => {
      const answer = await fetch(url, { headers })
      const range = answer.headers.get('content-range')
      return { status: answer.status, range, bytes: Buffer.from(await answer.arrayBuffer()) }
    }
    const rest = await part({ Range: 'bytes=1500000-' })
    expect([rest.status, rest.range]).toEqual([206, 'bytes 1500000-1999999/2000000'])
    expect(rest.bytes.equals(content.subarray(1_500_000))).toBe(true)
    expect((await part({ Range: 'bytes=-7' })).bytes.equals(content.subarray(-7))).toBe(true)
    const whole = await part({ Range: 'bytes=5-', 'If-Range': '"some tag"' })
    expect([whole.status, whole.bytes.length]).toEqual([200, content.length])
    const beyond = await part({ Range: 'bytes=2000000-' })
    expect([beyond.status, beyond.range]).toEqual([416, 'bytes */2000000'])
  })

  it('change the revision of the account when they come and go, and that of the item as its clients know it', async () => {
    const revision = async () => Number((await ask('GET', '/api/accounts/revision-date')).text)
    const seen = [await revision()]
    const { attachmentId, cipherResponse } = await announce(1000)
    expect(cipherResponse.revisionDate > item.revisionDate).toBe(true)
    seen.push(await revision())
    await upload(attachmentId, randomBytes(1000))
    seen.push(await revision())
    const stale = announcement(1000, { lastKnownRevisionDate: item.revisionDate })
    expect((await ask('POST', path('v2'), stale)).status).toBe(400)
    const { cipher } = bodyOf(Deleted, await ask('DELETE', path(attachmentId)))
    expect(cipher.attachments).toBeNull()
    expect(cipher.revisionDate > cipherResponse.revisionDate).toBe(true)
    seen.push(await revision())
    expect(seen).toEqual([...new Set(seen)].toSorted((a, b) => a - b))
  })

  it('are deleted with their bytes, also where a version of the item names them, and with the item', async () => {
    const id = await add(randomBytes(300_000))
    const { url } = bodyOf(File, await ask('GET', path(id)))
    await ask('PUT', `/api/ciphers/${item.id}`, loginCipher())
    expect((await get()).attachments).toHaveLength(1)
    expect((await ask('DELETE', path(id))).status).toBe(200)
    // Once more after a lost answer: what was asked for is so.
    expect((await ask('DELETE', path(id))).status).toBe(200)
    expect((await fetch(url)).status).toBe(404)
    expect(await usage()).toBe(0)
    await add(randomBytes(1000))
    await announce(1000)
    expect(await damage()).toEqual([])
    expect((await ask('DELETE', `/api/ciphers/${item.id}`)).status).toBe(200)
    expect(await usage()).toBe(0)
    expect(await damage()).toEqual([])
  })

  it('belong to their owner: for others they are not there', async () => {
    const id = await add(randomBytes(1000))
    const pending = (await announce(1000)).attachmentId
    const stranger = await newBitwardenAccount(server, clock.now())
    const asked = [
      ['POST', path('v2'), announcement(1000)],
      ['GET', path(id)],
      ['GET', path(`${pending}/renew`)],
      ['DELETE', path(id)],
    ] as const
    for (const [method, to, body] of asked)
      expect((await ask(method, to, body, stranger)).status, to).toBe(404)
    expect((await sendForm(server, stranger.token, path(pending), randomBytes(1000))).status).toBe(404)
    expect((await send(server, { path: path(id) })).status).toBe(401)
    expect((await ask('GET', path(randomUUID()))).status).toBe(404)
    expect((await get()).attachments).toHaveLength(1)
  })

  it('are refused if they are too long, not as announced, or beyond the quota, and leave nothing', async () => {
    const refused = [
      announcement(4_000_000),
      announcement(0),
      announcement(-1),
      announcement('many'),
      announcement(1000, { fileName: 'plain' }),
      announcement(1000, { fileName: encString(3000) }),
      announcement(1000, { key: encString() }),
      announcement(1000, { key: null }),
    ]
    for (const body of refused) expect((await ask('POST', path('v2'), body)).status).toBe(400)
    // A number as a text, as some clients write it; and a little more than announced.
    const near = await announce('1000')
    expect((await upload(near.attachmentId, randomBytes(1200))).status).toBe(200)
    expect((await get()).attachments).toMatchObject([{ size: '1200' }])
    const before = await usage()
    const far = await announce(1000)
    expect((await upload(far.attachmentId, randomBytes(1_300_000))).status).toBe(400)
    expect((await upload(far.attachmentId, randomBytes(1000))).status).toBe(404)
    const nameless = await announce(1000)
    expect((await upload(nameless.attachmentId, randomBytes(1000), 'other')).status).toBe(400)
    const empty = await announce(1000)
    expect((await upload(empty.attachmentId, new Uint8Array())).status).toBe(400)
    expect(await usage()).toBe(before)
    await add(randomBytes(3_000_000))
    const beyond = await ask('POST', path('v2'), announcement(2_500_000))
    expect([beyond.status, bodyOf(Refused, beyond).message]).toMatchObject([400, /MiB of files of the/])
    expect(await damage()).toEqual([])
  })

  it('that never arrive go after a day, with the room that was kept for them', async () => {
    await announce(1000)
    expect(await usage()).toBeGreaterThan(0)
    clock.advance(days(1))
    const { store } = await openStore(databaseOf(server.database), {
      now: () => clock.now(),
      onIdleError: () => {},
    })
    await deleteOldUploads({ store }, clock.now())
    await store.close()
    expect(await usage()).toBe(0)
  })

  it('get new names and keys with their item, and are not lost with a key that goes', async () => {
    const id = await add(randomBytes(1000))
    const renamed = { fileName: encString(), key: wrappedKey() }
    const keyed = loginCipher({ key: wrappedKey(), encryptedFor: owner.accountId })
    expect((await ask('PUT', `/api/ciphers/${item.id}`, keyed)).status).toBe(400)
    const attachments2 = { [id]: renamed, [randomUUID()]: renamed }
    const changed = await ask('PUT', `/api/ciphers/${item.id}`, { ...keyed, attachments2 })
    expect(bodyOf(Cipher, changed).attachments).toMatchObject([{ id, ...renamed }])
    expect((await get()).attachments).toMatchObject([{ id, ...renamed }])
  })
})
