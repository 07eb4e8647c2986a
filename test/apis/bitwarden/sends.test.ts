// Sends: what their owner's clients require of them, what strangers get by the link, and that each opening is counted.
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { days, minutes } from '../../../src/clock.ts'
import { deleteOldSends } from '../../../src/domain/sends/ends.ts'
import { deleteOldUploads } from '../../../src/domain/vaults/attachment-uploads.ts'
import { findDamage } from '../../../src/operator/database-damage.ts'
import { settleRestored } from '../../../src/operator/restore-steps.ts'
import { onSnapshot } from '../../../src/operator/whole-database.ts'
import { openStore } from '../../../src/store/open.ts'
import type { Store } from '../../../src/store/store.ts'
import { type BitwardenTestAccount, newBitwardenAccount } from '../../support/bitwarden.ts'
import { askForToken } from '../../support/bitwarden-client.ts'
import { engines } from '../../support/database.ts'
import { databaseOf } from '../../support/fresh-database.ts'
import { bodyOf, send } from '../../support/requests.ts'
import { readRows } from '../../support/rows.ts'
import { asOwner, fileSend, openOld, sendForm, textSend } from '../../support/sends.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'

const file = z.strictObject({
  id: z.string(),
  fileName: z.string(),
  size: z.string(),
  sizeName: z.string(),
})

/** Every member that some client requires, and no other. */
const Send = z.strictObject({
  object: z.literal('send'),
  id: z.uuid(),
  accessId: z.string().length(22),
  type: z.number(),
  authType: z.number(),
  name: z.string(),
  notes: z.string().nullable(),
  file: file.nullable(),
  text: z.strictObject({ text: z.string().nullable(), hidden: z.boolean() }).nullable(),
  data: z.null(),
  key: z.string(),
  maxAccessCount: z.number().nullable(),
  accessCount: z.number(),
  password: z.string().nullable(),
  emails: z.string().nullable(),
  disabled: z.boolean(),
  hideEmail: z.boolean(),
  revisionDate: z.iso.datetime(),
  expirationDate: z.iso.datetime().nullable(),
  deletionDate: z.iso.datetime(),
})

const SendList = z.strictObject({
  object: z.literal('list'),
  data: z.array(Send),
  continuationToken: z.null(),
})

const Upload = z.strictObject({
  object: z.literal('send-fileUpload'),
  fileUploadType: z.literal(0),
  url: z.string(),
  sendResponse: Send,
})

const Access = z.strictObject({
  object: z.literal('send-access'),
  id: z.string(),
  type: z.number(),
  authType: z.number(),
  name: z.string(),
  text: z.strictObject({ text: z.string().nullable(), hidden: z.boolean() }).nullable(),
  file: file.nullable(),
  expirationDate: z.string().nullable(),
  creatorIdentifier: z.string().nullable(),
})

const Download = z.strictObject({ object: z.literal('send-fileDownload'), id: z.string(), url: z.string() })

const Refused = z.object({ message: z.string(), validationErrors: z.unknown() })

const password = randomBytes(32).toString('base64')

