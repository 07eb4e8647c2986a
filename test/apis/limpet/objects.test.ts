// Files in an S3-compatible store: moved there once they are whole, read from there, deleted after the commit, and compared.
import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { days } from '../../../src/clock.ts'
import { Attachment } from '../../../src/contract/attachments.ts'
import { Item } from '../../../src/contract/vaults.ts'
import {
  compareObjects,
  deleteObjects,
  deleteOrphans,
  moveFilesOut,
  type ObjectStore,
  ownsObjects,
} from '../../../src/domain/vaults/attachment-objects.ts'
import { createS3Store } from '../../../src/objects/s3.ts'
import { readConfig } from '../../../src/server/config.ts'
import { openStore } from '../../../src/store/open.ts'
import type { Store } from '../../../src/store/store.ts'
import { fakeEnvelope, newAccount, type RawAccount } from '../../support/accounts.ts'
import {
  type FilePlace,
  fakeFile,
  filePath,
  getFile,
  newPlace,
  putFile,
  uploadOutcome,
} from '../../support/attachments.ts'
import { encString } from '../../support/bitwarden.ts'
import { BitwardenDevice, registerBitwardenUser } from '../../support/bitwarden-client.ts'
import { engines } from '../../support/database.ts'
import { databaseOf } from '../../support/fresh-database.ts'
import { type ObjectServer, startObjectServer } from '../../support/objects.ts'
import { operatorOf } from '../../support/operator.ts'
import { bodyOf, outcomeOf, send } from '../../support/requests.ts'
import { readRows, runStatement } from '../../support/rows.ts'
import { fileSend } from '../../support/sends.ts'
import { startServer, type TestServer } from '../../support/server.ts'

const chunk = 256 * 1024

