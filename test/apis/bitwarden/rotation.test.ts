// A new user key: everything of the account comes with it in one request, or nothing changes.
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findDamage } from '../../../src/operator/database-damage.ts'
import { onSnapshot } from '../../../src/operator/whole-database.ts'
import { askForToken, encString, keyRotation, passwordGrant, registeredApp } from '../../support/bitwarden.ts'
import { cipherOf, loginCipher, otherKinds, wrappedKey } from '../../support/ciphers.ts'
import { engines } from '../../support/database.ts'
import { databaseOf } from '../../support/fresh-database.ts'
import { send } from '../../support/requests.ts'
import { readRows, runStatement } from '../../support/rows.ts'
import { textSend } from '../../support/sends.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'

const newHash = () => randomBytes(32).toString('base64')

describe.each(engines)("a new user key for an account of Bitwarden's apps on %s", (engine) => {
  const clock = new TestClock()
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine, { clock, environment: { BITWARDEN_API: 'on' } })
  })
  afterAll(() => server.close())

  const ask = async (token: string, method: string, path: string, body?: unknown) => {
    const answer = await send(server, { method, path: `/api/${path}`, token, body })
    return { status: answer.status, body: answer.text === '' ? null : JSON.parse(answer.text) }
  }
  const path = 'accounts/key-management/rotate-user-account-keys'
  const logIn = async (email: string, passwordHash: string) =>
    JSON.parse((await askForToken(server, passwordGrant({ email, passwordHash }))).text)

  /** An account with items in every place, folders, and a replaced version. */
  async function filledApp() {
    const app = await registeredApp(server)
    const { token } = app
    const folder = await ask(token, 'POST', 'folders', { name: encString() })
    const items = []
    for (const cipher of [
      loginCipher({ folderId: folder.body.id, favorite: true, key: wrappedKey() }),
      loginCipher(),
      ...otherKinds.map(cipherOf),
    ]) {
      const { status, body } = await ask(token, 'POST', 'ciphers', cipher)
      expect(status).toBe(200)
      items.push({ id: body.id, cipher })
    }
    const [first, second] = items
    if (!first || !second) throw new Error('no items')
    await ask(token, 'PUT', `ciphers/${first.id}`, { ...first.cipher, name: encString() })
    await ask(token, 'PUT', `ciphers/${second.id}/delete`)
    await ask(token, 'PUT', 'ciphers/archive', { ids: [items[2]?.id] })
    const secret = await ask(token, 'POST', 'sends', textSend(clock.now()))
    expect(secret.status).toBe(200)
    return { ...app, items, folder: folder.body, secret: secret.body }
  }
  type Filled = Awaited<ReturnType<typeof filledApp>>

  const rotationOf = (app: Filled) =>
    keyRotation(app, {
      ciphers: app.items.map(({ id, cipher }) => ({ ...cipher, id, name: encString() })),
      folders: [{ id: app.folder.id, name: encString() }],
      sends: [{ ...textSend(clock.now()), id: app.secret.id }],
    })

  it('replaces keys, items in every place, folders and the password, and ends all sessions', async () => {
    const app = await filledApp()
    const before = (await ask(app.token, 'GET', 'sync')).body
    const rotation = rotationOf(app)
    expect(await ask(app.token, 'POST', path, rotation)).toEqual({ status: 200, body: null })
    expect((await ask(app.token, 'GET', 'sync')).status).toBe(401)
    const unlock = rotation.accountUnlockData.masterPasswordUnlockData
    expect((await logIn(app.email, app.passwordHash)).error).toBe('invalid_grant')
    const login = await logIn(app.email, unlock.masterKeyAuthenticationHash)
    expect(login.Key).toBe(unlock.masterKeyEncryptedUserKey)
    const { body: after } = await ask(login.access_token, 'GET', 'sync')
    expect(after.profile.privateKey).toBe(rotation.accountKeys.userKeyEncryptedAccountPrivateKey)
    expect(after.profile.securityStamp).not.toBe(before.profile.securityStamp)
    expect(after.userDecryption.userKeyId).toBe(rotation.newUserKeyId)
    expect(after.folders).toMatchObject(rotation.accountData.folders)
    const names = new Map(rotation.accountData.ciphers.map(({ id, name }) => [id, name]))
    type Cipher = {
      id: string
      name: string
      folderId: unknown
      favorite: unknown
      deletedDate: unknown
      archivedDate: unknown
    }
    const placeOf = ({ id, folderId, favorite, deletedDate, archivedDate }: Cipher) => ({
      id,
      folderId,
      favorite,
      deletedDate,
      archivedDate,
    })
    expect(after.ciphers.map(placeOf)).toEqual(before.ciphers.map(placeOf))
    for (const { id, name } of after.ciphers) expect(name).toBe(names.get(id))
    expect(after.sends).toMatchObject([{ id: app.secret.id, key: rotation.accountData.sends[0]?.key }])
    expect(await onSnapshot(databaseOf(server.database), findDamage)).toEqual([])
    // Nothing opens them any more.
    const { item_versions: versions = [] } = await readRows(server.database)
    expect(JSON.stringify(versions)).not.toContain(after.profile.id)
  })

  it('changes nothing unless everything is there, once, and under the keys of the account', async () => {
    const app = await filledApp()
    const { accountData, accountKeys, ...rest } = rotationOf(app)
    const { ciphers, folders } = accountData
    const [first, ...others] = ciphers
    const otherKey = generateKeyPairSync('rsa', { modulusLength: 2048 })
      .publicKey.export({ format: 'der', type: 'spki' })
      .toString('base64')
    const unlock = rest.accountUnlockData.masterPasswordUnlockData
    const unlocking = (change: object) => ({
      ...rest,
      accountUnlockData: { masterPasswordUnlockData: { ...unlock, ...change } },
    })
    const data = (change: object) => ({ ...rest, accountKeys, accountData: { ...accountData, ...change } })
    const refused = [
      data({ ciphers: others }),
      data({ ciphers: [...ciphers, { ...first, id: randomUUID() }] }),
      data({ ciphers: [...ciphers, first] }),
      data({ ciphers: [{ ...first, name: 'plain' }, ...others] }),
      data({ ciphers: [{ ...cipherOf({ type: 2, secureNote: { type: 0 } }), id: first?.id }, ...others] }),
      data({ folders: [] }),
      data({ sends: [] }),
      data({ folders: [...folders, { id: randomUUID(), name: encString() }] }),
      { ...rest, accountData, accountKeys: { ...accountKeys, accountPublicKey: otherKey } },
      { ...rest, accountData, accountKeys: { ...accountKeys, signatureKeyPair: {} } },
      { ...rest, accountData, accountKeys, oldMasterKeyAuthenticationHash: newHash() },
      { ...unlocking({ email: 'somebody@example.com' }), accountData, accountKeys },
      { ...unlocking({ kdfIterations: 700_000 }), accountData, accountKeys },
      { ...rest, accountData, accountKeys, wrappedAccountCryptographicState: {} },
    ]
    const before = await ask(app.token, 'GET', 'sync')
    for (const body of refused)
      expect(await ask(app.token, 'POST', path, body)).toMatchObject({
        status: 400,
        body: { object: 'error' },
      })
    expect(await ask(app.token, 'GET', 'sync')).toEqual(before)
    // A folder without an id is what older clients send of "no folder".
    const body = data({ folders: [...folders, { id: null, name: encString() }] })
    expect((await ask(app.token, 'POST', path, body)).status).toBe(200)
  })

  it('takes names and keys of files along, and refuses to lose one', async () => {
    const app = await filledApp()
    const rotation = rotationOf(app)
    const [{ id } = { id: '' }, ...others] = rotation.accountData.ciphers
    const { body: profile } = await ask(app.token, 'GET', 'accounts/profile')
    const file = randomUUID()
    await runStatement(
      server.database,
      `insert into attachments (vault_id, item_id, id, bytes, received_bytes, key_version, upload, place, created_at, expires_at, file_name, file_key)
       values ('${profile.id}', '${id}', '${file}', 1, 1, 1, 'x', 'database', 0, null, 'old', 'old')`,
    )
    await runStatement(server.database, `update items set attachments = '["${file}"]' where id = '${id}'`)
    expect((await ask(app.token, 'POST', path, rotation)).status).toBe(400)
    const [first] = rotation.accountData.ciphers
    const named = { fileName: encString(), key: encString(80) }
    const ciphers = [{ ...first, attachments2: { [file]: named } }, ...others]
    const body = { ...rotation, accountData: { ...rotation.accountData, ciphers } }
    expect((await ask(app.token, 'POST', path, body)).status).toBe(200)
    const { attachments = [] } = await readRows(server.database)
    expect(JSON.stringify(attachments)).toContain(named.fileName)
    expect(JSON.stringify(attachments)).toContain(named.key)
  })

  it('takes another key pair in place of one that cannot be opened', async () => {
    const { token, registration } = await registeredApp(server)
    const keys = {
      userPublicKey: registration.userAsymmetricKeys.publicKey,
      userKeyEncryptedUserPrivateKey: encString(1216),
    }
    const answer = await ask(token, 'POST', 'accounts/key-management/regenerate-keys', keys)
    expect(answer).toEqual({ status: 200, body: null })
    expect((await ask(token, 'GET', 'accounts/keys')).body.privateKey).toBe(
      keys.userKeyEncryptedUserPrivateKey,
    )
  })
})
