// OPAQUE over HTTP: a finish counts once, for its account, within a minute, on any server.
import { randomBytes, randomUUID } from 'node:crypto'
import { client as library, server as libraryServer } from '@serenity-kit/opaque'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBytes } from '../../../src/aes-gcm.ts'
import { minutes } from '../../../src/clock.ts'
import { Account, PreloginAnswer, SessionList } from '../../../src/contract/accounts.ts'
import { handshakeBytes, OpaqueLoginStarted, registrationBytes } from '../../../src/contract/opaque.ts'
import { Problem } from '../../../src/contract/problems.ts'
import { createOpaqueServer } from '../../../src/domain/identity/opaque.ts'
import { credentialIdToKeep } from '../../../src/domain/identity/opaque-credential-ids.ts'
import { createOpaqueSetup } from '../../../src/domain/identity/opaque-library.ts'
import { deriveServerKeys } from '../../../src/domain/server-keys.ts'
import { fakeEnvelope, logInBody, newAccount, randomKey, registration } from '../../support/accounts.ts'
import { engines } from '../../support/database.ts'
import { freePort } from '../../support/free-port.ts'
import {
  choosePassword,
  expand,
  finishLogin,
  makeRecordOld,
  newOpaqueAccount,
  opaqueLogin,
  opaqueRegistration,
  post,
  startProof,
} from '../../support/opaque.ts'
import { threadsThatDie } from '../../support/opaque-threads.ts'
import { startProcess } from '../../support/process.ts'
import { bodyOf, outcomeOf, send } from '../../support/requests.ts'
import { readRows, readRowsBesideLogs, runStatement } from '../../support/rows.ts'
import { startServer, TestClock, type TestServer, testOpaqueSetup, testSecret } from '../../support/server.ts'

const refused = '401 invalid-credentials'
const random = (bytes: number) => randomBytes(bytes).toString('base64url')

