// Items and folders of Bitwarden's apps.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { days } from '../../../src/clock.ts'
import { deleteOldTrash } from '../../../src/domain/ciphers/bulk.ts'
import { openStore } from '../../../src/store/open.ts'
import { type BitwardenTestAccount, encString, newBitwardenAccount } from '../../support/bitwarden.ts'
import { cipherOf, loginCipher, loginWith, otherKinds, passkey, wrappedKey } from '../../support/ciphers.ts'
import { engines } from '../../support/database.ts'
import { databaseOf } from '../../support/fresh-database.ts'
import { send } from '../../support/requests.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'

const uuid = z.uuid().lowercase()
const date = z.iso.datetime({ precision: 3 })
const text = z.string().startsWith('2.').nullable()

/** What some client requires of an item. */
const Cipher = z.looseObject({
  object: z.literal('cipherDetails'),
  id: uuid,
  organizationId: z.null(),
  folderId: uuid.nullable(),
  type: z.int(),
  name: z.string().startsWith('2.'),
  notes: text,
  favorite: z.boolean(),
  edit: z.literal(true),
  viewPassword: z.literal(true),
  permissions: z.strictObject({ delete: z.literal(true), restore: z.literal(true) }),
  organizationUseTotp: z.literal(true),
  collectionIds: z.tuple([]),
  key: text,
  login: z.looseObject({}).nullable(),
  card: z.looseObject({}).nullable(),
  identity: z.looseObject({}).nullable(),
  secureNote: z.looseObject({}).nullable(),
  sshKey: z.looseObject({}).nullable(),
  bankAccount: z.looseObject({}).nullable(),
  driversLicense: z.looseObject({}).nullable(),
  passport: z.looseObject({}).nullable(),
  fields: z.array(z.unknown()).nullable(),
  passwordHistory: z.array(z.unknown()).nullable(),
  attachments: z.array(z.unknown()).nullable(),
  reprompt: z.literal([0, 1]),
  creationDate: date,
  revisionDate: date,
  deletedDate: date.nullable(),
  archivedDate: date.nullable(),
  data: z.null(),
})

const Ciphers = z.object({ object: z.literal('list'), data: z.array(Cipher), continuationToken: z.null() })
const Folder = z.strictObject({ id: uuid, name: z.string(), revisionDate: date, object: z.literal('folder') })
const Folders = z.object({ object: z.literal('list'), data: z.array(Folder), continuationToken: z.null() })
const list = z.array(z.unknown())
const Sync = z.object({
  object: z.literal('sync'),
  profile: z.looseObject({ id: uuid }),
  folders: z.array(Folder),
  collections: list,
  policies: list,
  ciphers: z.array(Cipher),
  domains: z.unknown(),
  sends: list,
  userDecryption: z.looseObject({ masterPasswordUnlock: z.looseObject({}) }),
})

const version = { 'Bitwarden-Client-Version': '2026.9.0' }

