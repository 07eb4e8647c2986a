// Uploads that go wrong, of files of items and of sends: nothing of them stays, their room is given back, and the error says what was wrong.
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { seconds } from '../../../src/clock.ts'
import { deleteOldSends } from '../../../src/domain/sends/ends.ts'
import { findDamage } from '../../../src/operator/database-damage.ts'
import { onSnapshot } from '../../../src/operator/whole-database.ts'
import { openStore } from '../../../src/store/open.ts'
import type { Store } from '../../../src/store/store.ts'
import { type BitwardenTestAccount, encString, newBitwardenAccount } from '../../support/bitwarden.ts'
import { loginCipher, wrappedKey } from '../../support/ciphers.ts'
import { engines } from '../../support/database.ts'
import { databaseOf } from '../../support/fresh-database.ts'
import { bodyOf } from '../../support/requests.ts'
import { readRows } from '../../support/rows.ts'
import { asOwner, fileSend, sendForm } from '../../support/sends.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'

const environment = { BITWARDEN_API: 'on', MAX_ATTACHMENT_SIZE: '3M', MAX_ATTACHMENT_BYTES: '4M' }

const piece = 256 * 1024
const Made = z.object({ id: z.uuid() })
const ItemFile = z.object({ attachmentId: z.string() })
const SendFile = z.object({ sendResponse: z.object({ id: z.string(), file: z.object({ id: z.string() }) }) })
const Refused = z.object({ object: z.literal('error'), message: z.string().min(20) })

/** A file that was announced: where it is sent to, and what apps ask when that has failed. */
interface Announced {
  readonly path: string
  readonly rollBack: string
}