describe.each(engines)('OPAQUE on %s', (engine) => {
  const clock = new TestClock()
  let server: TestServer
  const ownOpaque = createOpaqueServer(testOpaqueSetup)
  beforeAll(async () => {
    server = await startServer(engine, { clock })
  })
  afterAll(() => server.close())

  const nobody = () => `${randomUUID()}@example.com`
  const sessionsOf = async (token: string) =>
    bodyOf(SessionList, await send(server, { path: '/api/v1/sessions', token })).sessions
  const changePassword = (token: string, current: object, next: object) => {
    const { kdf } = registration()
    const body = { current, kdf, ...next, accountKey: fakeEnvelope() }
    return post(server, 'account/password', body, token).then(outcomeOf)
  }

  it('logs in with the password and with no other', async () => {
    const { email, password, token, kdf, accountId } = await newOpaqueAccount(server)
    const account = bodyOf(Account, await send(server, { path: '/api/v1/account', token }))
    expect(account).toMatchObject({ id: accountId, method: 'opaque', kdf })
    expect(bodyOf(PreloginAnswer, await post(server, 'prelogin', { email }))).toEqual({
      kdf,
      method: 'opaque',
    })
    expect(outcomeOf(await opaqueLogin(server, email.toUpperCase(), password))).toBe('200')
    const { handshake, finish } = await startProof(server, email, `${password} `)
    expect(finish).toBeUndefined()
    expect(outcomeOf(await finishLogin(server, email, { handshake, finish: random(64) }))).toBe(refused)
  })

  it('takes a finish once: not a second time, not by another session, not after a wrong one', async () => {
    const { email, password } = await newOpaqueAccount(server)
    const proof = await startProof(server, email, password)
    expect(outcomeOf(await finishLogin(server, email, proof))).toBe('200')
    expect(outcomeOf(await finishLogin(server, email, proof))).toBe(refused)

    const [one, other] = [
      await startProof(server, email, password),
      await startProof(server, email, password),
    ]
    expect(outcomeOf(await finishLogin(server, email, { ...one, finish: other.finish }))).toBe(refused)
    expect(outcomeOf(await finishLogin(server, email, one))).toBe(refused)
    expect(outcomeOf(await finishLogin(server, email, other))).toBe('200')
  })

  it.each([
    ['closed', '403 registration-closed', '403 registration-closed'],
    ['invite', '200', '403 invite-required'],
  ])(
    'begins no registration that REGISTRATION=%s refuses, and tells nothing of accounts',
    async (mode, begun, ended) => {
      const { email: taken } = await newOpaqueAccount(server)
      const choice = await opaqueRegistration(server, 'correct horse')
      const { registrationRequest: request } = library.startRegistration({ password: 'correct horse' })
      const other = await startServer(engine, {
        clock,
        database: server.database,
        environment: { REGISTRATION: mode, PUBLIC_URL: server.url },
      })
      try {
        const before = await readRowsBesideLogs(server.database)
        const forms: unknown[] = []
        for (const email of [nobody(), taken]) {
          const answer = await post(other, 'opaque/register', { email, request })
          expect(outcomeOf(answer)).toBe(begun)
          const members = Object.entries<unknown>(JSON.parse(answer.text))
          forms.push(
            members.map(([name, value]) => [name, answer.status === 200 ? String(value).length : value]),
          )
          expect(outcomeOf(await post(other, 'register', { ...choice, email }))).toBe(ended)
        }
        const [free, used] = forms.map((form) => JSON.stringify(form).replace(/"requestId","[^"]*"/, ''))
        expect(used).toBe(free)
        expect(await readRowsBesideLogs(server.database)).toEqual(before)
      } finally {
        await other.close()
      }
    },
  )

  it('makes one session of a hundred finishes at once', async () => {
    const { email, password, token } = await newOpaqueAccount(server)
    const proof = await startProof(server, email, password)
    const answers = await Promise.all(Array.from({ length: 100 }, () => finishLogin(server, email, proof)))
    const outcomes = Map.groupBy(answers.map(outcomeOf), (outcome) => outcome)
    expect([...outcomes].map(([outcome, { length }]) => [outcome, length]).sort()).toEqual([
      ['200', 1],
      [refused, 99],
    ])
    expect(await sessionsOf(token)).toHaveLength(2)
  })

  it('takes a finish for a minute', async () => {
    const { email, password } = await newOpaqueAccount(server)
    const [inTime, late] = [
      await startProof(server, email, password),
      await startProof(server, email, password),
    ]
    clock.advance(minutes(1) - 1)
    expect(outcomeOf(await finishLogin(server, email, inTime))).toBe('200')
    clock.advance(1)
    expect(outcomeOf(await finishLogin(server, email, late))).toBe(refused)
  })

  it('takes a finish for the account alone that it was begun for', async () => {
    const [own, other] = [await newOpaqueAccount(server), await newOpaqueAccount(server)]
    const begin = () => startProof(server, own.email, own.password)
    expect(outcomeOf(await finishLogin(server, other.email, await begin()))).toBe(refused)
    expect(outcomeOf(await finishLogin(server, nobody(), await begin()))).toBe(refused)
    const byKey = await newAccount(server)
    expect(outcomeOf(await finishLogin(server, byKey.email, await begin()))).toBe(refused)
    // Nor as a fresh proof in somebody else's session.
    for (const { token } of [other, byKey]) {
      const remove = { method: 'DELETE', path: '/api/v1/account', token, body: { opaque: await begin() } }
      expect(outcomeOf(await send(server, remove))).toBe(refused)
      expect(await changePassword(token, { opaque: await begin() }, { authKey: randomKey() })).toBe(refused)
    }
    expect(outcomeOf(await finishLogin(server, own.email, await begin()))).toBe('200')
  })

  it('refuses what it did not make itself, and what was changed on its way', async () => {
    const { email, password } = await newOpaqueAccount(server)
    expect(
      outcomeOf(await finishLogin(server, email, { handshake: random(handshakeBytes), finish: random(64) })),
    ).toBe(refused)
    for (const at of [0, 12, 30, 40, 80, handshakeBytes - 1]) {
      const { handshake, finish } = await startProof(server, email, password)
      const bytes = Buffer.from(handshake, 'base64url')
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
      const changed = { handshake: bytes.toString('base64url'), finish }
      expect(outcomeOf(await finishLogin(server, email, changed)), `byte ${at}`).toBe(refused)
    }
  })

  it('is finished by nobody who has but one of the two secrets', async () => {
    const { email } = await newOpaqueAccount(server)
    // The end of the state that is sealed in a handshake is a finish that is accepted (docs/decisions/opaque.md).
    const steal = async (secret: string, setup: string) => {
      const { handshake } = await startProof(server, email, 'not known')
      const { opaqueHandshakes } = deriveServerKeys(secret, setup)
      const opened = openBytes(opaqueHandshakes, 'opaque-handshake', Buffer.from(handshake, 'base64url'))
      const finish = opened?.subarray(-64).toString('base64url') ?? random(64)
      return outcomeOf(await finishLogin(server, email, { handshake, finish }))
    }
    const [otherSecret, otherSetup] = [
      'another secret of more than thirty-two bytes',
      await createOpaqueSetup(),
    ]
    expect(await steal(testSecret, otherSetup)).toBe(refused)
    expect(await steal(testSecret, '')).toBe(refused)
    expect(await steal(otherSecret, testOpaqueSetup)).toBe(refused)
    expect(await steal('', testOpaqueSetup)).toBe(refused)
    expect(await steal(testSecret, testOpaqueSetup)).toBe('200')
  })

  it('is begun without a trace in the database, and ends with one that opens nothing', async () => {
    const { email, password } = await newOpaqueAccount(server)
    const before = await readRowsBesideLogs(server.database)
    const proof = await startProof(server, email, password)
    expect(await readRowsBesideLogs(server.database)).toEqual(before)
    expect(outcomeOf(await finishLogin(server, email, proof))).toBe('200')
    const { used_once: used = [] } = await readRows(server.database)
    for (const row of used) {
      expect(Object.keys(row).sort()).toEqual(['expires_at', 'id', 'settled'])
      expect(String(row.id)).toHaveLength(32)
    }
    expect(used.length).toBe((before.used_once?.length ?? 0) + 1)

    clock.advance(minutes(12))
    const cleaning = await startServer(engine, { clock, database: server.database })
    await cleaning.stop()
    expect((await readRows(server.database)).used_once).toEqual([])
  })

  /** The element that the server evaluated: the first 32 bytes of its answer (RFC 9807, section 6.3.2). */
  const evaluatedAtLogin = async (email: string, request: string) => {
    const { response } = bodyOf(OpaqueLoginStarted, await post(server, 'opaque/login', { email, request }))
    return Buffer.from(response, 'base64url').toString('hex', 0, 32)
  }
  const { startLoginRequest: anyLogin } = library.startLogin({ password: 'any' })

  it('evaluates a login under the same key each time, for nobody too', async () => {
    for (const email of [(await newOpaqueAccount(server)).email, (await newAccount(server)).email, nobody()])
      expect(await evaluatedAtLogin(email, anyLogin)).toBe(await evaluatedAtLogin(email, anyLogin))
  })

  const rowOf = async (accountId: string) =>
    (await readRows(server.database)).accounts?.find(({ id }) => id === accountId)

  const guesses = Array.from({ length: 50 }, (_, index) => `guess ${index}`)

  /** Whether a record's masking key opens the answer to a login: then both are of one password and one OPRF key. */
  function fits(record: string, loginResponse: string, serverKey: string): boolean {
    const [chosen, answer] = [Buffer.from(record, 'base64url'), Buffer.from(loginResponse, 'base64url')]
    const pad = expand(
      chosen.subarray(32, 96),
      Buffer.concat([answer.subarray(32, 64), Buffer.from('CredentialResponsePad')]),
      128,
    )
    const unmasked = answer.subarray(64, 96).map((byte, at) => byte ^ pad.readUInt8(at))
    return Buffer.from(unmasked).toString('base64url') === serverKey
  }

  it.each(['from before identifiers were stored', 'with an identifier of its own'])(
    'lets nobody test guesses by choosing passwords, against a record %s',
    async (age) => {
      const victim = await newOpaqueAccount(server, 'guess 17')
      if (age.startsWith('from before')) await makeRecordOld(server.database, victim)
      const { token } = await newOpaqueAccount(server)
      const serverKey = libraryServer.getPublicKey(testOpaqueSetup)
      // The one beginning of a login, which is counted.
      const answer = await post(server, 'opaque/login', { email: victim.email, request: anyLogin })
      const { response } = bodyOf(OpaqueLoginStarted, answer)
      for (const who of [{ email: victim.email }, { token }, { token: victim.token }]) {
        const recognised: string[] = []
        for (const guess of guesses) {
          const { record } = await choosePassword(server, who, guess)
          if (fits(record, response, serverKey)) recognised.push(guess)
        }
        expect(recognised).toEqual([])
      }
      expect(outcomeOf(await opaqueLogin(server, victim.email, 'guess 17'))).toBe('200')
    },
  )

  it('takes a choice for what it was begun for, for ten minutes', async () => {
    const [own, other] = [await newOpaqueAccount(server), await newOpaqueAccount(server)]
    const stale = '400 stale-opaque-registration'
    const { authKey: _, ...body } = registration()
    const register = async (chosen: object) =>
      outcomeOf(await post(server, 'register', { ...body, opaque: chosen }))
    const change = async (chosen: object) => {
      const current = { opaque: await startProof(server, own.email, own.password) }
      return changePassword(own.token, current, { opaque: chosen })
    }
    const forAddress = await choosePassword(server, body, 'x')
    const forAccount = await choosePassword(server, own, 'x')
    const registrations = [
      random(registrationBytes),
      forAccount.registration,
      (await choosePassword(server, { email: nobody() }, 'x')).registration,
      (await choosePassword(server, other, 'x')).registration,
      // A handshake of a login is sealed too.
      Buffer.from((await startProof(server, own.email, own.password)).handshake, 'base64url')
        .subarray(0, registrationBytes)
        .toString('base64url'),
    ]
    for (const made of registrations)
      expect(await register({ ...forAddress, registration: made })).toBe(stale)
    for (const made of [
      ...registrations.filter((one) => one !== forAccount.registration),
      forAddress.registration,
    ])
      expect(await change({ ...forAccount, registration: made })).toBe(stale)
    for (const at of [0, 12, 20, registrationBytes - 1]) {
      const bytes = Buffer.from(forAddress.registration, 'base64url')
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
      expect(await register({ ...forAddress, registration: bytes.toString('base64url') })).toBe(stale)
    }
    clock.advance(minutes(10) - 1)
    expect(await register(forAddress)).toBe('201')
    const late = await choosePassword(server, { email: body.email }, 'x')
    clock.advance(minutes(10))
    expect(await register(late)).toBe(stale)
  })

  it('gives a record from before an identifier of its own with the next password', async () => {
    const account = await newOpaqueAccount(server)
    await makeRecordOld(server.database, account)
    const before = await evaluatedAtLogin(account.email, anyLogin)
    const current = { opaque: await startProof(server, account.email, account.password) }
    const next = { opaque: await choosePassword(server, account, 'second') }
    expect(await changePassword(account.token, current, next)).toBe('200')
    expect(await evaluatedAtLogin(account.email, anyLogin)).not.toBe(before)
    expect((await rowOf(account.accountId))?.credential_id).toMatch(/^[\w-]{43}$/)
    expect(outcomeOf(await opaqueLogin(server, account.email, 'second'))).toBe('200')
  })

  it('lets an account keep its password when its address changes, and answers under its key at the new one alone', async () => {
    for (const old of [true, false]) {
      const { password, ...account } = await newOpaqueAccount(server)
      if (old) await makeRecordOld(server.database, { password, ...account })
      const key = await evaluatedAtLogin(account.email, anyLogin)
      const row = await rowOf(account.accountId)
      const credentialId = credentialIdToKeep(
        {
          ...account,
          authMethod: 'opaque',
          credentialId: row?.credential_id ? String(row.credential_id) : null,
        },
        ownOpaque,
      )
      const email = nobody()
      await runStatement(
        server.database,
        `update accounts set email = '${email}', credential_id = '${credentialId}' where id = '${account.accountId}'`,
      )
      expect(outcomeOf(await opaqueLogin(server, email, password))).toBe('200')
      expect(await evaluatedAtLogin(email, anyLogin)).toBe(key)
      const left = await evaluatedAtLogin(account.email, anyLogin)
      expect(left).not.toBe(key)
      expect(await evaluatedAtLogin(account.email, anyLogin)).toBe(left)
    }
  })

  it('changes passwords, in both directions between the methods, and deletes', async () => {
    const { email, password, token } = await newOpaqueAccount(server)
    const prove = async (with_: string) => ({ opaque: await startProof(server, email, with_) })
    const begun = await startProof(server, email, password)
    const next = { opaque: await choosePassword(server, { token }, 'second') }
    expect(await changePassword(token, { authKey: randomKey() }, next)).toBe(refused)
    expect(await changePassword(token, await prove(password), next)).toBe('200')
    // Begun with the old password, and not finished before it was replaced.
    expect(outcomeOf(await finishLogin(server, email, begun))).toBe(refused)
    expect((await startProof(server, email, password)).finish).toBeUndefined()
    expect(outcomeOf(await opaqueLogin(server, email, 'second'))).toBe('200')

    const authKey = randomKey()
    expect(await changePassword(token, await prove('second'), { authKey })).toBe('200')
    expect(outcomeOf(await post(server, 'login', logInBody({ email, authKey })))).toBe('200')
    expect((await startProof(server, email, 'second')).finish).toBeUndefined()
    const back = { opaque: await choosePassword(server, { token }, 'third') }
    expect(await changePassword(token, { authKey }, back)).toBe('200')
    expect(outcomeOf(await post(server, 'login', logInBody({ email, authKey })))).toBe(refused)
    expect(outcomeOf(await opaqueLogin(server, email, 'third'))).toBe('200')

    const body = await prove('third')
    const used = await finishLogin(server, email, body.opaque)
    expect(outcomeOf(used)).toBe('200')
    const remove = (proof: object) =>
      send(server, { method: 'DELETE', path: '/api/v1/account', token, body: proof }).then(outcomeOf)
    expect(await remove(body)).toBe(refused)
    expect(await remove(await prove('third'))).toBe('204')
    expect(outcomeOf(await opaqueLogin(server, email, 'third'))).toBe('400 malformed-request')
  })

  const zeros = (bytes: number) => Buffer.alloc(bytes).toString('base64url')
  const ones = (bytes: number) => Buffer.alloc(bytes, 0xff).toString('base64url')
  const malformed = (bytes: number): unknown[] => [
    '',
    'A',
    '!',
    'é',
    '\u0000',
    null,
    7,
    {},
    zeros(bytes),
    ones(bytes),
    zeros(bytes - 1),
    zeros(bytes + 1),
    `${zeros(bytes).slice(0, -1)}=`,
    'A'.repeat(30_000),
  ]

  it('answers what is no message of OPAQUE with 400', async () => {
    const email = nobody()
    const { token: asking } = await newOpaqueAccount(server)
    for (const request of malformed(32)) {
      const answers = [
        await post(server, 'opaque/register', { email, request }),
        await post(server, 'account/opaque', { request }, asking),
      ]
      expect(answers.map(outcomeOf)).toEqual(['400 malformed-request', '400 malformed-request'])
    }
    for (const request of malformed(96))
      expect(outcomeOf(await post(server, 'opaque/login', { email, request }))).toBe('400 malformed-request')
    const { email: own, password, token } = await newOpaqueAccount(server)
    const body = await opaqueRegistration(server, 'x')
    for (const record of malformed(192)) {
      const chosen = { ...body.opaque, record }
      expect(outcomeOf(await post(server, 'register', { ...body, opaque: chosen }))).toBe(
        '400 malformed-request',
      )
      const current = { opaque: await startProof(server, own, password) }
      const { registration: begun } = await choosePassword(server, { token }, 'x')
      expect(await changePassword(token, current, { opaque: { record, registration: begun } })).toBe(
        '400 malformed-request',
      )
    }
    expect(outcomeOf(await post(server, 'register', body))).toBe('201')
    const { handshake } = await startProof(server, own, password)
    for (const finish of malformed(64)) {
      const inForm = finish === zeros(64) || finish === ones(64)
      const { device } = logInBody({ email, authKey: '' })
      const answer = await post(server, 'login', { email: own, opaque: { handshake, finish }, device })
      expect(outcomeOf(answer)).toBe(inForm ? refused : '400 malformed-request')
    }
  })

  it('says what is missing where neither method is given, or both are', async () => {
    const { opaque, ...neither } = await opaqueRegistration(server, 'x')
    const places = async (body: object) =>
      bodyOf(Problem, await post(server, 'register', body)).errors?.map(({ path }) => path)
    expect(await places(neither)).toEqual(['body.authKey'])
    expect(await places({ ...neither, opaque: { ...opaque, record: 'x' } })).toEqual(['body.opaque.record'])
    expect(await places({ ...neither, opaque: { record: opaque.record } })).toEqual([
      'body.opaque.registration',
    ])
    expect(await places({ ...neither, opaque, authKey: randomKey() })).toEqual(['body'])
  })
})

describe.each(engines)('several servers with OPAQUE on %s', (engine) => {
  it('finish what another process began, once between them', async () => {
    const server = await startServer(engine)
    const other = await startProcess({ port: await freePort(), databaseUrl: server.database.url })
    try {
      const { email, password } = await newOpaqueAccount(server)
      const proof = await startProof(server, email, password)
      expect(outcomeOf(await finishLogin(other, email, proof))).toBe('200')
      expect(outcomeOf(await finishLogin(server, email, proof))).toBe(refused)
      const contested = await startProof(other, email, password)
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => finishLogin(index % 2 ? server : other, email, contested)),
      )
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    } finally {
      await other.kill()
      await server.close()
    }
  })

  it('start only with the setup that the database was first used with; JWT_SECRET may change', async () => {
    const server = await startServer(engine)
    const { database } = server
    try {
      const { email, password } = await newOpaqueAccount(server)
      const begun = await startProof(server, email, password)
      await server.stop()
      const startWith = (environment: Record<string, string>) =>
        startServer(engine, { database, environment })
      const before = await readRowsBesideLogs(database)
      await expect(startWith({ OPAQUE_SERVER_SETUP: await createOpaqueSetup() })).rejects.toThrow(
        /OPAQUE_SERVER_SETUP is not the one/,
      )
      await expect(startWith({ OPAQUE_SERVER_SETUP: 'A'.repeat(171) })).rejects.toThrow(
        /OPAQUE_SERVER_SETUP is not a server setup/,
      )
      expect(await readRowsBesideLogs(database)).toEqual(before)
      const renewed = await startWith({ JWT_SECRET: 'another secret of more than thirty-two bytes' })
      expect(outcomeOf(await finishLogin(renewed, email, begun))).toBe(refused)
      expect(outcomeOf(await opaqueLogin(renewed, email, password))).toBe('200')
      await renewed.stop()
    } finally {
      await database.remove()
    }
  })
})

