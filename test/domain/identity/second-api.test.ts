// A second API logs somebody in over the rules alone: with bodies of its own (forms), errors of its own (OAuth's, RFC 6749, section 5.2)
// and nothing of the first API.
import { randomBytes, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import express, { type ErrorRequestHandler } from 'express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { minutes } from '../../../src/clock.ts'
import { minKdf } from '../../../src/contract/accounts.ts'
import { Email } from '../../../src/contract/primitives.ts'
import { createDeferredTasks } from '../../../src/domain/deferred-tasks.ts'
import { Failure, PassingFailure } from '../../../src/domain/failure.ts'
import { accessTokenVerifier } from '../../../src/domain/identity/access-tokens.ts'
import { type LoginOutcome, login } from '../../../src/domain/identity/login.ts'
import { createOpaqueServer } from '../../../src/domain/identity/opaque.ts'
import { refreshSession } from '../../../src/domain/identity/refresh-tokens.ts'
import { register } from '../../../src/domain/identity/registration.ts'
import { confirmTotp, startTotp } from '../../../src/domain/identity/second-factor-changes.ts'
import type { SessionTokens } from '../../../src/domain/identity/session-tokens.ts'
import { limiterOf } from '../../../src/domain/rate-limits/limiter.ts'
import { deriveServerKeys } from '../../../src/domain/server-keys.ts'
import { systemRandom } from '../../../src/random.ts'
import { readConfig } from '../../../src/server/config.ts'
import { createDomainServices, type DomainServices } from '../../../src/server/domain-services.ts'
import { openStore } from '../../../src/store/open.ts'
import { createDatabase, engines } from '../../support/database.ts'
import { databaseOf } from '../../support/fresh-database.ts'
import { codeAt } from '../../support/second-factors.ts'
import { TestClock, testOpaqueSetup, testSecret } from '../../support/server.ts'

// The second API, whole.

const Form = z.discriminatedUnion('grant_type', [
  z.object({
    grant_type: z.literal('password'),
    username: Email,
    password: z.base64url(),
    otp: z.string().optional(),
  }),
  z.object({ grant_type: z.literal('refresh_token'), refresh_token: z.base64url() }),
])

const device = { id: randomUUID(), name: 'a client of the second API', type: 'other' as const }

const bytes = (text: string) => Buffer.from(text, 'base64url')

const answer = ({ accessToken, accessTokenTtl, refreshToken }: SessionTokens) => ({
  access_token: accessToken,
  token_type: 'Bearer',
  expires_in: accessTokenTtl / 1000,
  refresh_token: Buffer.from(refreshToken).toString('base64url'),
})

const errorOf = ({ kind }: Exclude<LoginOutcome, { kind: 'session' }>) =>
  kind === 'second-factor-required' ? 'mfa_required' : 'invalid_grant'

const writeFailure: ErrorRequestHandler = (error, _req, res, _next) => {
  if (error instanceof PassingFailure)
    res.status(429).set('Retry-After', String(error.retryAfter)).json({ error: 'slow_down' })
  else res.status(400).json({ error: error instanceof Failure ? error.code : 'invalid_request' })
}

const secondApi = (services: DomainServices) =>
  express
    .Router()
    .use(express.urlencoded({ extended: false }))
    .post('/token', async (req, res) => {
      const form = Form.parse(req.body)
      const address = req.ip ?? ''
      if (form.grant_type === 'refresh_token') {
        const tokens = await refreshSession({ refreshToken: bytes(form.refresh_token), address }, services)
        return tokens ? res.json(answer(tokens)) : res.status(400).json({ error: 'invalid_grant' })
      }
      const { username: email, otp } = form
      const secondFactor = otp === undefined ? undefined : { type: 'totp' as const, code: otp }
      const password = { authKey: bytes(form.password) }
      const outcome = await login({ email, password, secondFactor, device, address }, services)
      return outcome.kind === 'session'
        ? res.json(answer(outcome.tokens))
        : res.status(400).json({ error: errorOf(outcome) })
    })
    .use(writeFailure)

const Answer = z.object({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.literal(900),
  refresh_token: z.string(),
})

describe.each(engines)('a second API over the rules on %s', (engine) => {
  const clock = new TestClock()
  let services: DomainServices
  let url: string
  const ending: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    const database = await createDatabase(engine)
    ending.unshift(() => database.remove())
    const { store } = await openStore(databaseOf(database), { now: () => clock.now(), onIdleError: () => {} })
    ending.unshift(() => store.close())
    const config = readConfig({
      DATABASE_URL: database.url,
      JWT_SECRET: testSecret,
      OPAQUE_SERVER_SETUP: testOpaqueSetup,
    })
    const keys = deriveServerKeys(testSecret, testOpaqueSetup)
    services = await createDomainServices({
      config,
      keys,
      store,
      objects: undefined,
      clock,
      random: systemRandom,
      limiter: limiterOf(config, { keys, store }),
      opaque: createOpaqueServer(testOpaqueSetup),
      deferredTasks: createDeferredTasks(),
      ending: new AbortController().signal,
    })
    const server = createServer(express().use(secondApi(services)))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    ending.unshift(() => new Promise((resolve) => server.close(resolve)))
    const bound = server.address()
    if (bound === null || typeof bound === 'string') throw new Error('Not listening on a TCP port')
    url = `http://127.0.0.1:${bound.port}`
  })
  afterAll(async () => {
    for (const end of ending) await end()
  })

  const post = (form: Record<string, string>) =>
    fetch(`${url}/token`, { method: 'POST', body: new URLSearchParams(form) })

  const logIn = ({ email, authKey }: { email: string; authKey: Uint8Array }, more: { otp?: string } = {}) =>
    post({
      grant_type: 'password',
      username: email,
      password: Buffer.from(authKey).toString('base64url'),
      ...more,
    })

  /** An account, made by the rules as well. */
  async function newAccount() {
    const account = {
      accountId: randomUUID(),
      email: `${randomUUID()}@example.com`,
      authKey: randomBytes(32),
    }
    const { accountId, email, authKey } = account
    const registered = await register(
      {
        accountId,
        email,
        password: { authKey },
        kdf: { ...minKdf, salt: randomBytes(16) },
        accountKey: randomBytes(100),
        hint: null,
        vault: { id: randomUUID(), key: randomBytes(100), data: randomBytes(100) },
        address: '192.0.2.1',
      },
      services,
    )
    expect(registered.kind).toBe('registered')
    return account
  }

  const expectSession = async (response: Response) => {
    expect(response.status).toBe(200)
    const tokens = Answer.parse(await response.json())
    const signing = { key: services.keys.accessTokens, issuer: services.config.publicUrl }
    const caller = accessTokenVerifier(signing)(tokens.access_token, clock.now())
    if (caller === undefined || caller === 'expired') throw new Error('The access token is not good')
    expect(await services.sessionCache.isLiving(caller)).toBe(true)
    return { tokens, caller: { ...caller, address: '192.0.2.1' } }
  }

  const expectError = async (response: Response, error: string) => {
    expect([response.status, await response.json()]).toEqual([400, { error }])
  }

  it('logs in by the hash of a key, and refreshes, each token for one use', async () => {
    const { tokens, caller } = await expectSession(await logIn(await newAccount()))
    const refresh = () => post({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token })
    const next = await expectSession(await refresh())
    expect(next.caller.sessionId).toBe(caller.sessionId)
    expect(next.tokens.refresh_token).not.toBe(tokens.refresh_token)
    clock.advance(minutes(2))
    await expectError(await refresh(), 'invalid_grant')
    // The second use ended the session.
    await expectError(
      await post({ grant_type: 'refresh_token', refresh_token: next.tokens.refresh_token }),
      'invalid_grant',
    )
  })

  it('says the same of a wrong password and of an address without an account', async () => {
    const { email } = await newAccount()
    await expectError(await logIn({ email, authKey: randomBytes(32) }), 'invalid_grant')
    const nobody = { email: 'nobody@example.com', authKey: randomBytes(32) }
    await expectError(await logIn(nobody), 'invalid_grant')
  })

  it('asks for the second factor, and takes each code once', async () => {
    const account = await newAccount()
    const { caller } = await expectSession(await logIn(account))
    const { id, secret } = await startTotp(caller, { authKey: account.authKey }, services)
    const confirmed = await confirmTotp(caller, { id, code: codeAt(secret, clock.now()) }, services)
    expect(confirmed.kind).toBe('confirmed')
    await expectError(await logIn(account), 'mfa_required')
    // The one that confirmed the app was used by that.
    await expectError(await logIn(account, { otp: codeAt(secret, clock.now()) }), 'invalid_grant')
    clock.advance(minutes(1))
    const otp = codeAt(secret, clock.now())
    await expectSession(await logIn(account, { otp }))
    await expectError(await logIn(account, { otp }), 'invalid_grant')
  })

  it('slows down guesses, with an error of its own', async () => {
    const { email } = await newAccount()
    const guess = () => logIn({ email, authKey: randomBytes(32) })
    for (let failures = 0; failures < 20; failures++) await expectError(await guess(), 'invalid_grant')
    const refused = await guess()
    expect([refused.status, await refused.json()]).toEqual([429, { error: 'slow_down' }])
    expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThanOrEqual(1)
  })

  it('refuses what is no form of it', async () => {
    await expectError(await post({ grant_type: 'password', username: 'nobody' }), 'invalid_request')
  })
})
