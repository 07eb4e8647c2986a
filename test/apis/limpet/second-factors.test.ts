// Second factors over their whole life: added, asked for after the password and never before, used once each, removed.
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { minutes, seconds } from '../../../src/clock.ts'
import { AccountEventList } from '../../../src/contract/accounts.ts'
import { Problem } from '../../../src/contract/problems.ts'
import {
  NewRecoveryCodes,
  type SecondFactor,
  SecondFactorConfirmed,
  SecondFactorList,
  TotpStarted,
} from '../../../src/contract/second-factors.ts'
import { hashSecret } from '../../../src/domain/secret-hash.ts'
import { logInBody, newAccount, type RawAccount, randomKey } from '../../support/accounts.ts'
import { engines } from '../../support/database.ts'
import { finishLogin, newOpaqueAccount, post, startProof } from '../../support/opaque.ts'
import { bodyOf, outcomeOf, send } from '../../support/requests.ts'
import { readRows, runStatement } from '../../support/rows.ts'
import {
  addAuthenticator,
  addTotp,
  codeAt,
  SoftwareAuthenticator,
  startTotp,
  startWebauthn,
} from '../../support/second-factors.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'

const wrong = '401 invalid-second-factor'
const required = '401 second-factor-required'
const path = '/api/v1/account/second-factors'