describe.each(engines)('sends on %s', (engine) => {
  const clock = new TestClock()
  let server: TestServer
  let store: Store
  let owner: BitwardenTestAccount
  beforeAll(async () => {
    const environment = {
      BITWARDEN_API: 'on',
      MAX_ATTACHMENT_SIZE: '3M',
      MAX_ATTACHMENT_BYTES: '6M',
      RATE_LIMITS: 'on',
    }
    server = await startServer(engine, { clock, environment })
    const opened = await openStore(databaseOf(server.database), {
      now: () => clock.now(),
      onIdleError: () => {},
    })
    store = opened.store
  })
  afterAll(async () => {
    await store.close()
    await server.close()
  })
  beforeEach(async () => {
    owner = await newBitwardenAccount(server, clock.now())
  })

  const create = async (more: object = {}) =>
    bodyOf(Send, await asOwner(server, owner, 'POST', '/api/sends', textSend(clock.now(), more)))
  const announce = async (length: number, more: object = {}) =>
    bodyOf(
      Upload,
      await asOwner(server, owner, 'POST', '/api/sends/file/v2', fileSend(clock.now(), length, more)),
    )
  const get = async (id: string) => bodyOf(Send, await asOwner(server, owner, 'GET', `/api/sends/${id}`))
  const upload = (url: string, content: Uint8Array) =>
    sendForm(server, owner.token, new URL(url).pathname, content)
  const usage = async () => {
    const { accounts = [] } = await readRows(server.database)
    const row = accounts.find(({ id }) => id === owner.accountId)
    return [row?.stored_items, row?.stored_bytes, row?.stored_attachment_bytes].map(Number)
  }
  const damage = () => onSnapshot(databaseOf(server.database), findDamage)

  it('are made, listed, changed and deleted, with every member that clients require', async () => {
    const before = await usage()
    const request = textSend(clock.now(), { password, maxAccessCount: 3, notes: '', hideEmail: true })
    const made = bodyOf(Send, await asOwner(server, owner, 'POST', '/api/sends', request))
    expect(made).toMatchObject({
      type: 0,
      authType: 1,
      name: request.name,
      key: request.key,
      notes: null,
      text: request.text,
      file: null,
      maxAccessCount: 3,
      accessCount: 0,
      deletionDate: request.deletionDate,
      hideEmail: true,
      disabled: false,
    })
    expect(made.password).not.toBeNull()
    const list = bodyOf(SendList, await asOwner(server, owner, 'GET', '/api/sends'))
    expect(list.data).toEqual([made])
    // Another device, of a client that writes names in Pascal case, and the mark of the password as it got it.
    const { text, ...rest } = textSend(clock.now(), { disabled: true, password: made.password })
    const pascal = Object.fromEntries(
      Object.entries({ ...rest, text: { Text: text.text, Hidden: false } }).map(([name, value]) => [
        `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
        value,
      ]),
    )
    const path = `/api/sends/${made.id}`
    const changed = bodyOf(Send, await asOwner(server, owner, 'PUT', path, pascal))
    expect(changed).toMatchObject({ disabled: true, password: made.password, maxAccessCount: null })
    expect(changed.revisionDate > made.revisionDate).toBe(true)
    const open = bodyOf(Send, await asOwner(server, owner, 'PUT', `${path}/remove-password`))
    expect(open).toMatchObject({ password: null, authType: 2 })
    expect(await get(made.id)).toEqual(open)
    expect(await damage()).toEqual([])
    const deleted = await asOwner(server, owner, 'DELETE', path)
    expect([deleted.status, deleted.text]).toEqual([200, ''])
    expect((await asOwner(server, owner, 'GET', path)).status).toBe(404)
    expect(await usage()).toEqual(before)
  })

  it('raise the revision of their account with every change', async () => {
    const revision = async () =>
      Number((await asOwner(server, owner, 'GET', '/api/accounts/revision-date')).text)
    const seen = [await revision()]
    const { id, accessId } = await create({ maxAccessCount: 2 })
    seen.push(await revision())
    await openOld(server, accessId)
    seen.push(await revision())
    await asOwner(server, owner, 'DELETE', `/api/sends/${id}`)
    seen.push(await revision())
    expect(seen).toEqual([...new Set(seen)].toSorted((a, b) => a - b))
  })

  it('belong to their owner: for others they are not there', async () => {
    const { id } = await create()
    const { sendResponse, url } = await announce(1000)
    const stranger = await newBitwardenAccount(server, clock.now())
    const asked = [
      ['GET', `/api/sends/${id}`],
      ['PUT', `/api/sends/${id}`, textSend(clock.now())],
      ['PUT', `/api/sends/${id}/remove-password`],
      ['DELETE', `/api/sends/${id}`],
      ['GET', new URL(url).pathname],
    ] as const
    for (const [method, path, body] of asked)
      expect((await asOwner(server, stranger, method, path, body)).status, path).toBe(404)
    const sent = await sendForm(server, stranger.token, new URL(url).pathname, randomBytes(1000))
    expect(sent.status).toBe(404)
    expect(await get(sendResponse.id)).toEqual(sendResponse)
    expect((await send(server, { path: '/api/sends' })).status).toBe(401)
  })

  it('are refused with a sentence if clients could not read them, or never end', async () => {
    const now = clock.now()
    const at = (ms: number) => new Date(now + ms).toISOString()
    const refused = [
      { name: 'plain' },
      { name: null },
      { key: 'plain' },
      { text: { text: 'plain', hidden: false } },
      { text: null },
      { type: 1 },
      { type: 2 },
      { deletionDate: null },
      { deletionDate: at(-1) },
      { deletionDate: at(days(33)) },
      { deletionDate: '2026-01-07T00:00:00' },
      { expirationDate: at(-1) },
      { maxAccessCount: 0 },
      { maxAccessCount: 1.5 },
      { password: 'no base64!' },
      { emails: 'no address', authType: 0 },
      { emails: 'reader@example.com,no address', authType: 0 },
      { emails: `${'a'.repeat(4000)}@example.com`, authType: 0 },
      { emails: '', authType: 0 },
      { emails: 'reader@example.com', password, authType: 0 },
      { authType: 3 },
    ]
    for (const more of refused) {
      const answer = await asOwner(server, owner, 'POST', '/api/sends', textSend(now, more))
      expect(answer.status, JSON.stringify(more)).toBe(400)
      expect(bodyOf(Refused, answer).validationErrors, JSON.stringify(more)).not.toBeNull()
    }
    expect(bodyOf(SendList, await asOwner(server, owner, 'GET', '/api/sends')).data).toEqual([])
  })

  it('are given to all who have the link, as often as their owner allows', async () => {
    const made = await create({ maxAccessCount: 2 })
    for (const id of [made.accessId, made.id])
      expect(bodyOf(Access, await openOld(server, id))).toMatchObject({
        id: made.accessId,
        name: made.name,
        text: made.text,
        creatorIdentifier: owner.email,
      })
    expect((await get(made.id)).accessCount).toBe(2)
    expect((await openOld(server, made.accessId)).status).toBe(404)
    expect((await get(made.id)).accessCount).toBe(2)
    for (const unknown of ['unknown', made.accessId.slice(1), `${made.accessId.slice(1)}A`])
      expect((await openOld(server, unknown)).status).toBe(404)
    const hidden = await create({ hideEmail: true })
    expect(bodyOf(Access, await openOld(server, hidden.accessId)).creatorIdentifier).toBeNull()
  })

  it('are not given while they are disabled, once they have expired, and once they are deleted', async () => {
    const disabled = await create({ disabled: true })
    const expiring = await create({ expirationDate: new Date(clock.now() + minutes(10)).toISOString() })
    const ending = await create({ deletionDate: new Date(clock.now() + minutes(20)).toISOString() })
    const statuses = async () => {
      const answers = [disabled, expiring, ending].map(({ accessId }) => openOld(server, accessId))
      return (await Promise.all(answers)).map(({ status }) => status)
    }
    expect(await statuses()).toEqual([404, 200, 200])
    clock.advance(minutes(10))
    expect(await statuses()).toEqual([404, 404, 200])
    clock.advance(minutes(10))
    expect(await statuses()).toEqual([404, 404, 404])
    await deleteOldSends({ store }, clock.now())
    const { data } = bodyOf(SendList, await asOwner(server, owner, 'GET', '/api/sends'))
    expect(data.map(({ id }) => id).toSorted()).toEqual([disabled.id, expiring.id].toSorted())
    // What has expired can be edited, such as to give it more time.
    const body = textSend(clock.now(), { expirationDate: expiring.expirationDate })
    expect((await asOwner(server, owner, 'PUT', `/api/sends/${expiring.id}`, body)).status).toBe(200)
    expect(await damage()).toEqual([])
  })

  it('are opened with a grant of the token endpoint, and their password is asked for there', async () => {
    const { accessId, id } = await create({ password, maxAccessCount: 1 })
    const form = { client_id: 'send', grant_type: 'send_access', scope: 'api.send.access' }
    const grant = async (more: Record<string, string>) => {
      const { status, text } = await askForToken(server, { ...form, ...more })
      return { status, ...z.looseObject({ access_token: z.string().optional() }).parse(JSON.parse(text)) }
    }
    const mistakes = {
      send_id_required: {},
      send_id_invalid: { send_id: randomBytes(16).toString('base64url') },
      password_hash_b64_required: { send_id: accessId },
      password_hash_b64_invalid: { send_id: accessId, password_hash_b64: randomBytes(32).toString('base64') },
    }
    for (const [send_access_error_type, more] of Object.entries(mistakes))
      expect(await grant(more)).toMatchObject({ status: 400, send_access_error_type })
    const granted = await grant({ send_id: accessId, password_hash_b64: password })
    expect(granted).toMatchObject({ status: 200, token_type: 'Bearer', scope: 'api.send.access' })
    expect((await get(id)).accessCount).toBe(0)
    const open = { method: 'POST', path: '/api/sends/access', token: granted.access_token }
    expect((await send(server, open)).status).toBe(200)
    expect((await send(server, open)).status).toBe(404)
  })

  it('of files hold every byte, are counted at their address, and free their room', async () => {
    const before = await usage()
    const content = randomBytes(1_200_000)
    const { sendResponse: made, url } = await announce(content.length, { maxAccessCount: 1 })
    expect(made.file).toMatchObject({ size: String(content.length), sizeName: '1.1 MiB' })
    const fileId = made.file?.id ?? ''
    const ask = () =>
      send(server, { method: 'POST', path: `/api/sends/${made.accessId}/access/file/${fileId}`, body: {} })
    // Nobody gets what is not there yet.
    expect((await openOld(server, made.accessId)).status).toBe(404)
    expect((await ask()).status).toBe(404)
    expect(bodyOf(Upload, await asOwner(server, owner, 'GET', new URL(url).pathname)).url).toBe(url)
    const sent = await upload(url, content)
    expect([sent.status, sent.text]).toEqual([200, ''])
    // A client that did not hear of it sends it again.
    expect((await upload(url, content)).status).toBe(200)
    expect(await usage()).toMatchObject({ 2: content.length })
    expect(await damage()).toEqual([])
    expect(bodyOf(Access, await openOld(server, made.accessId)).file).toEqual(made.file)
    expect((await get(made.id)).accessCount).toBe(0)
    const address = bodyOf(Download, await ask()).url
    expect((await get(made.id)).accessCount).toBe(1)
    expect((await ask()).status).toBe(404)
    const downloaded = await fetch(address)
    expect(Buffer.from(await downloaded.arrayBuffer()).equals(content)).toBe(true)
    // The address is for minutes, for this file, and as long as its owner wants it read.
    for (const changed of [address.replace(/.$/, (end) => (end === 'A' ? 'B' : 'A')), address.split('?')[0]])
      expect((await fetch(changed ?? '')).ok).toBe(false)
    clock.advance(minutes(6))
    expect((await fetch(address)).status).toBe(404)
    expect((await asOwner(server, owner, 'DELETE', `/api/sends/${made.id}`)).status).toBe(200)
    expect(await usage()).toEqual(before)
    const { attachments = [], attachment_chunks: chunks } = await readRows(server.database)
    expect([attachments.filter(({ item_id: id }) => id === made.id), chunks]).toEqual([[], []])
  })

  it('of files are bounded by length, by what was announced, and by the quota', async () => {
    const tooLong = fileSend(clock.now(), 4_000_000)
    expect((await asOwner(server, owner, 'POST', '/api/sends/file/v2', tooLong)).status).toBe(400)
    await announce(3_000_000)
    await announce(2_000_000)
    const beyond = await asOwner(
      server,
      owner,
      'POST',
      '/api/sends/file/v2',
      fileSend(clock.now(), 3_000_000),
    )
    expect([beyond.status, bodyOf(Refused, beyond).message]).toMatchObject([400, /MiB of files of the/])
    owner = await newBitwardenAccount(server, clock.now())
    const before = await usage()
    // A little longer than announced, as some clients are.
    const near = await announce(1000)
    expect((await upload(near.url, randomBytes(1100))).status).toBe(200)
    expect((await get(near.sendResponse.id)).file?.size).toBe('1100')
    await asOwner(server, owner, 'DELETE', `/api/sends/${near.sendResponse.id}`)
    const far = await announce(1000)
    expect((await upload(far.url, randomBytes(1_200_000))).status).toBe(400)
    expect((await get(far.sendResponse.id)).file).toBeNull()
    const nameless = await announce(1000)
    const { pathname } = new URL(nameless.url)
    expect((await sendForm(server, owner.token, pathname, randomBytes(1000), 'other')).status).toBe(400)
    await deleteOldSends({ store }, clock.now())
    expect((await asOwner(server, owner, 'GET', `/api/sends/${far.sendResponse.id}`)).status).toBe(404)
    expect(await usage()).toEqual(before)
  })

  it('of files that never arrive go, with the room that was kept for them', async () => {
    const before = await usage()
    await announce(1000)
    clock.advance(days(1))
    await deleteOldUploads({ store }, clock.now())
    await deleteOldSends({ store }, clock.now())
    expect(await usage()).toEqual(before)
    expect(await damage()).toEqual([])
  })

  it('are disabled by a restore, because nobody knows how often they were opened since the backup', async () => {
    const { id, accessId } = await create({ maxAccessCount: 1 })
    await store.write((tx) => settleRestored(tx, { now: clock.now(), keepAccess: true }))
    expect((await openOld(server, accessId)).status).toBe(404)
    owner = await newBitwardenAccount(server, clock.now())
    const { sends = [] } = await readRows(server.database)
    expect(Number(sends.find((row) => row.id === id)?.is_disabled)).toBe(1)
  })

  // The last one: it uses up what an address may guess.
  it('ask for their password, and count wrong ones', async () => {
    const { accessId, id } = await create({ password, maxAccessCount: 1 })
    const asked = await openOld(server, accessId)
    expect(asked.status).toBe(401)
    const wrong = { password: randomBytes(32).toString('base64') }
    expect((await openOld(server, accessId, wrong)).status).toBe(400)
    expect((await get(id)).accessCount).toBe(0)
    expect((await openOld(server, accessId, { password })).status).toBe(200)
    const other = await create({ password })
    const outcomes = new Set<number>()
    for (let turn = 0; turn < 40; turn++) outcomes.add((await openOld(server, other.accessId, wrong)).status)
    expect([...outcomes]).toEqual([400, 429])
  })
})