describe.each(engines)('the threads of OPAQUE on %s', (engine) => {
  it('are bounded, are replaced, and answer what was asked before the server stops', async () => {
    const { start, killAll } = threadsThatDie()
    const server = await startServer(engine, { opaqueThreads: { most: 1, maxWaitingEach: 4, start } })
    try {
      const { email, password } = await newOpaqueAccount(server)
      const { startLoginRequest: request } = library.startLogin({ password: 'any' })
      const begin = () => post(server, 'opaque/login', { email, request })
      await killAll()
      expect(outcomeOf(await opaqueLogin(server, email, password))).toBe('200')

      const answers = await Promise.all(Array.from({ length: 30 }, begin))
      const refusals = answers.filter(({ status }) => status !== 200)
      expect(answers.length - refusals.length).toBeGreaterThanOrEqual(4)
      for (const refusal of refusals) {
        expect(outcomeOf(refusal)).toBe('503 unavailable')
        expect(refusal.text).toContain('Too many people are logging in at this moment.')
        expect(refusal.headers['retry-after']).toBe('2')
      }

      const underWay = Promise.all([begin(), begin()])
      await killAll()
      expect((await underWay).map(outcomeOf)).toEqual(['200', '200'])
      expect(server.log()).toContain('a thread for OPAQUE has ended')

      const last = Promise.all([begin(), begin()])
      // The first of them is being computed, or its connection is not accepted any more.
      await begin()
      await server.stop()
      expect((await last).map(outcomeOf)).toEqual(['200', '200'])
    } finally {
      await server.close()
    }
  })
})

describe('OPAQUE', () => {
  it('counts each beginning as a failed login: whoever has its answer can see whether a guess was right', async () => {
    const server = await startServer('sqlite', { environment: { RATE_LIMITS: 'on' } })
    try {
      const email = `${randomUUID()}@example.com`
      const { startLoginRequest: request } = library.startLogin({ password: 'any' })
      const begin = async (address: string) =>
        (await post(server, 'opaque/login', { email: address, request })).status
      const statuses = []
      for (let tries = 0; tries < 20; tries++) statuses.push(await begin(email))
      expect(new Set(statuses)).toEqual(new Set([200]))
      expect(await begin(email)).toBe(429)
      expect((await post(server, 'login', logInBody({ email, authKey: randomKey() }))).status).toBe(429)
      expect(await begin(`${randomUUID()}@example.com`)).toBe(200)
    } finally {
      await server.close()
    }
  })
})
