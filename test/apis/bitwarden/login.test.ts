// Registration, login and refresh as Bitwarden's apps do them.
import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { days } from '../../../src/clock.ts'
import { newAccount } from '../../support/accounts.ts'
import {
  appRegistration,
  askForToken,
  encString,
  newAppDevice,
  passwordGrant,
  registerApp,
  registeredApp,
} from '../../support/bitwarden.ts'
import { engines } from '../../support/database.ts'
import { bodyOf, send } from '../../support/requests.ts'
import { registeredClient, startServer, TestClock, type TestServer } from '../../support/server.ts'

/** What clients require of the answer to a login. */
const Login = z.object({
  access_token: z.string().regex(/^[\w-]+\.[\w-]+\.[\w-]+$/),
  token_type: z.literal('Bearer'),
  expires_in: z.literal(3600),
  refresh_token: z.string(),
  scope: z.literal('api offline_access'),
  Key: z.string(),
  PrivateKey: z.string(),
  Kdf: z.int(),
  KdfIterations: z.int(),
  AccountKeys: z.object({ publicKeyEncryptionKeyPair: z.object({ wrappedPrivateKey: z.string() }) }),
  UserDecryptionOptions: z.object({
    HasMasterPassword: z.literal(true),
    MasterPasswordUnlock: z.object({
      Kdf: z.object({ KdfType: z.int(), Iterations: z.int() }),
      MasterKeyEncryptedUserKey: z.string(),
      MasterKeyWrappedUserKey: z.string(),
      Salt: z.string(),
    }),
    Object: z.literal('userDecryptionOptions'),
  }),
  ForcePasswordReset: z.literal(false),
})

/** What clients require in the middle of an access token. */
const Claims = z.object({
  sub: z.string(),
  exp: z.int(),
  email: z.string(),
  email_verified: z.literal(true),
  premium: z.literal(true),
  amr: z.array(z.string()),
  name: z.string().nullable(),
  client_id: z.string(),
  sstamp: z.string(),
})

const claimsOf = (token: string) =>
  Claims.parse(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()))

const wrongPassword = {
  error: 'invalid_grant',
  error_description: 'invalid_username_or_password',
  ErrorModel: { Message: 'Username or password is incorrect. Try again.', Object: 'error' },
}