describe.each(engines)('second factors on %s', (engine) => {
  let clock: TestClock
  let server: TestServer
  let beside: TestServer
  let owner: RawAccount
  // Names that a relying party can have are domains, and not addresses.
  const environment = { PUBLIC_URL: 'http://localhost:8080' }
  const there = { url: environment.PUBLIC_URL }
  beforeAll(async () => {
    clock = new TestClock()
    server = await startServer(engine, { clock, environment })
    beside = await startServer(engine, { clock, environment, database: server.database })
  })
  afterAll(async () => {
    await beside.close()
    await server.close()
  })
  beforeEach(async () => {
    owner = await newAccount(server)
  })
  afterEach(() => clock.advance(minutes(20)))

  const logIn = (secondFactor?: unknown, { at = server, authKey = owner.authKey } = {}) =>
    post(at, 'login', { ...logInBody({ email: owner.email, authKey }), secondFactor })
  const outcome = async (secondFactor?: unknown, options?: { at?: TestServer; authKey?: string }) =>
    outcomeOf(await logIn(secondFactor, options))
  const challenge = async () => bodyOf(Problem, await logIn())
  const list = async () => bodyOf(SecondFactorList, await send(server, { path, token: owner.token }))
  const remove = (id: string, authKey = owner.authKey) =>
    send(server, { method: 'DELETE', path: `${path}/${id}`, token: owner.token, body: { authKey } })
  const totp = (secret: string, at = clock.now()) => ({ type: 'totp', code: codeAt(secret, at) })
  const added = () => addTotp(server, owner, clock.now())
  const addedKey = () => addAuthenticator(server, owner, there)

  describe('an authenticator app', () => {
    it('is asked for by nothing until a code has confirmed it', async () => {
      const { id, secret, uri } = await startTotp(server, owner)
      expect(uri).toContain(`secret=${secret}`)
      expect(uri).toContain(encodeURIComponent(owner.email))
      expect(await list()).toEqual({ factors: [], recoveryCodesLeft: 0 })
      expect(await outcome()).toBe('200')
      const confirm = (code: string) =>
        post(server, `account/second-factors/totp/${id}/confirm`, { code, name: 'Phone' }, owner.token)
      expect(outcomeOf(await confirm(codeAt(secret, clock.now() - minutes(5))))).toBe('400 malformed-request')
      const confirmed = bodyOf(SecondFactorConfirmed, await confirm(codeAt(secret, clock.now())))
      expect(new Set(confirmed.recoveryCodes)).toHaveLength(10)
      const { factors, recoveryCodesLeft } = await list()
      expect(factors).toEqual<SecondFactor[]>([
        { id, type: 'totp', name: 'Phone', createdAt: expect.any(String), lastUsedAt: null },
      ])
      expect(recoveryCodesLeft).toBe(10)
      expect(await outcome()).toBe(required)
      expect(outcomeOf(await confirm(codeAt(secret, clock.now())))).toBe('404 not-found')
    })

    it('can be confirmed for ten minutes, and another beginning replaces it', async () => {
      const first = await startTotp(server, owner)
      const second = await startTotp(server, owner)
      const confirm = async ({ id, secret }: { id: string; secret: string }) => {
        const code = codeAt(secret, clock.now())
        return outcomeOf(
          await post(server, `account/second-factors/totp/${id}/confirm`, { code }, owner.token),
        )
      }
      expect(await confirm(first)).toBe('404 not-found')
      clock.advance(minutes(10))
      expect(await confirm(second)).toBe('404 not-found')
    })

    it('gives codes that work once, on whichever process, and none of an earlier time afterwards', async () => {
      const { secret } = await added()
      // The code that confirmed it was seen already.
      expect(await outcome(totp(secret))).toBe(wrong)
      clock.advance(seconds(60))
      const earlier = totp(secret, clock.now() - seconds(30))
      const code = totp(secret)
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, index) => outcome(code, { at: index % 2 === 0 ? server : beside })),
      )
      expect(outcomes.filter((one) => one === '200')).toHaveLength(1)
      expect(outcomes.filter((one) => one === wrong)).toHaveLength(19)
      expect(await outcome(earlier)).toBe(wrong)
    })

    it('may be half a minute slow or fast, and not more', async () => {
      const { secret } = await added()
      clock.advance(minutes(5))
      expect(await outcome(totp(secret, clock.now() - seconds(60)))).toBe(wrong)
      expect(await outcome(totp(secret, clock.now() + seconds(60)))).toBe(wrong)
      expect(await outcome(totp(secret, clock.now() - seconds(30)))).toBe('200')
      expect(await outcome(totp(secret, clock.now() + seconds(30)))).toBe('200')
    })

    it('has a secret that the database does not tell, and that opens nothing elsewhere', async () => {
      const { secret } = await added()
      const { second_factors: rows = [] } = await readRows(server.database)
      const mine = rows.filter((row) => Reflect.get(row, 'account_id') === owner.accountId)
      expect(mine).toHaveLength(1)
      expect(JSON.stringify(rows)).not.toContain(secret)
    })
  })

  describe('the challenge', () => {
    it('comes after the password, and to nobody who does not know it', async () => {
      const { secret } = await added()
      clock.advance(minutes(1))
      const stranger = { authKey: randomKey() }
      expect(await outcome(undefined, stranger)).toBe('401 invalid-credentials')
      expect(await outcome(totp(secret), stranger)).toBe('401 invalid-credentials')
      // Nor was the code used by that.
      expect(await outcome(totp(secret))).toBe('200')
      const problem = await challenge()
      expect(problem.methods).toEqual(['totp', 'recovery-code'])
      expect(problem).not.toHaveProperty('options')
    })

    it('is the same for OPAQUE, whose finish is used up by it', async () => {
      const opaque = await newOpaqueAccount(server)
      const start = () => startProof(server, opaque.email, opaque.password)
      const { id, secret } = bodyOf(
        TotpStarted,
        await post(server, 'account/second-factors/totp', { opaque: await start() }, opaque.token),
      )
      const confirm = { code: codeAt(secret, clock.now()) }
      expect(
        outcomeOf(await post(server, `account/second-factors/totp/${id}/confirm`, confirm, opaque.token)),
      ).toBe('200')
      clock.advance(minutes(1))
      const proof = await start()
      expect(outcomeOf(await finishLogin(server, opaque.email, proof))).toBe(required)
      const { device } = logInBody({ email: opaque.email, authKey: '' })
      const second = async (proof: unknown) =>
        outcomeOf(
          await post(server, 'login', {
            email: opaque.email,
            opaque: proof,
            device,
            secondFactor: totp(secret),
          }),
        )
      expect(await second(proof)).toBe('401 invalid-credentials')
      expect(await second(await start())).toBe('200')
    })

    it('is asked at the next login only: the session that added the factor stays', async () => {
      await added()
      expect(outcomeOf(await send(server, { path: '/api/v1/account', token: owner.token }))).toBe('200')
    })

    it('is ignored by an account without factors', async () => {
      expect(await outcome({ type: 'totp', code: '123456' })).toBe('200')
    })
  })

  describe('recovery codes', () => {
    it('work once each, however they are spelled', async () => {
      const { recoveryCodes } = await added()
      const [first = '', second = ''] = recoveryCodes
      const use = (code: string) => outcome({ type: 'recovery-code', code })
      const at = (index: number) => ({ at: index % 2 === 0 ? server : beside })
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, (_, index) => outcome({ type: 'recovery-code', code: first }, at(index))),
      )
      expect(outcomes.filter((one) => one === '200')).toHaveLength(1)
      expect(await use(second.toUpperCase().replaceAll('-', ' '))).toBe('200')
      expect((await list()).recoveryCodesLeft).toBe(8)
      expect(await use('0000-0000-0000-0000')).toBe(wrong)
      expect(await use(recoveryCodes[2]?.slice(0, 19) ?? '')).toBe(wrong)
      expect(await use(`${recoveryCodes[2]}-0000`)).toBe('400 malformed-request')
    })

    it('have 140 bits, and those of before, with 80, still work', async () => {
      const { recoveryCodes } = await added()
      for (const code of recoveryCodes)
        expect(code).toMatch(/^(?:[0-9a-hjkmnp-tv-z]{4}-){6}[0-9a-hjkmnp-tv-z]{4}$/)
      const hash = Buffer.from(hashSecret('k3vz9q4mt2xw8hcd')).toString('hex')
      await runStatement(
        server.database,
        `update recovery_codes set hash = ${engine === 'sqlite' ? `x'${hash}'` : `'\\x${hash}'`}
          where account_id = '${owner.accountId}' and hash = 
            (select hash from recovery_codes where account_id = '${owner.accountId}' order by hash limit 1)`,
      )
      expect(await outcome({ type: 'recovery-code', code: 'K3VZ-9Q4M-T2XW-8HCD' })).toBe('200')
      expect(await outcome({ type: 'recovery-code', code: 'K3VZ-9Q4M-T2XW-8HCD' })).toBe(wrong)
      expect((await list()).recoveryCodesLeft).toBe(9)
    })

    it('are renewed by the owner, and the old ones end', async () => {
      const {
        recoveryCodes: [old = ''],
      } = await added()
      const renew = (authKey: string) =>
        post(server, 'account/second-factors/recovery-codes', { authKey }, owner.token)
      expect(outcomeOf(await renew(randomKey()))).toBe('401 invalid-credentials')
      const {
        recoveryCodes: [fresh = ''],
      } = bodyOf(NewRecoveryCodes, await renew(owner.authKey))
      expect(await outcome({ type: 'recovery-code', code: old })).toBe(wrong)
      expect(await outcome({ type: 'recovery-code', code: fresh })).toBe('200')
    })

    it('are there with a factor only', async () => {
      const renewed = await post(
        server,
        'account/second-factors/recovery-codes',
        { authKey: owner.authKey },
        owner.token,
      )
      expect(outcomeOf(renewed)).toBe('404 not-found')
    })

    it('come with the first factor and not again', async () => {
      expect((await addedKey()).recoveryCodes).toHaveLength(10)
      expect((await added()).recoveryCodes).toEqual([])
      expect((await list()).recoveryCodesLeft).toBe(10)
    })
  })

  describe('a security key', () => {
    const webauthn = (response: unknown) => ({ type: 'webauthn', response })

    it('logs in by signing the challenge, once, on whichever process', async () => {
      const { id, authenticator } = await addedKey()
      const { methods, options } = await challenge()
      expect(methods).toEqual(['webauthn', 'recovery-code'])
      expect(options).toMatchObject({
        rpId: 'localhost',
        allowCredentials: [{ id: authenticator.id.toString('base64url'), transports: ['usb'] }],
      })
      const response = authenticator.get(options)
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          outcome(webauthn(response), { at: index % 2 === 0 ? server : beside }),
        ),
      )
      expect(outcomes.filter((one) => one === '200')).toHaveLength(1)
      expect((await list()).factors).toMatchObject([{ id, name: 'Blue key', lastUsedAt: expect.any(String) }])
    })

    it('is refused with a challenge of another account, of registration, too old, or made up', async () => {
      const { authenticator } = await addedKey()
      const { options: registration } = await startWebauthn(server, owner)
      const mine = owner
      const { options: old } = await challenge()
      owner = await newAccount(server)
      await addedKey()
      const { options: others } = await challenge()
      owner = mine
      for (const options of [others, registration, { challenge: randomKey() }, { challenge: '' }])
        expect(await outcome(webauthn(authenticator.get(options)))).toBe(wrong)
      clock.advance(minutes(5))
      expect(await outcome(webauthn(authenticator.get(old)))).toBe(wrong)
      expect(await outcome(webauthn(authenticator.get((await challenge()).options)))).toBe('200')
    })

    it('is refused from another origin, with another key, and with a counter that went back', async () => {
      const { authenticator } = await addedKey()
      const { options } = await challenge()
      expect(await outcome(webauthn(authenticator.get(options, 'http://evil.example')))).toBe(wrong)
      const clone = new SoftwareAuthenticator(there)
      const forged = { ...clone.get(options), id: authenticator.id.toString('base64url') }
      expect(await outcome(webauthn({ ...forged, rawId: forged.id }))).toBe(wrong)
      expect(await outcome(webauthn(clone.get(options)))).toBe(wrong)
      expect(await outcome(webauthn(authenticator.get(options)))).toBe('200')
      authenticator.counter = 0
      expect(await outcome(webauthn(authenticator.get((await challenge()).options)))).toBe(wrong)
    })

    it('is registered by its own options only, and once', async () => {
      const authenticator = new SoftwareAuthenticator(there)
      const { id, options } = await startWebauthn(server, owner)
      const confirm = async (response: unknown) =>
        outcomeOf(
          await post(
            server,
            `account/second-factors/webauthn/${id}/confirm`,
            { name: 'Key', response },
            owner.token,
          ),
        )
      expect(await confirm(authenticator.create({ challenge: randomKey() }))).toBe('400 malformed-request')
      expect(await confirm(authenticator.create(options, 'http://evil.example'))).toBe(
        '400 malformed-request',
      )
      expect(await confirm(authenticator.create(options))).toBe('200')
      expect(await confirm(authenticator.create(options))).toBe('404 not-found')
      const { options: next } = await startWebauthn(server, owner)
      expect(next).toMatchObject({ excludeCredentials: [{ id: authenticator.id.toString('base64url') }] })
    })
  })

  describe('removing', () => {
    it('needs a fresh proof, and the last factor takes the recovery codes along', async () => {
      const {
        id,
        recoveryCodes: [code = ''],
      } = await added()
      const key = await addedKey()
      expect(outcomeOf(await remove(id, randomKey()))).toBe('401 invalid-credentials')
      expect(outcomeOf(await remove(id))).toBe('204')
      expect((await challenge()).methods).toEqual(['webauthn', 'recovery-code'])
      expect(outcomeOf(await remove(key.id))).toBe('204')
      expect(await list()).toEqual({ factors: [], recoveryCodesLeft: 0 })
      expect(await outcome({ type: 'recovery-code', code })).toBe('200')
      expect(outcomeOf(await remove(id))).toBe('404 not-found')
      expect((await added()).recoveryCodes).toHaveLength(10)
      expect(await outcome({ type: 'recovery-code', code })).toBe(wrong)
    })

    it('is about the factors of one’s own', async () => {
      const { id } = await added()
      const stranger = await newAccount(server)
      const body = { authKey: stranger.authKey }
      const refused = await send(server, {
        method: 'DELETE',
        path: `${path}/${id}`,
        token: stranger.token,
        body,
      })
      expect(outcomeOf(refused)).toBe('404 not-found')
      expect((await list()).factors).toHaveLength(1)
    })
  })

  it('are twenty at the most', async () => {
    for (let index = 0; index < 20; index++) await added()
    expect(
      outcomeOf(await post(server, 'account/second-factors/totp', { authKey: owner.authKey }, owner.token)),
    ).toBe('409 too-many-factors')
  })

  it('are in the security log, wrong ones as well', async () => {
    const { id, secret } = await added()
    await post(server, 'account/second-factors/recovery-codes', { authKey: owner.authKey }, owner.token)
    await outcome(totp(secret))
    await remove(id)
    // Failures are written every second; a server that stops writes what waits.
    const types = async () =>
      bodyOf(
        AccountEventList,
        await send(server, { path: '/api/v1/account/events', token: owner.token }),
      ).events.map(({ type }) => type)
    await expect.poll(types, { timeout: 5000 }).toContain('second-factor-failed')
    expect(new Set(await types())).toEqual(
      new Set([
        'login',
        'second-factor-added',
        'second-factor-failed',
        'second-factor-removed',
        'recovery-codes-replaced',
      ]),
    )
  })
})