describe.each(engines)("items of Bitwarden's apps on %s", (engine) => {
  const clock = new TestClock()
  let server: TestServer
  let account: BitwardenTestAccount
  beforeAll(async () => {
    server = await startServer(engine, { clock, environment: { BITWARDEN_API: 'on' } })
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    account = await newBitwardenAccount(server, clock.now())
    clock.advance(1000)
  })

  const ask = (
    method: string,
    path: string,
    body?: unknown,
    by = account,
    headers: Record<string, string> = version,
  ) => send(server, { method, path: `/api${path}`, token: by.token, body, headers })

  async function asked<T>(shape: z.ZodType<T>, method: string, path: string, body?: unknown): Promise<T> {
    const answer = await ask(method, path, body)
    expect([answer.status, answer.status === 200 ? '' : answer.text]).toEqual([200, ''])
    return shape.parse(JSON.parse(answer.text))
  }
  const create = (cipher: unknown = loginCipher()) => asked(Cipher, 'POST', '/ciphers', cipher)
  const read = (id: string) => asked(Cipher, 'GET', `/ciphers/${id}`)
  const sync = () => asked(Sync, 'GET', '/sync?excludeDomains=true')
  const makeFolder = () => asked(Folder, 'POST', '/folders', { name: encString() })
  const revision = () => asked(z.int(), 'GET', '/accounts/revision-date')

  it('are given back as they were written, with all members that clients need', async () => {
    const given = loginWith({ fido2Credentials: [passkey()] })
    const made = await create(given)
    const { response: _, ...uri } = given.login.uris[0] ?? { response: null }
    const { response: __, ...field } = given.fields[0] ?? { response: null }
    const { response: ___, ...login } = given.login
    expect(made).toMatchObject({
      name: given.name,
      notes: given.notes,
      login: { ...login, uri: given.login.uris[0]?.uri, uris: [uri] },
      fields: [field],
      passwordHistory: given.passwordHistory,
      card: null,
      passport: null,
    })
    for (const path of ['', '/details', '/full-details'])
      expect(await asked(Cipher, 'GET', `/ciphers/${made.id}${path}`)).toEqual(made)
    expect((await asked(Ciphers, 'GET', '/ciphers')).data).toEqual([made])
    expect((await sync()).ciphers).toEqual([made])
  })

  it.each(otherKinds)('are of every kind: $type', async (kind) => {
    const made = await create(cipherOf(kind))
    expect(made).toMatchObject({ ...kind, login: null })
    expect(await read(made.id)).toEqual(made)
  })

  it('are found whatever the case of their members, without what an app adds of its own', async () => {
    const { username, password, uris } = loginCipher().login
    const [uri] = uris
    const made = await create({
      type: 1,
      folderId: null,
      name: encString(),
      notes: '',
      login: { Username: username, Password: password, Totp: '', Uris: [{ Uri: uri?.uri, Match: null }] },
      card: null,
      secureNote: {},
      sshKey: {},
      object: 'cipher',
      edit: true,
      creationDate: '',
    })
    expect(made).toMatchObject({
      notes: null,
      login: { username, password, totp: null, uris: [{ uri: uri?.uri, uriChecksum: null, match: null }] },
      secureNote: null,
      sshKey: null,
      reprompt: 0,
      favorite: false,
    })
  })

  it('are made from a copy in an envelope', async () => {
    const cipher = loginCipher()
    const made = await asked(Cipher, 'POST', '/ciphers/create', { cipher, collectionIds: [] })
    expect(made.name).toBe(cipher.name)
  })

  it('raise the revision with each write, also when the clock is set back', async () => {
    const made = await create()
    const before = await revision()
    expect(Date.parse(made.revisionDate)).toBe(before)
    clock.jump(-60_000)
    const changed = await asked(Cipher, 'PUT', `/ciphers/${made.id}`, loginCipher())
    expect(Date.parse(changed.revisionDate)).toBe(before + 1)
    expect(await revision()).toBe(before + 1)
    clock.jump(60_000)
  })

  it.each(['PUT', 'POST'])('are replaced by %s unless another device was first', async (method) => {
    const made = await create()
    const known = { lastKnownRevisionDate: made.revisionDate, encryptedFor: account.accountId }
    const outcomes = await Promise.all(
      Array.from({ length: 4 }, () =>
        ask(method, `/ciphers/${made.id}`, loginCipher({ ...known, favorite: true })),
      ),
    )
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual([200, 400, 400, 400])
    const lost = outcomes.find(({ status }) => status === 400)
    expect(JSON.parse(lost?.text ?? '')).toMatchObject({
      object: 'error',
      message: expect.stringContaining('Sync'),
    })
    const [won] = outcomes.filter(({ status }) => status === 200)
    expect(await read(made.id)).toEqual(JSON.parse(won?.text ?? ''))
    const replace = async (lastKnownRevisionDate: string) =>
      (await ask(method, `/ciphers/${made.id}`, loginCipher({ lastKnownRevisionDate }))).status
    expect(await replace(made.revisionDate)).toBe(400)
    expect(await replace('2030-01-01T00:00:00Z')).toBe(400)
    expect(await replace('0001-01-01T00:00:00')).toBe(200)
    expect(await replace((await read(made.id)).revisionDate)).toBe(200)
    // Of a date with fewer digits it is not known which time it was.
    const { revisionDate } = await read(made.id)
    expect(await replace(revisionDate.replace(/\.\d+Z$/, 'Z'))).toBe(200)
  })

  it('keep what a client leaves out that knows no better, and what another one means to take away they lose', async () => {
    const full = { favorite: true, reprompt: 1, archivedDate: '2026-01-01T00:00:00Z' }
    const made = await create({ ...loginWith({ fido2Credentials: [passkey()] }), ...full })
    const { fido2Credentials: _, ...login } = loginCipher().login
    const small = { type: 1, name: encString(), login }
    const kept = await asked(Cipher, 'PUT', `/ciphers/${made.id}`, small)
    expect(kept).toMatchObject({
      name: small.name,
      favorite: true,
      reprompt: 1,
      archivedDate: '2026-01-01T00:00:00.000Z',
      login: { username: login.username, fido2Credentials: made.login?.fido2Credentials },
      notes: null,
    })
    const changed = await asked(Cipher, 'PUT', `/ciphers/${made.id}`, {
      ...small,
      encryptedFor: account.accountId,
    })
    expect(changed).toMatchObject({ favorite: false, reprompt: 0, login: { fido2Credentials: null } })
    const sshKey = { privateKey: encString(), publicKey: null, keyFingerprint: null }
    const ssh = await create(cipherOf({ type: 5, sshKey }))
    const renamed = await asked(Cipher, 'PUT', `/ciphers/${ssh.id}`, {
      type: 5,
      name: encString(),
      login: null,
    })
    expect(renamed.sshKey).toEqual(sshKey)
    expect((await ask('PUT', `/ciphers/${ssh.id}`, { type: 3, name: encString() })).status).toBe(400)
  })

  it('with a key of their own are not changed by a client that does not know such keys', async () => {
    const made = await create(loginCipher({ key: wrappedKey() }))
    const refused = await ask('PUT', `/ciphers/${made.id}`, { type: 1, name: encString(), login: {} })
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('another app')])
    expect(await read(made.id)).toEqual(made)
    const official = loginCipher({ lastKnownRevisionDate: made.revisionDate })
    expect((await asked(Cipher, 'PUT', `/ciphers/${made.id}`, official)).key).toBeNull()
  })

  it('are taken for this account alone', async () => {
    const refused = await ask('POST', '/ciphers', loginCipher({ encryptedFor: randomUUID() }))
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('another account')])
    await create(loginCipher({ encryptedFor: account.accountId, encryptedByKeyId: 'a'.repeat(32) }))
    const stranger = await newBitwardenAccount(server, clock.now())
    const made = await create()
    const folder = await makeFolder()
    for (const [method, path, body] of [
      ['GET', ''],
      ['GET', '/details'],
      ['PUT', '', loginCipher()],
      ['PUT', '/partial', { folderId: null, favorite: true }],
      ['PUT', '/delete'],
      ['PUT', '/restore'],
      ['PUT', '/archive'],
      ['DELETE', ''],
    ] as const)
      expect((await ask(method, `/ciphers/${made.id}${path}`, body, stranger)).status).toBe(404)
    await ask('PUT', '/ciphers/delete', { ids: [made.id] }, stranger)
    await ask('DELETE', '/ciphers', { ids: [made.id] }, stranger)
    expect((await ask('POST', '/ciphers', loginCipher({ folderId: folder.id }), stranger)).status).toBe(400)
    expect((await ask('GET', `/folders/${folder.id}`, undefined, stranger)).status).toBe(404)
    expect((await ask('DELETE', `/folders/${folder.id}`, undefined, stranger)).status).toBe(404)
    expect(await read(made.id)).toEqual(made)
    expect(JSON.parse((await ask('GET', '/sync', undefined, stranger)).text)).toMatchObject({
      ciphers: [],
      folders: [],
    })
  })

  it('are put into a folder, and marked, without their bodies', async () => {
    const [made, folder] = [await create(), await makeFolder()]
    const placed = await asked(Cipher, 'PUT', `/ciphers/${made.id}/partial`, {
      folderId: folder.id,
      favorite: true,
    })
    expect(placed).toEqual({
      ...made,
      folderId: folder.id,
      favorite: true,
      revisionDate: placed.revisionDate,
    })
    expect(placed.revisionDate > made.revisionDate).toBe(true)
    const refused = await ask('PUT', `/ciphers/${made.id}/partial`, {
      folderId: randomUUID(),
      favorite: true,
    })
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('folderId')])
  })

  it('go into the trash and the archive, come back, and are deleted for good', async () => {
    const made = await create()
    const path = `/ciphers/${made.id}`
    expect((await ask('PUT', `${path}/delete`)).text).toBe('')
    expect(await read(made.id)).toMatchObject({ deletedDate: new Date(clock.now()).toISOString() })
    expect((await asked(Cipher, 'PUT', `${path}/restore`)).deletedDate).toBeNull()
    const archived = await asked(Cipher, 'PUT', `${path}/archive`)
    expect(archived.archivedDate).toBe(new Date(clock.now()).toISOString())
    expect((await asked(Cipher, 'PUT', `${path}/unarchive`)).archivedDate).toBeNull()
    expect([(await ask('DELETE', path)).status, (await ask('DELETE', path)).status]).toEqual([200, 404])
    expect((await ask('GET', path)).status).toBe(404)
    const other = await create()
    expect((await ask('POST', `/ciphers/${other.id}/delete`)).status).toBe(200)
    expect((await sync()).ciphers).toEqual([])
  })

  it('are trashed, archived, moved and deleted together', async () => {
    const made = await Promise.all(Array.from({ length: 3 }, () => create()))
    const folder = await makeFolder()
    const [one, two] = made.map(({ id }) => id)
    const ids = [one, two, randomUUID()]
    const before = await revision()
    await ask('PUT', '/ciphers/delete', { ids })
    expect(
      (await sync()).ciphers
        .filter(({ deletedDate }) => deletedDate)
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual([one, two].toSorted())
    expect(await revision()).toBeGreaterThan(before)
    for (const fate of ['restore', 'archive', 'unarchive']) {
      const { data } = await asked(Ciphers, 'PUT', `/ciphers/${fate}`, { ids })
      expect(data.map(({ id }) => id)).toEqual([one, two])
    }
    const dates = (await sync()).ciphers.map(({ revisionDate }) => revisionDate)
    expect((await ask('PUT', '/ciphers/move', { ids, folderId: folder.id })).status).toBe(200)
    const moved = (await sync()).ciphers
    expect(moved.filter(({ folderId }) => folderId === folder.id)).toHaveLength(2)
    // The client that has moved them is told of no new dates.
    expect(moved.map(({ revisionDate }) => revisionDate)).toEqual(dates)
    expect((await ask('POST', '/ciphers/move', { ids, folderId: randomUUID() })).status).toBe(400)
    const unchanged = await revision()
    await ask('DELETE', '/ciphers', { ids: [randomUUID()] })
    expect(await revision()).toBe(unchanged)
    await ask('DELETE', '/ciphers', { ids })
    expect((await sync()).ciphers).toHaveLength(1)
    await ask('POST', '/ciphers/delete', { ids: made.map(({ id }) => id) })
    expect((await sync()).ciphers).toEqual([])
  })

  it('of newer kinds are hidden from clients that would fail over them', async () => {
    await create()
    for (const kind of otherKinds) await create(cipherOf(kind))
    const typesFor = async (headers: Record<string, string>) => {
      const { text } = await ask('GET', '/sync', undefined, account, headers)
      return Sync.parse(JSON.parse(text))
        .ciphers.map(({ type }) => type)
        .toSorted()
    }
    expect(await typesFor({})).toEqual([1, 2, 3, 4])
    expect(await typesFor({ 'Bitwarden-Client-Version': '1.15.0' })).toEqual([1, 2, 3, 4])
    expect(await typesFor({ 'Bitwarden-Client-Version': '2024.12.0' })).toEqual([1, 2, 3, 4, 5])
    expect(await typesFor({ 'Bitwarden-Client-Version': '2026.4.1' })).toEqual([1, 2, 3, 4, 5])
    expect(await typesFor({ 'Bitwarden-Client-Version': '2026.5.0' })).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  it('stand in folders, which come and go', async () => {
    const folder = await makeFolder()
    expect(await asked(Folder, 'GET', `/folders/${folder.id}`)).toEqual(folder)
    const name = encString()
    const renamed = await asked(Folder, 'PUT', `/folders/${folder.id}`, {
      name,
      id: folder.id,
      object: 'folder',
    })
    expect(renamed).toEqual({ ...folder, name, revisionDate: renamed.revisionDate })
    expect(renamed.revisionDate > folder.revisionDate).toBe(true)
    const other = await makeFolder()
    const { data } = await asked(Folders, 'GET', '/folders')
    expect(data.map(({ id }) => id).toSorted()).toEqual([folder.id, other.id].toSorted())
    const made = await create(loginCipher({ folderId: folder.id }))
    expect((await ask('DELETE', `/folders/${folder.id}`)).status).toBe(200)
    expect((await ask('DELETE', `/folders/${folder.id}`)).status).toBe(404)
    expect(await read(made.id)).toEqual({ ...made, folderId: null })
    for (const name of ['Work', '', null, encString(2000)])
      expect((await ask('POST', '/folders', { name })).status).toBe(400)
    await ask('DELETE', '/folders', { ids: [other.id] })
    expect((await sync()).folders).toEqual([])
    await makeFolder()
    await ask('DELETE', '/folders/all')
    expect((await sync()).folders).toEqual([])
  })

  it('are deleted for good after 30 days in the trash, and other devices are to load the rest', async () => {
    const [old, young] = [await create(), await create()]
    for (const { id, ago } of [
      { id: old.id, ago: days(30) + 1 },
      { id: young.id, ago: days(30) },
    ]) {
      clock.jump(-ago)
      await ask('PUT', `/ciphers/${id}/delete`)
      clock.jump(ago)
    }
    const before = await revision()
    const { store } = await openStore(databaseOf(server.database), {
      now: () => clock.now(),
      onIdleError: () => {},
    })
    await deleteOldTrash({ store }, clock.now())
    await deleteOldTrash({ store }, clock.now())
    await store.close()
    expect((await sync()).ciphers.map(({ id }) => id)).toEqual([young.id])
    expect(await revision()).toBeGreaterThan(before)
  })

  it('are all deleted for good with the password, and with nothing less', async () => {
    const folder = await makeFolder()
    await create(loginCipher({ folderId: folder.id }))
    const before = await sync()
    const purge = async (body: unknown, query = '') =>
      (await ask('POST', `/ciphers/purge${query}`, body)).status
    expect(await purge({ masterPasswordHash: Buffer.alloc(32).toString('base64') })).toBe(400)
    expect(await purge({})).toBe(400)
    const right = { masterPasswordHash: account.passwordHash }
    expect(await purge(right, `?organizationId=${randomUUID()}`)).toBe(400)
    expect(await sync()).toEqual(before)
    expect(await purge(right)).toBe(200)
    expect(await sync()).toMatchObject({ ciphers: [], folders: [] })
  })

  describe('that clients fail over', () => {
    const bad = 'plain text'
    const uri = (changes: object) => loginWith({ uris: [{ uri: encString(), ...changes }] })
    const field = (changes: object) =>
      loginCipher({ fields: [{ type: 0, name: null, value: null, ...changes }] })
    const history = (changes: object) =>
      loginCipher({
        passwordHistory: [{ password: encString(), lastUsedDate: '2026-01-01T00:00:00Z', ...changes }],
      })
    const key = (changes: Readonly<Record<string, unknown>>) =>
      loginWith({ fido2Credentials: [passkey(changes)] })
    const [iv, text, mac] = encString().slice(2).split('|')

    it.each<[string, object]>([
      ['name', loginCipher({ name: bad })],
      ['name', loginCipher({ name: '' })],
      ['name', loginCipher({ name: null })],
      ['name', loginCipher({ name: undefined })],
      ['name', loginCipher({ name: `2.${iv}|${text}` })],
      ['name', loginCipher({ name: `2.${iv}|!${text}|${mac}` })],
      ['name', loginCipher({ name: `4.${text}` })],
      ['name', loginCipher({ name: `9.${iv}|${text}|${mac}` })],
      ['name', loginCipher({ name: `0.${iv}|${text}` })],
      ['notes', loginCipher({ notes: bad })],
      ['notes', loginCipher({ notes: 5 })],
      ['username', loginWith({ username: bad })],
      ['password', loginWith({ password: bad })],
      ['totp', loginWith({ totp: bad })],
      ['uri', uri({ uri: bad })],
      ['uriChecksum', uri({ uriChecksum: bad })],
      ['match', uri({ match: 9 })],
      ['match', uri({ match: '0' })],
      ['uris', loginWith({ uris: [null] })],
      ['uris', loginWith({ uris: {} })],
      ['passwordRevisionDate', loginWith({ passwordRevisionDate: 'yesterday' })],
      ['autofillOnPageLoad', loginWith({ autofillOnPageLoad: 'yes' })],
      ['type', field({ type: 9 })],
      ['type', field({ type: '0' })],
      ['type', field({ type: null })],
      ['value', field({ value: bad })],
      ['name', field({ name: bad })],
      ['linkedId', field({ linkedId: 999 })],
      ['fields', loginCipher({ fields: [null] })],
      ['password', history({ password: bad })],
      ['password', history({ password: null })],
      ['password', history({ password: '' })],
      ['lastUsedDate', history({ lastUsedDate: 'bad' })],
      ['lastUsedDate', history({ lastUsedDate: null })],
      ['keyValue', key({ keyValue: undefined })],
      ['keyValue', key({ keyValue: bad })],
      ['counter', key({ counter: bad })],
      ['rpName', key({ rpName: bad })],
      ['creationDate', key({ creationDate: '' })],
      ['key', loginCipher({ key: bad })],
      ['key', loginCipher({ key: encString(96) })],
      ['type', loginCipher({ type: 0 })],
      ['type', loginCipher({ type: 9 })],
      ['type', loginCipher({ type: '1' })],
      ['type', loginCipher({ type: null })],
      ['login', loginCipher({ login: null })],
      ['login', loginCipher({ login: undefined })],
      ['bankAccount', loginCipher({ type: 6 })],
      ['privateKey', cipherOf({ type: 5, sshKey: {} })],
      ['type', cipherOf({ type: 2, secureNote: { type: 1 } })],
      ['reprompt', loginCipher({ reprompt: 5 })],
      ['reprompt', loginCipher({ reprompt: '0' })],
      ['favorite', loginCipher({ favorite: 'yes' })],
      ['folderId', loginCipher({ folderId: 'Work' })],
      ['folderId', loginCipher({ folderId: randomUUID() })],
      ['organizationId', loginCipher({ organizationId: randomUUID() })],
      ['archivedDate', loginCipher({ archivedDate: 'bad' })],
      ['data', loginCipher({ data: '{}' })],
      ['fileName', loginCipher({ attachments2: { [randomUUID()]: { fileName: bad, key: null } } })],
      ['key', loginCipher({ attachments2: { [randomUUID()]: { fileName: encString(), key: bad } } })],
      [
        'larger',
        loginCipher({
          fields: Array.from({ length: 600 }, () => ({
            type: 0,
            name: encString(64),
            value: encString(128),
          })),
        }),
      ],
    ])('are refused, and the answer says where: %s', async (member, cipher) => {
      const refused = await ask('POST', '/ciphers', cipher)
      expect([refused.status, refused.text]).toEqual([400, expect.stringContaining(member)])
      expect((await asked(Ciphers, 'GET', '/ciphers')).data).toEqual([])
    })
  })
})
