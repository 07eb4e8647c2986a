// What clients ask of their account.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resyncBitwardenAccounts } from '../../../src/domain/identity/bitwarden-accounts.ts'
import { openStore } from '../../../src/store/open.ts'
import { newBitwardenAccount } from '../../support/bitwarden.ts'
import { engines } from '../../support/database.ts'
import { databaseOf } from '../../support/fresh-database.ts'
import { send } from '../../support/requests.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'

describe.each(engines)("the account of Bitwarden's apps on %s", (engine) => {
  const clock = new TestClock()
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine, { clock, environment: { BITWARDEN_API: 'on' } })
  })
  afterAll(() => server.close())

  it('tells its revision to its owner, and to nobody else', async () => {
    const { token } = await newBitwardenAccount(server, clock.now())
    const path = '/api/accounts/revision-date'
    const answer = await send(server, { method: 'GET', path, token })
    expect([answer.status, answer.text]).toEqual([200, String(clock.now())])
    const refused = await send(server, { method: 'GET', path })
    expect([refused.status, JSON.parse(refused.text)]).toMatchObject([401, { object: 'error' }])
    expect((await send(server, { method: 'GET', path: '/api/v1/account', token })).status).toBe(401)
  })

  it('has every member of the profile that some client requires', async () => {
    const account = await newBitwardenAccount(server, clock.now())
    const answer = await send(server, { method: 'GET', path: '/api/accounts/profile', token: account.token })
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.text)).toEqual({
      object: 'profile',
      id: account.accountId,
      name: null,
      email: account.email,
      emailVerified: true,
      premium: true,
      premiumFromOrganization: false,
      culture: 'en-US',
      twoFactorEnabled: false,
      key: expect.stringMatching(/^2\./),
      privateKey: expect.stringMatching(/^2\./),
      accountKeys: {
        publicKeyEncryptionKeyPair: {
          publicKey: expect.any(String),
          wrappedPrivateKey: expect.stringMatching(/^2\./),
          signedPublicKey: null,
          object: 'publicKeyEncryptionKeyPair',
        },
        signatureKeyPair: null,
        securityState: null,
        object: 'privateKeys',
      },
      securityStamp: expect.any(String),
      forcePasswordReset: false,
      usesKeyConnector: false,
      verifyDevices: true,
      avatarColor: null,
      creationDate: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      masterPasswordHint: null,
      organizations: [],
      providers: [],
      providerOrganizations: [],
    })
  })

  const ask = async (token: string, method: string, path: string, body?: unknown) => {
    const answer = await send(server, { method, path: `/api/${path}`, token, body })
    return { status: answer.status, body: answer.text === '' ? null : JSON.parse(answer.text) }
  }
  const revisionOf = async (token: string) => (await ask(token, 'GET', 'accounts/revision-date')).body

  it('changes name and colour, and raises the revision with each', async () => {
    const { token } = await newBitwardenAccount(server, clock.now())
    const first = await revisionOf(token)
    const named = await ask(token, 'PUT', 'accounts/profile', { name: 'Ada', culture: 'en-US' })
    expect(named).toMatchObject({ status: 200, body: { name: 'Ada', avatarColor: null } })
    const second = await revisionOf(token)
    expect(second).toBeGreaterThan(first)
    const coloured = await ask(token, 'PUT', 'accounts/avatar', { avatarColor: '#aa00FF' })
    expect(coloured).toMatchObject({ status: 200, body: { name: 'Ada', avatarColor: '#aa00FF' } })
    expect(await revisionOf(token)).toBeGreaterThan(second)
    expect((await ask(token, 'POST', 'accounts/profile', { name: '' })).body).toMatchObject({ name: null })
    expect((await ask(token, 'PUT', 'accounts/avatar', { avatarColor: 'red' })).status).toBe(400)
    expect((await ask(token, 'PUT', 'accounts/profile', { name: 'x'.repeat(51) })).status).toBe(400)
  })

  it('gives its keys to its owner, and takes no second key pair', async () => {
    const { token, accountId } = await newBitwardenAccount(server, clock.now())
    const keys = await ask(token, 'GET', 'accounts/keys')
    expect(keys).toMatchObject({
      status: 200,
      body: {
        key: expect.any(String),
        publicKey: expect.any(String),
        privateKey: expect.any(String),
        accountKeys: { object: 'privateKeys' },
        object: 'keys',
      },
    })
    expect((await ask(token, 'POST', 'accounts/keys', {})).status).toBe(400)
    expect(await ask(token, 'GET', `users/${accountId}/public-key`)).toMatchObject({
      status: 200,
      body: { userId: accountId, publicKey: keys.body.publicKey, object: 'userKey' },
    })
    const other = await newBitwardenAccount(server, clock.now())
    expect((await ask(token, 'GET', `users/${other.accountId}/public-key`)).status).toBe(404)
  })

  it('is told the id of its user key once, and the same one any number of times', async () => {
    const { token } = await newBitwardenAccount(server, clock.now())
    const name = (userKeyId: string) =>
      ask(token, 'POST', 'accounts/key-management/user-key-id', { userKeyId })
    const id = 'ab'.repeat(16)
    const answers = await Promise.all([name(id), name(id.toUpperCase()), name(id)])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect((await name('cd'.repeat(16))).status).toBe(400)
    expect((await name('ab')).status).toBe(400)
  })

  it('shows the API key again, and replaces it when that is wanted', async () => {
    const { token, passwordHash: masterPasswordHash } = await newBitwardenAccount(server, clock.now())
    const keyBy = async (name: string) => {
      const { status, body } = await ask(token, 'POST', `accounts/${name}`, { masterPasswordHash })
      expect([status, body]).toMatchObject([200, { revisionDate: expect.any(String), object: 'apiKey' }])
      return body.apiKey
    }
    const first = await keyBy('api-key')
    expect(await keyBy('api-key')).toBe(first)
    const second = await keyBy('rotate-api-key')
    expect(second).not.toBe(first)
    expect(await keyBy('api-key')).toBe(second)
    const wrong = { masterPasswordHash: Buffer.alloc(32).toString('base64') }
    expect((await ask(token, 'POST', 'accounts/api-key', wrong)).status).toBe(400)
  })

  it('keeps equivalent domains, its own and which well-known ones do not count', async () => {
    const { token } = await newBitwardenAccount(server, clock.now())
    const before = await ask(token, 'GET', 'settings/domains')
    expect(before).toMatchObject({ status: 200, body: { equivalentDomains: [], object: 'domains' } })
    expect(before.body.globalEquivalentDomains.length).toBeGreaterThan(10)
    expect(before.body.globalEquivalentDomains[0]).toEqual({
      type: 0,
      domains: ['google.com', 'youtube.com', 'gmail.com'],
      excluded: false,
    })
    const own = [['intranet.example', 'wiki.example']]
    const wanted = { equivalentDomains: own, excludedGlobalEquivalentDomains: [0] }
    const changed = await ask(token, 'PUT', 'settings/domains', wanted)
    expect(changed.body.equivalentDomains).toEqual(own)
    expect(changed.body.globalEquivalentDomains[0].excluded).toBe(true)
    expect((await ask(token, 'GET', 'settings/domains')).body).toEqual(changed.body)
    const many = [Array.from({ length: 400 }, () => 'x'.repeat(200))]
    expect((await ask(token, 'POST', 'settings/domains', { equivalentDomains: many })).status).toBe(400)
  })

  it('answers what it does not have with nothing, or with a sentence', async () => {
    const { token } = await newBitwardenAccount(server, clock.now())
    const lists = ['collections', 'emergency-access/trusted', 'emergency-access/granted', 'webauthn', 'tasks']
    for (const path of lists)
      expect(await ask(token, 'GET', path)).toEqual({
        status: 200,
        body: { data: [], continuationToken: null, object: 'list' },
      })
    expect(await ask(token, 'POST', 'organizations', {})).toMatchObject({
      status: 400,
      body: { object: 'error', message: 'This server has no organizations.' },
    })
    expect((await send(server, { method: 'GET', path: '/api/collections' })).status).toBe(401)
    const alive = await send(server, { method: 'GET', path: '/alive' })
    expect(JSON.parse(alive.text)).toBe(new Date(clock.now()).toISOString())
    const collected = await send(server, { method: 'POST', path: '/events/collect', token, body: [] })
    expect(collected.status).toBe(200)
  })

  it('is at a later revision after a restore, and without its API key unless access is kept', async () => {
    const { token, passwordHash: masterPasswordHash } = await newBitwardenAccount(server, clock.now())
    const keyOf = async () =>
      (await ask(token, 'POST', 'accounts/api-key', { masterPasswordHash })).body.apiKey
    const { store } = await openStore(databaseOf(server.database), {
      now: () => clock.now(),
      onIdleError: () => {},
    })
    for (const keepAccess of [true, false]) {
      const [revision, apiKey] = [await revisionOf(token), await keyOf()]
      const now = clock.now()
      const ended = await store.write((tx) => resyncBitwardenAccounts(tx, { now, keepAccess }))
      expect(ended > 0).toBe(!keepAccess)
      expect(await revisionOf(token)).toBeGreaterThan(revision)
      expect((await keyOf()) === apiKey).toBe(keepAccess)
    }
    await store.close()
  })
})