describe.each(engines)("registration and login of Bitwarden's apps on %s", (engine) => {
  const clock = new TestClock()
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine, { clock, environment: { BITWARDEN_API: 'on' } })
  })
  afterAll(() => server.close())

  const json = (text: string): unknown => JSON.parse(text)
  const post = (path: string, body: unknown) => send(server, { method: 'POST', path, body })

  it('registers and logs in, with all that some client requires', async () => {
    const { email, registration, session, token } = await registeredApp(server)
    const login = Login.parse(session)
    expect(login.UserDecryptionOptions.MasterPasswordUnlock).toMatchObject({
      Salt: email,
      MasterKeyWrappedUserKey: registration.masterPasswordUnlock.masterKeyWrappedUserKey,
    })
    expect(claimsOf(token)).toMatchObject({ email, client_id: 'cli' })
    const revision = await send(server, { path: '/api/accounts/revision-date', token })
    expect([revision.status, revision.text]).toEqual([200, String(clock.now())])
  })

  it('takes a registration in the ways of older apps, with names in any case', async () => {
    const { masterPasswordAuthentication, masterPasswordUnlock, userAsymmetricKeys, ...rest } =
      appRegistration()
    const passwordHash = masterPasswordAuthentication.masterPasswordAuthenticationHash
    const flat = {
      ...rest,
      MasterPasswordHash: passwordHash,
      kdf: 1,
      kdfIterations: 3,
      kdfMemory: 64,
      kdfParallelism: 4,
    }
    for (const path of ['/identity/accounts/register', '/api/accounts/register']) {
      const email = `${randomUUID()}@example.com`
      const body = {
        ...flat,
        email,
        key: masterPasswordUnlock.masterKeyWrappedUserKey,
        keys: userAsymmetricKeys,
      }
      const answer = await post(path, body)
      expect([answer.status, json(answer.text)]).toEqual([
        200,
        { object: 'register', captchaBypassToken: '' },
      ])
      const login = bodyOf(Login, await askForToken(server, passwordGrant({ email, passwordHash })))
      expect([login.Kdf, login.KdfIterations]).toEqual([1, 3])
    }
  })

  it('refuses what no account can be made of, and says where it is', async () => {
    const good = appRegistration()
    const unlock = good.masterPasswordUnlock
    const other = { ...unlock.kdf, iterations: 700_000 }
    const bad: Readonly<Record<string, object>> = {
      weak: {
        masterPasswordAuthentication: {
          ...good.masterPasswordAuthentication,
          kdf: { ...unlock.kdf, iterations: 5000 },
        },
        masterPasswordUnlock: { ...unlock, kdf: { ...unlock.kdf, iterations: 5000 } },
      },
      'other costs': { masterPasswordUnlock: { ...unlock, kdf: other } },
      'other salt': { masterPasswordUnlock: { ...unlock, salt: 'other@example.com' } },
      'other hash': { masterPasswordHash: randomBytes(32).toString('base64') },
      'short user key': { masterPasswordUnlock: { ...unlock, masterKeyWrappedUserKey: encString(48) } },
      'no keys': { userAsymmetricKeys: null },
      'public key': {
        userAsymmetricKeys: {
          ...good.userAsymmetricKeys,
          publicKey: randomBytes(294).toString('base64'),
        },
      },
      'keys of version 2': {
        userAsymmetricKeys: null,
        accountKeys: {
          accountPublicKey: good.userAsymmetricKeys.publicKey,
          userKeyEncryptedAccountPrivateKey: good.userAsymmetricKeys.encryptedPrivateKey,
          signatureKeyPair: { signatureAlgorithm: 'ed25519' },
        },
      },
      // NFC writes it in another way than the client, which takes its own as the salt.
      'an address that is written in two ways': { email: 'a\u0308@example.com' },
    }
    for (const [what, change] of Object.entries(bad)) {
      const answer = await registerApp(server, { ...good, ...change })
      expect([what, answer.status, json(answer.text)]).toMatchObject([what, 400, { object: 'error' }])
    }
    expect((await registerApp(server, good)).status).toBe(200)
    const again = await registerApp(server, { ...appRegistration(), ...good })
    expect([again.status, json(again.text)]).toMatchObject([400, { object: 'error' }])
  })

  it('takes a token for its address alone, and for a day', async () => {
    const { email, ...registration } = appRegistration()
    const asked = await post('/identity/accounts/register/send-verification-email', { email })
    const emailVerificationToken = bodyOf(z.string(), asked)
    const finish = (change: object) =>
      post('/identity/accounts/register/finish', {
        ...registration,
        email,
        emailVerificationToken,
        ...change,
      })
    const clicked = (token: string) =>
      post('/identity/accounts/register/verification-email-clicked', {
        email,
        emailVerificationToken: token,
      })
    expect((await clicked(emailVerificationToken)).status).toBe(200)
    expect((await clicked('nonsense')).status).toBe(400)
    expect((await finish(appRegistration())).text).toContain('expired link')
    clock.advance(days(1))
    expect((await finish({})).text).toContain('expired link')
  })

  it('tells how to log in: for its accounts, and in the same form for everybody', async () => {
    const { email } = await registeredApp(server)
    const native = await registeredClient(server)
    const paths = [
      '/identity/accounts/prelogin',
      '/identity/accounts/prelogin/password',
      '/api/accounts/prelogin',
    ]
    for (const path of paths) {
      const { status, text } = await post(path, { Email: email.toUpperCase() })
      expect([status, json(text)]).toEqual([
        200,
        {
          kdf: 0,
          kdfIterations: 600_000,
          kdfMemory: null,
          kdfParallelism: null,
          kdfSettings: { kdfType: 0, iterations: 600_000, memory: null, parallelism: null },
          salt: email,
        },
      ])
      for (const stranger of [native.email, 'nobody@example.com']) {
        const answers = [await post(path, { email: stranger }), await post(path, { email: stranger })]
        const [first, second] = answers.map((answer) => json(answer.text))
        expect(first).toEqual(second)
        expect(Object.keys(Object(first))).toEqual(Object.keys(Object(json(text))))
      }
    }
    const kdfs = new Set<string>()
    for (let index = 0; index < 100; index++)
      kdfs.add((await post(paths[0] ?? '', { email: `${index}@example.com` })).text.slice(0, 8))
    expect(kdfs.size).toBe(2)
  })

  it('says the same of a wrong password, of a stranger and of an account of the other kind', async () => {
    const { email } = await registeredApp(server)
    const native = await registeredClient(server)
    const passwordHash = randomBytes(32).toString('base64')
    for (const username of [email, native.email, 'nobody@example.com', 'not an address']) {
      const answer = await askForToken(server, passwordGrant({ email: username, passwordHash }))
      expect([answer.status, json(answer.text)]).toEqual([400, wrongPassword])
    }
    const unreadable = await askForToken(server, passwordGrant({ email, passwordHash: 'x' }))
    expect([unreadable.status, json(unreadable.text)]).toEqual([400, wrongPassword])
  })

  it('is no account of the native API, whose login knows no such password', async () => {
    const { email, passwordHash } = await registeredApp(server)
    const prelogin = await post('/api/v1/prelogin', { email })
    expect(prelogin.status).toBe(200)
    const authKey = Buffer.from(passwordHash, 'base64').toString('base64url')
    const device = { id: randomUUID(), name: 'test', type: 'other' }
    const login = await post('/api/v1/login', { email, authKey, device })
    expect([login.status, json(login.text)]).toMatchObject([401, { code: 'invalid-credentials' }])
  })

  it('refreshes with one token again and again, by its client alone, as long as the session is used', async () => {
    const { session, token } = await registeredApp(server)
    const refresh = (change: Readonly<Record<string, string>> = {}) =>
      askForToken(server, {
        grant_type: 'refresh_token',
        refresh_token: session.refresh_token,
        client_id: 'cli',
        ...change,
      })
    for (let round = 0; round < 3; round++) {
      clock.advance(days(20))
      const answer = await refresh()
      const next = bodyOf(
        z.object({
          access_token: z.string(),
          expires_in: z.literal(3600),
          token_type: z.literal('Bearer'),
          refresh_token: z.literal(session.refresh_token),
          scope: z.string(),
        }),
        answer,
      )
      expect(claimsOf(next.access_token).sub).toBe(claimsOf(token).sub)
      const revision = await send(server, { path: '/api/accounts/revision-date', token: next.access_token })
      expect(revision.status).toBe(200)
    }
    expect((await send(server, { path: '/api/accounts/revision-date', token })).status).toBe(401)
    const refused = [400, { error: 'invalid_grant' }]
    for (const change of [{ client_id: 'web' }, { refresh_token: randomBytes(32).toString('base64url') }]) {
      const answer = await refresh(change)
      expect([answer.status, json(answer.text)]).toEqual(refused)
    }
    const native = await post('/api/v1/token/refresh', { refreshToken: session.refresh_token })
    expect(native.status).toBe(401)
    clock.advance(days(31))
    const answer = await refresh()
    expect([answer.status, json(answer.text)]).toEqual(refused)
  })

  it('reads the names of fields in any spelling, and odd devices', async () => {
    const { email, passwordHash } = await registeredApp(server)
    const { deviceIdentifier, ...grant } = passwordGrant({ email, passwordHash })
    for (const fields of [
      { device_identifier: deviceIdentifier.toUpperCase(), deviceType: 'iOS' },
      { DeviceIdentifier: 'my script', devicename: 'a\u0007bell', deviceType: '99' },
    ]) {
      const { deviceType: _, deviceName, ...rest } = grant
      const answer = await askForToken(server, { ...rest, deviceName, ...fields })
      expect(answer.status).toBe(200)
    }
    const nobody = await askForToken(server, grant)
    expect([nobody.status, json(nobody.text)]).toMatchObject([400, { error: 'invalid_request' }])
    const unknown = await askForToken(server, { ...grant, grant_type: 'webauthn' })
    expect([unknown.status, json(unknown.text)]).toEqual([400, { error: 'unsupported_grant_type' }])
  })

  it('takes no access token of the native API', async () => {
    const { token } = await newAccount(server)
    expect((await send(server, { path: '/api/v1/sessions', token })).status).toBe(200)
    expect((await send(server, { path: '/api/devices', token })).status).toBe(401)
  })

  it('ends a login that takes too many guesses with 429', async () => {
    const guarded = await startServer(engine, {
      clock,
      environment: { BITWARDEN_API: 'on', RATE_LIMITS: 'on' },
    })
    const { email } = await registeredApp(guarded)
    const statuses: number[] = []
    for (let guess = 0; guess < 21; guess++) {
      const passwordHash = randomBytes(32).toString('base64')
      statuses.push(
        (await askForToken(guarded, passwordGrant({ email, passwordHash }, newAppDevice()))).status,
      )
    }
    expect(statuses[0]).toBe(400)
    expect(statuses.at(-1)).toBe(429)
    await guarded.close()
  })

  it('lets nobody register where registration is closed', async () => {
    const closed = await startServer(engine, {
      clock,
      environment: { BITWARDEN_API: 'on', REGISTRATION: 'closed' },
    })
    const answer = await registerApp(closed, appRegistration())
    expect([answer.status, json(answer.text)]).toMatchObject([400, { object: 'error' }])
    await closed.close()
  })
})
