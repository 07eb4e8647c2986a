// What clients ask of their account.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newBitwardenAccount } from '../../support/bitwarden.ts'
import { engines } from '../../support/database.ts'
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
})