describe.each(engines)("uploads of Bitwarden's apps that fail on %s", (engine) => {
  const clock = new TestClock()
  let server: TestServer
  /** On the same database; it waits for a second alone. */
  let impatient: TestServer
  let store: Store
  let owner: BitwardenTestAccount
  beforeAll(async () => {
    server = await startServer(engine, { clock, environment })
    impatient = await startServer(engine, {
      clock,
      environment: { ...environment, PUBLIC_URL: server.url },
      database: server.database,
      patience: { bodyMs: seconds(1) },
    })
    const stores = await openStore(databaseOf(server.database), {
      now: () => clock.now(),
      onIdleError: () => {},
    })
    store = stores.store
  })
  afterAll(async () => {
    await store.close()
    await impatient.close()
    await server.close()
  })
  beforeEach(async () => {
    owner = await newBitwardenAccount(server, clock.now())
  })

  const ask = (method: string, path: string, body?: unknown) => asOwner(server, owner, method, path, body)

  async function announceForItem(fileSize: number): Promise<Announced> {
    const { id } = bodyOf(Made, await ask('POST', '/api/ciphers', loginCipher()))
    const path = `/api/ciphers/${id}/attachment`
    const body = { fileName: encString(), key: wrappedKey(), fileSize }
    const { attachmentId } = bodyOf(ItemFile, await ask('POST', `${path}/v2`, body))
    return { path: `${path}/${attachmentId}`, rollBack: `${path}/${attachmentId}` }
  }

  async function announceForSend(fileSize: number): Promise<Announced> {
    const answer = await ask('POST', '/api/sends/file/v2', fileSend(clock.now(), fileSize))
    const { id, file } = bodyOf(SendFile, answer).sendResponse
    return { path: `/api/sends/${id}/file/${file.id}`, rollBack: `/api/sends/${id}` }
  }

  const announcing = [
    ['of an item', announceForItem],
    ['of a Send', announceForSend],
  ] as const

  /** What is stored of the account's files, and what it counts for. */
  async function stored() {
    const rows = await readRows(server.database)
    const own = rows.accounts?.find(({ id }) => id === owner.accountId)
    return {
      files: (rows.attachments ?? []).filter((row) => row.vault_id === owner.accountId).length,
      pieces: (rows.attachment_chunks ?? []).filter((row) => row.vault_id === owner.accountId).length,
      bytes: Number(own?.stored_attachment_bytes),
    }
  }
  const nothing = { files: 0, pieces: 0, bytes: 0 }
  const damage = () => onSnapshot(databaseOf(server.database), findDamage)

  const boundary = 'a boundary between parts'
  const before = `--${boundary}\r\nContent-Disposition: form-data; name="data"; filename="x"\r\nContent-Type: application/octet-stream\r\n\r\n`
  const after = `\r\n--${boundary}--\r\n`

  /** Begins to send a file on a connection of its own, and announces so many bytes of it. */
  async function begin(path: string, length: number, sent: Uint8Array, at = server): Promise<Socket> {
    const socket = connect(Number(new URL(at.url).port), '127.0.0.1')
    await once(socket, 'connect')
    const head = [
      `POST ${path} HTTP/1.1`,
      'Host: localhost',
      `Authorization: Bearer ${owner.token}`,
      `Content-Type: multipart/form-data; boundary="${boundary}"`,
      `Content-Length: ${before.length + length + after.length}`,
    ]
    socket.write(`${head.join('\r\n')}\r\n\r\n${before}`)
    socket.write(sent)
    return socket
  }

  it.each(announcing)('%s: with the connection', async (_, announce) => {
    const { path, rollBack } = await announce(2_000_000)
    const socket = await begin(path, 2_000_000, randomBytes(3 * piece))
    await expect.poll(async () => (await stored()).pieces).toBeGreaterThan(0)
    socket.destroy()
    await expect.poll(stored).toEqual(nothing)
    expect(await damage()).toEqual([])
    // The next try has all of the quota, whatever the app asks first.
    expect((await ask('DELETE', rollBack)).status).toBe(200)
    const again = await announce(2_900_000)
    expect((await sendForm(server, owner.token, again.path, randomBytes(2_900_000))).status).toBe(200)
    expect((await stored()).bytes).toBe(2_900_000)
  })

  it.each(announcing)('%s: because nothing comes any more', async (_, announce) => {
    const { path } = await announce(2_000_000)
    const socket = await begin(path, 2_000_000, randomBytes(2 * piece), impatient)
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toContain('HTTP/1.1 400')
    expect(String(answer)).toContain('did not arrive within')
    socket.destroy()
    expect(await stored()).toEqual(nothing)
    expect(await damage()).toEqual([])
  })

  it.each(announcing)('%s: for their length or their form, with a sentence', async (_, announce) => {
    const wrong = [
      [100, randomBytes(1_200_000), 'data'],
      [2_900_000, randomBytes(100), 'data'],
      [1000, randomBytes(1000), 'other'],
      [1000, new Uint8Array(), 'data'],
    ] as const
    for (const [length, content, name] of wrong) {
      const { path, rollBack } = await announce(length)
      const answer = await sendForm(server, owner.token, path, content, name)
      expect([answer.status, bodyOf(Refused, answer).object]).toEqual([400, 'error'])
      expect(await stored()).toEqual(nothing)
      // Apps take back what has failed, and show the error of that if there is one.
      expect((await ask('DELETE', rollBack)).status).toBe(200)
    }
    expect(await damage()).toEqual([])
  })

  it.each(announcing)('%s: at the quota, which was reached meanwhile', async (_, announce) => {
    // What apps send beyond what they announce is taken as far as there is room for it.
    await announceForItem(100_000)
    await announceForSend(100_000)
    const beside = await stored()
    const { path } = await announce(1_800_000)
    const answer = await sendForm(server, owner.token, path, randomBytes(2_800_000))
    expect([answer.status, bodyOf(Refused, answer).message]).toMatchObject([400, /MiB of files of the/])
    expect(await stored()).toEqual(beside)
    expect(await damage()).toEqual([])
  })

  it.each(announcing)('%s: all but one of those that send it at the same time', async (_, announce) => {
    const { path } = await announce(1_500_000)
    const contents = [randomBytes(1_500_000), randomBytes(1_500_000), randomBytes(1_500_000)]
    const answers = await Promise.all(contents.map((content) => sendForm(server, owner.token, path, content)))
    expect(answers.map(({ status }) => status)).toContain(200)
    for (const answer of answers) expect([200, 400]).toContain(answer.status)
    expect(await stored()).toMatchObject({ files: 1, bytes: 1_500_000 })
    expect(await damage()).toEqual([])
  })

  it.each(announcing)('%s: without those that are sent anew', async (_, announce) => {
    const { path } = await announce(1_000_000)
    const socket = await begin(path, 1_000_000, randomBytes(2 * piece))
    await expect.poll(async () => (await stored()).pieces).toBeGreaterThan(0)
    expect((await sendForm(server, owner.token, path, randomBytes(1_000_000))).status).toBe(200)
    socket.destroy()
    await expect
      .poll(() => server.log().match(/"route":"[^"]*\/\{fileId\}","status":499/g)?.length ?? 0)
      .toBeGreaterThan(0)
    expect(await stored()).toMatchObject({ files: 1, bytes: 1_000_000 })
  })

  it('leave no Send behind', async () => {
    const { path, rollBack } = await announceForSend(1000)
    expect((await sendForm(server, owner.token, path, new Uint8Array())).status).toBe(400)
    await deleteOldSends({ store }, clock.now())
    expect((await ask('GET', rollBack)).status).toBe(404)
    expect((await ask('DELETE', `/api/ciphers/${randomUUID()}/attachment/${randomUUID()}`)).status).toBe(404)
  })
})