describe.each(engines)('files in an S3-compatible store, of a server on %s', (engine) => {
  let s3: ObjectServer
  let server: TestServer
  let account: RawAccount
  let store: Store
  let objects: ObjectStore
  let environment: { S3_URL: string; BITWARDEN_API: string }
  /** Of the store's objects, which have the time of the system. */
  let now = Date.now()
  const clock = { now: () => now, monotonic: () => performance.now() }
  const running = new AbortController().signal

  beforeAll(async () => {
    s3 = await startObjectServer()
    environment = { S3_URL: s3.setting, BITWARDEN_API: 'on' }
    server = await startServer(engine, { environment })
    account = await newAccount(server)
    const { s3: settings } = readConfig(environment)
    if (!settings) throw new Error('S3_URL is not read')
    objects = createS3Store(settings)
    ;({ store } = await openStore(databaseOf(server.database), { now: Date.now, onIdleError: () => {} }))
    expect(await ownsObjects(store, objects)).toBe(true)
  })
  afterAll(async () => {
    await store.close()
    await server.close()
    await s3.close()
  })

  /** The names of all objects. */
  async function names(): Promise<string[]> {
    const found: string[] = []
    for await (const page of objects.list()) found.push(...page.map(({ name }) => name))
    return found
  }
  const files = async () => (await names()).filter((name) => name !== 'limpet-owner')
  const move = () => moveFilesOut({ clock, objects, store }, running)
  const settle = () => deleteObjects({ clock, objects, store })
  const download = (at: FilePlace, headers = {}) => getFile(server, account.token, at, headers)
  const chunks = async () => (await readRows(server.database)).attachment_chunks?.length

  /** An item that names a file, which is in the database. */
  async function itemWithFile(bytes: number) {
    const [at, file] = [newPlace(account.vaultId, randomUUID()), fakeFile(bytes)]
    const made = await putFile(server, account.token, at, file)
    expect(bodyOf(Attachment, made).receivedBytes).toBe(bytes)
    const path = `/api/v1/vaults/${at.vaultId}/items/${at.itemId}`
    const body = { data: fakeEnvelope(), attachments: [at.id] }
    const headers = { 'If-None-Match': '*' }
    bodyOf(Item, await send(server, { method: 'PUT', path, token: account.token, headers, body }))
    return { at, file, path }
  }
  const purge = async (path: string) =>
    outcomeOf(await send(server, { method: 'DELETE', path: `${path}?permanent=true`, token: account.token }))

  it('are moved there when they are whole, and read from there, in ranges too', async () => {
    const { at, file, path } = await itemWithFile(3 * chunk + 5)
    const partial = newPlace(account.vaultId, at.itemId)
    await putFile(server, account.token, partial, fakeFile(2 * chunk), { first: 0, last: chunk - 1 })
    await move()
    // The whole one has left the database; the other one waits for its rest.
    expect([await chunks(), (await files()).length]).toEqual([1, 1])
    expect((await download(at)).bytes.equals(file)).toBe(true)
    const part = await download(at, { Range: `bytes=${chunk - 3}-${chunk + 3}` })
    expect([part.status, part.bytes.equals(file.subarray(chunk - 3, chunk + 4))]).toEqual([206, true])
    expect((await getFile(server, account.token, at, {}, 'HEAD')).headers.get('content-length')).toBe(
      String(file.length),
    )
    expect(await uploadOutcome(putFile(server, account.token, at, file))).toBe('200')
    expect(await store.read((reader) => compareObjects(reader, objects))).toEqual({ missing: 0, wrong: 0 })
    // Deleted after the commit.
    expect(await purge(path)).toBe('204')
    expect((await files()).length).toBe(1)
    await settle()
    expect([await files(), await chunks()]).toEqual([[], 0])
  })

  it('go with their vault and their account', async () => {
    const owner = account
    account = await newAccount(server)
    try {
      await itemWithFile(1000)
      await move()
      expect((await files()).length).toBe(1)
      const body = { authKey: account.authKey }
      const path = '/api/v1/account'
      expect(outcomeOf(await send(server, { method: 'DELETE', path, token: account.token, body }))).toBe(
        '204',
      )
      await settle()
      expect(await files()).toEqual([])
    } finally {
      account = owner
    }
  })

  it('stay in the database while the store is away; what is there is 503 until it is back', async () => {
    const [{ at: moved, path }, later] = [await itemWithFile(1000), await itemWithFile(2000)]
    await move()
    const { at, file, path: other } = await itemWithFile(3000)
    const resume = await s3.pause()
    try {
      await expect(move()).rejects.toThrow('cannot be reached')
      const { status, bytes } = await download(moved)
      expect([status, JSON.parse(bytes.toString()).code]).toEqual([503, 'unavailable'])
      expect((await download(at)).bytes.equals(file)).toBe(true)
      expect(await purge(path)).toBe('204')
    } finally {
      await resume()
    }
    await move()
    await settle()
    expect((await files()).length).toBe(2)
    expect((await download(at)).bytes.equals(file)).toBe(true)
    await purge(other)
    await purge(later.path)
    await settle()
    expect(await files()).toEqual([])
  })

  it('leave nothing behind when they are deleted while they are moved', async () => {
    const { path } = await itemWithFile(1000)
    const slow: ObjectStore = {
      ...objects,
      async put(...args) {
        await objects.put(...args)
        expect(await purge(path)).toBe('204')
      },
    }
    await moveFilesOut({ clock, objects: slow, store }, running)
    expect((await files()).length).toBe(1)
    await settle()
    expect(await files()).toEqual([])
  })

  it('go on being read when they are moved in the middle', async () => {
    const { at, file, path } = await itemWithFile(24 * 1024 * 1024)
    const answer = await fetch(server.url + filePath(at), {
      headers: { Authorization: `Bearer ${account.token}` },
    })
    const reader = answer.body?.getReader()
    const read = [(await reader?.read())?.value ?? new Uint8Array()]
    await move()
    expect(await chunks()).toBe(0)
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read())
      read.push(part.value)
    expect(Buffer.concat(read).equals(file)).toBe(true)
    await purge(path)
    await settle()
  })

  it('without a row are deleted after a day, and nothing else is', async () => {
    const { at, path } = await itemWithFile(1000)
    await move()
    const stray = `${randomUUID()}/${randomUUID()}/${randomUUID()}/${randomUUID()}`
    async function* content() {
      yield Buffer.from('x')
    }
    for (const name of [stray, 'of-somebody-else']) await objects.put(name, content(), { length: 1 })
    await deleteOrphans({ clock, objects, store })
    expect(await files()).toContain(stray)
    now = Date.now() + days(1) + 1000
    await deleteOrphans({ clock, objects, store })
    expect(await files()).not.toContain(stray)
    expect((await download(at)).status).toBe(200)
    await objects.delete('of-somebody-else')
    await purge(path)
    await settle()
  })

  it('are left alone by a copy of the database', async () => {
    const { path } = await itemWithFile(1000)
    await move()
    const [epoch] = (await readRows(server.database)).instance ?? []
    await runStatement(server.database, "update instance set epoch = 'another one'")
    await purge(path)
    await settle()
    now = Date.now() + days(2)
    await deleteOrphans({ clock, objects, store })
    expect((await files()).length).toBe(1)
    await runStatement(server.database, `update instance set epoch = '${epoch?.epoch}'`)
    await settle()
    expect(await files()).toEqual([])
  })

  it('are told of by backup, verify and doctor', async () => {
    const { at, path } = await itemWithFile(1000)
    await move()
    const operator = operatorOf(server.database, environment)
    expect((await operator.run('verify')).code).toBe(0)
    const [name = ''] = await files()
    await objects.delete(name)
    const { code, stderr } = await operator.run('verify')
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('1 files that are not in the S3-compatible store'),
    ])
    expect((await download(at)).status).toBe(503)
    const { stdout } = await operator.run('doctor', '--json')
    expect(JSON.parse(stdout).findings).toContainEqual(
      expect.objectContaining({ check: 'files', status: 'ok' }),
    )
    await purge(path)
  })

  it("hold the files of Bitwarden's apps, of items and of Sends, until these are deleted", async () => {
    const device = await BitwardenDevice.login(server, await registerBitwardenUser(server))
    const { id } = await device.createItem({ name: 'with a file' })
    const file = randomBytes(3 * chunk)
    await device.attach(id, 'a file', file)
    // One that was announced and has not arrived stays out.
    const announced = { fileName: encString(), key: encString(80), fileSize: 1000 }
    await device.ask('POST', `/api/ciphers/${id}/attachment/v2`, announced)
    const request = fileSend(Date.now(), file.length)
    const { sendResponse } = z
      .object({ sendResponse: z.object({ id: z.string(), file: z.object({ id: z.string() }) }) })
      .parse(await device.ask('POST', '/api/sends/file/v2', request))
    await device.upload(`/api/sends/${sendResponse.id}/file/${sendResponse.file.id}`, encString(), file)
    const before = (await files()).length
    await move()
    expect([await chunks(), (await files()).length - before]).toEqual([0, 2])
    const opened = await device.ask(
      'POST',
      `/api/sends/${sendResponse.id}/access/file/${sendResponse.file.id}`,
      {},
    )
    const { pathname, search } = new URL(z.object({ url: z.string() }).parse(opened).url)
    const answer = await fetch(`${server.url}${pathname}${search}`)
    expect(Buffer.from(await answer.arrayBuffer()).equals(file)).toBe(true)
    await device.ask('DELETE', `/api/sends/${sendResponse.id}`)
    const [held] =
      (await readRows(server.database)).attachments?.filter(
        (row) => row.item_id === id && row.place === 's3',
      ) ?? []
    const url = z
      .object({ url: z.string() })
      .parse(await device.ask('GET', `/api/ciphers/${id}/attachment/${held?.id}`)).url
    expect((await fetch(url.replace(new URL(url).origin, server.url))).headers.get('content-length')).toBe(
      String(held?.bytes),
    )
    await device.ask('DELETE', `/api/ciphers/${id}`)
    await settle()
    expect((await files()).length).toBe(before)
    expect(await store.read((reader) => compareObjects(reader, objects))).toEqual({ missing: 0, wrong: 0 })
  })
})
