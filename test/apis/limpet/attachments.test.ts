// Files beside items: uploads in parts, the write that names them, reading, deleting, and what all of it counts.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { days, hours } from '../../../src/clock.ts'
import { Account } from '../../../src/contract/accounts.ts'
import { Attachment, AttachmentPage } from '../../../src/contract/attachments.ts'
import { Problem } from '../../../src/contract/problems.ts'
import { BatchResult, Changes, Item, ItemVersions } from '../../../src/contract/vaults.ts'
import { deleteOldUploads } from '../../../src/domain/vaults/attachment-uploads.ts'
import { deleteOldVersions, versionDaysKept, versionsKept } from '../../../src/domain/vaults/versions.ts'
import { findDamage } from '../../../src/operator/database-damage.ts'
import { onSnapshot } from '../../../src/operator/whole-database.ts'
import { openStore } from '../../../src/store/open.ts'
import { fakeEnvelope, logIn, newAccount, type RawAccount } from '../../support/accounts.ts'
import {
  type FilePlace,
  fakeFile,
  filePath,
  getFile,
  newPlace,
  putFile,
  uploadOutcome,
} from '../../support/attachments.ts'
import { createDatabase, engines } from '../../support/database.ts'
import { databaseOf } from '../../support/fresh-database.ts'
import { operatorOf } from '../../support/operator.ts'
import { bodyOf, outcomeOf, type RawRequest, send } from '../../support/requests.ts'
import { readRows, runStatement } from '../../support/rows.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'
import { newToken } from '../../support/tokens.ts'

const kibibyte = 1024
const chunk = 256 * kibibyte
const mebibyte = kibibyte * kibibyte

const environment = { MAX_ATTACHMENT_SIZE: '12M', MAX_ATTACHMENT_BYTES: '25M' }