describe.each(engines)('guessing codes on %s', (engine) => {
  it('pauses the codes of the account, from wherever, and neither its other factors nor its password', async () => {
    const clock = new TestClock()
    const server = await startServer(engine, {
      clock,
      environment: { RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1' },
    })
    const owner = await newAccount(server)
    const { secret, recoveryCodes } = await addTotp(server, owner, clock.now())
    clock.advance(minutes(5))
    let address = 0
    const logIn = async (secondFactor: unknown, device = logInBody(owner).device) =>
      outcomeOf(
        await send(server, {
          method: 'POST',
          path: '/api/v1/login',
          headers: { 'X-Forwarded-For': `192.0.2.${address++}` },
          body: { ...logInBody(owner), device, secondFactor },
        }),
      )
    const right = codeAt(secret, clock.now())
    const wrongCode = right === '000000' ? '111111' : '000000'
    const outcomes: string[] = []
    for (let index = 0; index < 25; index++) outcomes.push(await logIn({ type: 'totp', code: wrongCode }))
    expect(new Set(outcomes)).toEqual(new Set([wrong, '429 too-many-requests']))
    expect(await logIn({ type: 'totp', code: right })).toBe('429 too-many-requests')
    expect(await logIn({ type: 'recovery-code', code: recoveryCodes[0] })).toBe('200')
    // A login forgets the failures before it.
    const home = { id: randomUUID(), name: 'at home', type: 'other' as const }
    expect(await logIn({ type: 'totp', code: right }, home)).toBe('200')
    // A stranger does not keep an owner out who is at a device that has a session.
    clock.advance(minutes(5))
    const later = codeAt(secret, clock.now())
    const guess = later === '000000' ? '111111' : '000000'
    for (let index = 0; index < 25; index++) await logIn({ type: 'totp', code: guess })
    expect(await logIn({ type: 'totp', code: later })).toBe('429 too-many-requests')
    expect(await logIn({ type: 'totp', code: later }, home)).toBe('200')
    expect(await logIn({ type: 'totp', code: later })).toBe('429 too-many-requests')
    await server.close()
  })
})