describe.each(engines)('files on %s', (engine) => {
  const clock = new TestClock()
  let server: TestServer
  let beside: TestServer
  let account: RawAccount
  let itemId: string
  beforeAll(async () => {
    server = await startServer(engine, { clock, environment, patience: { bodyMs: 2000 } })
    beside = await startServer(engine, {
      clock,
      database: server.database,
      environment: { ...environment, PUBLIC_URL: server.url },
    })
  })
  afterAll(async () => {
    await beside.close()
    await server.close()
  })
  beforeEach(async () => {
    account = await newAccount(server)
    itemId = randomUUID()
  })

  /** Lets time pass. The account logs in again, for its session may be over. */
  async function pass(ms: number) {
    clock.advance(ms)
    account = { ...account, token: (await logIn(server, account)).token }
  }

  const place = (): FilePlace => newPlace(account.vaultId, itemId)
  const upload = (at: FilePlace, file: Uint8Array, part = {}, to = server) =>
    putFile(to, account.token, at, file, part)
  const download = (at: FilePlace, headers = {}, method = 'GET') =>
    getFile(server, account.token, at, headers, method)
  const call = (method: string, path: string, request: Omit<RawRequest, 'method' | 'path'> = {}) =>
    send(server, { method, path, token: account.token, ...request })
  const itemPath = () => `/api/v1/vaults/${account.vaultId}/items/${itemId}`

  const putItem = (
    revision: number | undefined,
    attachments: string[] | undefined,
    data: string = fakeEnvelope(),
  ) =>
    call('PUT', itemPath(), {
      headers: revision === undefined ? { 'If-None-Match': '*' } : { 'If-Match': `"${revision}"` },
      body: { data, ...(attachments && { attachments }) },
    })
  const list = async () => bodyOf(AttachmentPage, await call('GET', `${itemPath()}/attachments`)).attachments
  const remove = (at: FilePlace, query = '', headers = {}) =>
    call('DELETE', filePath(at) + query, { headers })
  const used = async () => bodyOf(Account, await call('GET', '/api/v1/account')).quotas.attachmentBytes.used

  /** An item that names one file. */
  async function itemWithFile(bytes = 1000) {
    const [at, file] = [place(), fakeFile(bytes)]
    expect(await uploadOutcome(upload(at, file))).toBe('201')
    return { at, file, item: bodyOf(Item, await putItem(undefined, [at.id])) }
  }

  /** What the rows hold is what the counts say, and every named file is there. */
  const expectSound = async () =>
    expect(await onSnapshot(databaseOf(server.database), findDamage)).toEqual([])

  /** Runs a task of the cleanup now. */
  async function cleanUp(task: typeof deleteOldUploads): Promise<void> {
    const { store } = await openStore(databaseOf(server.database), {
      now: clock.now.bind(clock),
      onIdleError: () => {},
    })
    try {
      await task({ store }, clock.now())
    } finally {
      await store.close()
    }
  }

  it('are uploaded, named by their item, and come back as they were', async () => {
    const [at, file] = [place(), fakeFile(chunk + 1000)]
    const made = await upload(at, file)
    expect(bodyOf(Attachment, made)).toEqual({
      id: at.id,
      bytes: file.length,
      receivedBytes: file.length,
      keyVersion: 1,
      createdAt: new Date(clock.now()).toISOString(),
      expiresAt: new Date(clock.now() + days(1)).toISOString(),
    })
    expect(made.status).toBe(201)
    expect(made.headers.location).toBe(filePath(at))
    const item = bodyOf(Item, await putItem(undefined, [at.id]))
    expect(item.attachments).toEqual([at.id])
    expect(bodyOf(Item, await call('GET', itemPath())).attachments).toEqual([at.id])
    const { items } = bodyOf(Changes, await call('GET', `/api/v1/vaults/${account.vaultId}/changes`))
    expect(items).toMatchObject([{ id: itemId, attachments: [at.id], revision: item.revision }])
    expect(await list()).toMatchObject([{ id: at.id, expiresAt: null }])
    const { status, headers, bytes } = await download(at)
    expect(status).toBe(200)
    expect(headers.get('accept-ranges')).toBe('bytes')
    expect(bytes.equals(file)).toBe(true)
    // The same again, from the beginning or as a part.
    expect(await uploadOutcome(upload(at, file))).toBe('200')
    expect(await uploadOutcome(upload(at, file, { first: 0, last: chunk }))).toBe('200')
    expect((await download(at)).bytes.equals(file)).toBe(true)
    await expectSound()
  })

  it('come in ranges', async () => {
    const { at, file } = await itemWithFile(2 * chunk + 10)
    const ranges: [string, number, number][] = [
      ['bytes=0-0', 0, 0],
      [`bytes=${chunk - 5}-${chunk + 5}`, chunk - 5, chunk + 5],
      [`bytes=${chunk}-`, chunk, file.length - 1],
      ['bytes=-7', file.length - 7, file.length - 1],
      [`bytes=-${file.length + 7}`, 0, file.length - 1],
      [`bytes=5-${10 * file.length}`, 5, file.length - 1],
    ]
    for (const [range, first, last] of ranges) {
      const { status, headers, bytes } = await download(at, { Range: range })
      expect([range, status, headers.get('content-range')]).toEqual([
        range,
        206,
        `bytes ${first}-${last}/${file.length}`,
      ])
      expect(bytes.equals(file.subarray(first, last + 1))).toBe(true)
    }
    for (const range of [`bytes=${file.length}-`, 'bytes=-0']) {
      const { status, headers, bytes } = await download(at, { Range: range })
      expect([range, status, headers.get('content-range')]).toEqual([range, 416, `bytes */${file.length}`])
      expect(Problem.parse(JSON.parse(bytes.toString())).code).toBe('range-not-satisfiable')
    }
    for (const range of ['bytes=5-1', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=-', 'nonsense'])
      expect([range, (await download(at, { Range: range })).status]).toEqual([range, 200])
    expect((await download(at, { Range: 'bytes=0-1', 'If-Range': '"1"' })).status).toBe(200)
    const head = await download(at, { Range: 'bytes=0-1' }, 'HEAD')
    expect([head.status, head.headers.get('content-length'), head.bytes.length]).toEqual([
      200,
      String(file.length),
      0,
    ])
  })

  it('arrive in parts, each where the last one ended', async () => {
    const [at, file] = [place(), fakeFile(2 * chunk + 100)]
    const last = chunk - 1
    expect(await uploadOutcome(upload(at, file, { first: chunk }))).toBe('409 upload-offset')
    expect(bodyOf(Attachment, await upload(at, file, { first: 0, last }))).toMatchObject({
      receivedBytes: chunk,
    })
    expect((await download(at)).status).toBe(404)
    const early = await upload(at, file, { first: chunk + 1 })
    expect([outcomeOf(early), bodyOf(Problem, early).receivedBytes]).toEqual(['409 upload-offset', chunk])
    expect(await uploadOutcome(upload(at, fakeFile(file.length + 1), { first: chunk }))).toBe('409 id-taken')
    expect(await uploadOutcome(upload(at, file, { first: chunk, query: '?keyVersion=2' }))).toBe(
      '409 key-changed',
    )
    const missing = await putItem(undefined, [at.id])
    expect([outcomeOf(missing), bodyOf(Problem, missing).attachments]).toEqual([
      '409 attachment-missing',
      [at.id],
    ])
    // On another process, after the connection to the first was lost.
    expect(bodyOf(Attachment, await upload(at, file, { first: chunk }, beside))).toMatchObject({
      receivedBytes: file.length,
    })
    expect((await download(at)).bytes.equals(file)).toBe(true)
    await expectSound()
  })

  it('begin anew with the first byte, without a rest of what was there', async () => {
    const [at, file] = [place(), fakeFile(2 * chunk)]
    await upload(at, fakeFile(file.length), { first: 0, last: chunk - 1 })
    expect(await uploadOutcome(upload(at, file))).toBe('200')
    expect((await download(at)).bytes.equals(file)).toBe(true)
    expect(await used()).toBe(file.length)
    await expectSound()
  })

  /** Sends the head of an upload and some of its body on a connection of its own. */
  async function begin(at: FilePlace, file: Uint8Array, sent: number) {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    await once(socket, 'connect')
    const head = [
      `PUT ${filePath(at)} HTTP/1.1`,
      'Host: localhost',
      `Authorization: Bearer ${account.token}`,
      'Content-Type: application/octet-stream',
      `Content-Length: ${file.length}`,
    ]
    socket.write(`${head.join('\r\n')}\r\n\r\n`)
    socket.write(file.subarray(0, sent))
    return socket
  }

  const received = async () => (await list().catch(() => []))[0]?.receivedBytes

  it('keep what had arrived when the connection is lost, and go on there', async () => {
    const [at, file] = [place(), fakeFile(4 * chunk)]
    const socket = await begin(at, file, 2 * chunk + 1000)
    await expect.poll(received).toBe(2 * chunk)
    socket.destroy()
    expect(await uploadOutcome(upload(at, file, { first: 2 * chunk }))).toBe('200')
    expect((await download(at)).bytes.equals(file)).toBe(true)
    await expectSound()
  })

  it('are dropped where nothing arrives any more, and other writes go on meanwhile', async () => {
    const [at, file] = [place(), fakeFile(4 * chunk)]
    const socket = await begin(at, file, chunk)
    await expect.poll(received).toBe(chunk)
    // It waits for the client and holds nothing: others write to the same vault.
    expect(outcomeOf(await putItem(undefined, undefined))).toBe('201')
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toContain('HTTP/1.1 408')
    socket.destroy()
  })

  it('are never a mixture of two uploads of one id', async () => {
    const [at, one, other] = [place(), fakeFile(3 * chunk), fakeFile(3 * chunk)]
    const socket = await begin(at, one, chunk)
    await expect.poll(received).toBe(chunk)
    // Another client begins anew and stands at the same byte when the first one goes on.
    expect(await uploadOutcome(upload(at, other, { first: 0, last: chunk - 1 }, beside))).toBe('200')
    socket.write(one.subarray(chunk))
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toContain('HTTP/1.1 409')
    socket.destroy()
    expect(await uploadOutcome(upload(at, other, { first: chunk }))).toBe('200')
    expect((await download(at)).bytes.equals(other)).toBe(true)
  })

  it('of two uploads at once keep one, whole', async () => {
    const [at, one, other] = [place(), fakeFile(5 * chunk), fakeFile(5 * chunk)]
    const outcomes = await Promise.all([
      uploadOutcome(upload(at, one)),
      uploadOutcome(upload(at, other, {}, beside)),
    ])
    const done = outcomes.filter((outcome) => outcome.startsWith('20'))
    expect(done.length).toBeGreaterThan(0)
    expect(outcomes.filter((outcome) => !outcome.startsWith('20'))).toEqual(
      outcomes.length === done.length ? [] : ['409 upload-offset'],
    )
    const { bytes } = await download(at)
    expect(bytes.equals(one) || bytes.equals(other)).toBe(true)
    expect(await used()).toBe(one.length)
    await expectSound()
  })

  it('refuse parts that are none', async () => {
    const [at, file] = [place(), fakeFile(2 * chunk)]
    const attempt = (headers: Record<string, string>, raw: Uint8Array = file) =>
      uploadOutcome(
        send(server, {
          method: 'PUT',
          path: filePath(at),
          token: account.token,
          headers: { 'Content-Type': 'application/octet-stream', ...headers },
          raw,
        }),
      )
    for (const range of ['bytes 0-5', 'bytes 5-0/10', 'bytes 0-10/10', 'bytes */10', 'items 0-1/2', 'x'])
      expect([range, await attempt({ 'Content-Range': range })]).toEqual([range, '400 malformed-request'])
    expect(await attempt({ 'Content-Range': `bytes 0-${file.length - 2}/${file.length}` })).toBe(
      '400 malformed-request',
    )
    expect(await attempt({ 'Content-Range': `bytes 0-99/${file.length}` }, file.subarray(0, 100))).toBe(
      '400 malformed-request',
    )
    expect(await attempt({}, file.subarray(0, 80))).toBe('400 malformed-request')
    expect(await attempt({ 'Content-Type': 'text/plain' })).toBe('415 not-json')
    expect(await attempt({ 'Transfer-Encoding': 'chunked' })).toBe('400 malformed-request')
    expect(await attempt({ 'Content-Encoding': 'gzip' })).toBe('415 not-json')
    expect(await used()).toBe(0)
    // Chunked, with a length that is not that of the range.
    const range = `bytes 0-${file.length - 1}/${file.length}`
    expect(await attempt({ 'Transfer-Encoding': 'chunked', 'Content-Range': range }, file.subarray(1))).toBe(
      '400 malformed-request',
    )
    expect(await attempt({ 'Transfer-Encoding': 'chunked', 'Content-Range': range })).toBe('200')
    expect((await download(at)).bytes.equals(file)).toBe(true)
  })

  it('are bounded each, and together', async () => {
    expect(await uploadOutcome(upload(place(), fakeFile(12 * mebibyte + 100 * kibibyte)))).toBe(
      '413 too-large',
    )
    const [first, second] = [place(), place()]
    const file = fakeFile(12 * mebibyte)
    expect(await uploadOutcome(upload(first, file))).toBe('201')
    // The whole length counts from the first part on, in every process.
    const outcomes = await Promise.all([
      uploadOutcome(upload(second, file, { first: 0, last: chunk - 1 })),
      uploadOutcome(upload(place(), file, { first: 0, last: chunk - 1 }, beside)),
    ])
    expect(outcomes.toSorted()).toEqual(['201', '403 quota-exceeded'])
    expect(await used()).toBe(24 * mebibyte)
    expect(await uploadOutcome(upload(place(), fakeFile(mebibyte + 1)))).toBe('403 quota-exceeded')
    expect(outcomeOf(await remove(first))).toBe('204')
    expect(await used()).toBe(12 * mebibyte)
    await expectSound()
  })

  it('that no item names go a day after their last part, and free what they had reserved', async () => {
    const [named, unnamed, slow] = [place(), place(), place()]
    await upload(named, fakeFile())
    await upload(unnamed, fakeFile())
    await upload(slow, fakeFile(2 * chunk), { first: 0, last: chunk - 1 })
    await putItem(undefined, [named.id])
    await pass(hours(23))
    await upload(slow, fakeFile(2 * chunk), { first: chunk })
    await pass(hours(1))
    await cleanUp(deleteOldUploads)
    expect((await list()).map(({ id }) => id).toSorted()).toEqual([named.id, slow.id].toSorted())
    expect(await used()).toBe(1000 + 2 * chunk)
    await pass(hours(23))
    await cleanUp(deleteOldUploads)
    expect((await list()).map(({ id }) => id)).toEqual([named.id])
    expect(await used()).toBe(1000)
    await expectSound()
  })

  it('stay with clients that do not know them, in the trash and out of it', async () => {
    const { at, file, item } = await itemWithFile()
    const written = bodyOf(Item, await putItem(item.revision, undefined))
    expect(written.attachments).toEqual([at.id])
    expect(bodyOf(Item, await call('DELETE', itemPath())).attachments).toEqual([at.id])
    expect((await download(at)).bytes.equals(file)).toBe(true)
    expect(bodyOf(Item, await call('POST', `${itemPath()}/restore`)).attachments).toEqual([at.id])
    await expectSound()
  })

  it('that are replaced stay as long as a version names them', async () => {
    const { at: old, file, item } = await itemWithFile()
    const next = place()
    await upload(next, fakeFile(500))
    const replaced = bodyOf(Item, await putItem(item.revision, [next.id]))
    expect(replaced.attachments).toEqual([next.id])
    const { versions } = bodyOf(ItemVersions, await call('GET', `${itemPath()}/versions`))
    expect(versions.map(({ attachments }) => attachments)).toEqual([[old.id]])
    expect((await download(old)).bytes.equals(file)).toBe(true)
    expect(await used()).toBe(1500)
    // The version can be restored, files included.
    const restored = bodyOf(Item, await putItem(replaced.revision, [old.id]))
    expect(restored.attachments).toEqual([old.id])
    let { revision } = bodyOf(Item, await putItem(restored.revision, []))
    expect(bodyOf(Item, await call('GET', itemPath())).attachments).toBeUndefined()
    // Pushed out by later versions; those of other days stay for longer.
    for (let count = 0; count <= versionsKept; count++)
      ({ revision } = bodyOf(Item, await putItem(revision, undefined)))
    await pass(days(versionDaysKept + 1))
    await cleanUp(deleteOldVersions)
    expect((await download(old)).status).toBe(404)
    expect((await download(next)).status).toBe(404)
    expect(await used()).toBe(0)
    await expectSound()
  })

  it('go when many writes push out the version that named them', async () => {
    const { at, item } = await itemWithFile()
    let { revision } = bodyOf(Item, await putItem(item.revision, undefined))
    // The first version of the day stays; the file stands in the ones behind it too.
    const other = place()
    await upload(other, fakeFile(200))
    ;({ revision } = bodyOf(Item, await putItem(revision, [other.id])))
    ;({ revision } = bodyOf(Item, await putItem(revision, [])))
    for (let count = 0; count < versionsKept; count++)
      ({ revision } = bodyOf(Item, await putItem(revision, undefined)))
    expect((await download(other)).status).toBe(404)
    expect((await download(at)).status).toBe(200)
    expect(await used()).toBe(1000)
    await expectSound()
  })

  it('go with their item, their vault and their account', async () => {
    const { at, item } = await itemWithFile()
    const unnamed = place()
    await upload(unnamed, fakeFile())
    expect(outcomeOf(await call('DELETE', `${itemPath()}?permanent=true`))).toBe('204')
    expect([(await download(at)).status, (await download(unnamed)).status]).toEqual([404, 404])
    expect(await used()).toBe(0)
    expect(outcomeOf(await call('GET', `${itemPath()}/attachments`))).toBe('404 not-found')
    // What comes back under the id has none.
    const again = bodyOf(Item, await putItem(item.revision + 1, undefined))
    expect(again.attachments).toBeUndefined()
    await upload(at, fakeFile(300))
    await putItem(again.revision, [at.id])
    const body = { authKey: account.authKey }
    expect(outcomeOf(await call('DELETE', `/api/v1/vaults/${account.vaultId}`, { body }))).toBe('204')
    expect(await used()).toBe(0)
    await expectSound()
    expect(outcomeOf(await call('DELETE', '/api/v1/account', { body }))).toBe('204')
    const { attachment_chunks: chunks = [] } = await readRows(server.database)
    expect(chunks.filter(({ vault_id: id }) => id === account.vaultId)).toEqual([])
  })

  it('are taken out of the item by DELETE, and out of its versions for good', async () => {
    const { at, file, item } = await itemWithFile()
    const stale = await remove(at, '', { 'If-Match': '"1"' })
    expect([outcomeOf(stale), item.revision]).toEqual(['412 revision-conflict', 2])
    expect(outcomeOf(await remove(at, '', { 'If-Match': `"${item.revision}"` }))).toBe('204')
    const left = bodyOf(Item, await call('GET', itemPath()))
    expect([left.attachments, left.revision, left.data]).toEqual([undefined, item.revision + 1, item.data])
    expect((await download(at)).bytes.equals(file)).toBe(true)
    expect(outcomeOf(await remove(at))).toBe('204')
    expect(bodyOf(Item, await call('GET', itemPath())).revision).toBe(left.revision)
    const { token } = await newToken(server, account, { scopes: ['write'] })
    expect(
      outcomeOf(await send(server, { method: 'DELETE', path: `${filePath(at)}?permanent=true`, token })),
    ).toBe('403 insufficient-scope')
    expect(outcomeOf(await remove(at, '?permanent=true'))).toBe('204')
    expect((await download(at)).status).toBe(404)
    const { versions } = bodyOf(ItemVersions, await call('GET', `${itemPath()}/versions`))
    expect(versions.map(({ attachments }) => attachments)).toEqual([undefined])
    expect(outcomeOf(await remove(at, '?permanent=true'))).toBe('404 not-found')
    expect(await used()).toBe(0)
    await expectSound()
  })

  it('are named in batches, each by its own item, all or none', async () => {
    const [mine, other] = [place(), { ...place(), itemId: randomUUID() }]
    await upload(mine, fakeFile())
    await upload(other, fakeFile())
    const put = (id: string, attachments: string[]) => ({
      op: 'put',
      id,
      data: fakeEnvelope(),
      revision: null,
      attachments,
    })
    const batch = (operations: unknown[]) =>
      call('POST', `/api/v1/vaults/${account.vaultId}/batch`, { body: { operations } })
    const swapped = await batch([put(itemId, [other.id]), put(other.itemId, [mine.id])])
    expect(outcomeOf(swapped)).toBe('409 attachment-missing')
    expect(outcomeOf(await call('GET', itemPath()))).toBe('404 not-found')
    const done = await batch([put(itemId, [mine.id]), put(other.itemId, [other.id])])
    expect(bodyOf(BatchResult, done).items.map((item) => 'attachments' in item && item.attachments)).toEqual([
      [mine.id],
      [other.id],
    ])
    expect(outcomeOf(await putItem(1, [mine.id, mine.id]))).toBe('400 malformed-request')
    await expectSound()
  })

  it('end a download as broken when they are purged in the middle', async () => {
    const { at, file } = await itemWithFile(12 * mebibyte)
    const answer = await fetch(server.url + filePath(at), {
      headers: { Authorization: `Bearer ${account.token}` },
    })
    const reader = answer.body?.getReader()
    let read = (await reader?.read())?.value?.length ?? 0
    expect(outcomeOf(await remove(at, '?permanent=true'))).toBe('204')
    const rest = async () => {
      for (;;) {
        const part = await reader?.read()
        if (!part || part.done) return
        read += part.value.length
      }
    }
    // What waits in buffers of the system still arrives; the end does not.
    await expect(rest()).rejects.toThrow()
    expect(read).toBeLessThan(file.length)
    expect(server.log()).not.toContain('internal-error')
  })

  it('do not outlive a vault that is deleted while they arrive', async () => {
    const [at, file] = [place(), fakeFile(6 * chunk)]
    const socket = await begin(at, file, chunk)
    await expect.poll(received).toBe(chunk)
    const body = { authKey: account.authKey }
    expect(outcomeOf(await call('DELETE', `/api/v1/vaults/${account.vaultId}`, { body }))).toBe('204')
    socket.write(file.subarray(chunk))
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toContain('HTTP/1.1 404')
    expect(await used()).toBe(0)
    await expectSound()
  })

  it('are for those alone who may read or write the vault', async () => {
    const { at } = await itemWithFile()
    const stranger = await newAccount(server)
    expect((await getFile(server, stranger.token, at)).status).toBe(404)
    expect(await uploadOutcome(putFile(server, stranger.token, at, fakeFile()))).toBe('404 not-found')
    const { token } = await newToken(server, account, { scopes: ['read'] })
    expect((await getFile(server, token, at)).status).toBe(200)
    expect(await uploadOutcome(putFile(server, token, place(), fakeFile()))).toBe('403 insufficient-scope')
  })

  it('are looked at by "verify": what is missing, what is left over, and what is not whole', async () => {
    const { at } = await itemWithFile(2 * chunk)
    const [ofFile, ofItem] = [`attachment_id = '${at.id}'`, `id = '${itemId}'`]
    const damage = () => onSnapshot(databaseOf(server.database), findDamage)
    const spoil = (statement: string) => runStatement(server.database, statement)
    expect(await damage()).toEqual([])
    await spoil(`update attachment_chunks set "offset" = "offset" + 1 where ${ofFile} and "offset" > 0`)
    expect(await damage()).toEqual(['There are 1 files with other bytes than they have received.'])
    await spoil(`update attachment_chunks set "offset" = "offset" - 1 where ${ofFile} and "offset" > 0`)
    await spoil(`update items set attachments = '["${randomUUID()}"]' where ${ofItem}`)
    expect(await damage()).toEqual([
      'There are 1 items and versions that name files which are not there.',
      'There are 1 files that neither an item nor a version nor a send names and that do not run out.',
    ])
    await spoil(`update items set attachments = '["${at.id}"]' where ${ofItem}`)
    await spoil(`update accounts set stored_attachment_bytes = 1 where id = '${account.accountId}'`)
    expect(await damage()).toEqual([
      'There are 1 accounts whose counts of items, bytes and files are not what they store.',
    ])
    await spoil(
      `update accounts set stored_attachment_bytes = ${2 * chunk} where id = '${account.accountId}'`,
    )
    expect(await damage()).toEqual([])
  })

  it('are in backups, which restore into the other engine', async () => {
    await itemWithFile(2 * chunk + 5)
    await upload(place(), fakeFile(2 * chunk), { first: 0, last: chunk - 1 })
    const folder = await mkdtemp(join(tmpdir(), 'limpet-files-'))
    const other = await createDatabase(engine === 'sqlite' ? 'postgres' : 'sqlite')
    try {
      const file = join(folder, 'a.limpet')
      expect((await operatorOf(server.database).run('backup', file)).code).toBe(0)
      const restored = operatorOf(other)
      expect((await restored.run('restore', file)).code).toBe(0)
      expect((await restored.run('verify')).code).toBe(0)
      const [before, after] = [await readRows(server.database), await readRows(other)]
      for (const name of ['attachments', 'attachment_chunks'])
        expect(after[name]?.map((row) => Object.values(row).join())).toEqual(
          before[name]?.map((row) => Object.values(row).join()),
        )
    } finally {
      await other.remove()
      await rm(folder, { recursive: true })
    }
  })

  it('are listed in pages', async () => {
    const places = [place(), place(), place()]
    for (const at of places) await upload(at, fakeFile(100))
    const path = `${itemPath()}/attachments?limit=2`
    const first = bodyOf(AttachmentPage, await call('GET', path))
    const second = bodyOf(AttachmentPage, await call('GET', `${path}&cursor=${first.nextCursor}`))
    expect([...first.attachments, ...second.attachments].map(({ id }) => id)).toEqual(
      places.map(({ id }) => id).toSorted(),
    )
    expect(second.nextCursor).toBeNull()
  })
})
