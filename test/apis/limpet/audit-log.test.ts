// The security log: what its owner finds in it, what strangers cannot make of it, and when it is forgotten.
import { randomBytes, randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { days, hours, minutes, seconds } from '../../../src/clock.ts'
import { AccountEventList } from '../../../src/contract/accounts.ts'
import { logIn, logInBody, newAccount, randomKey, registration } from '../../support/accounts.ts'
import { createDatabase, engines } from '../../support/database.ts'
import { finishLogin, newOpaqueAccount, startProof } from '../../support/opaque.ts'
import { operatorOf } from '../../support/operator.ts'
import { bodyOf, outcomeOf, type Server, send } from '../../support/requests.ts'
import { readRows, runStatement } from '../../support/rows.ts'
import {
  registeredClient,
  secondDevice,
  startServer,
  TestClock,
  type TestServer,
} from '../../support/server.ts'
import { newToken } from '../../support/tokens.ts'

const loopback = /^(::ffff:)?127\.0\.0\.1$/

const events = async (server: Server, token: string) =>
  bodyOf(AccountEventList, await send(server, { path: '/api/v1/account/events', token })).events

/** A wrong login. */
const fail = (server: Server, email: string, from?: string) =>
  send(server, {
    method: 'POST',
    path: '/api/v1/login',
    headers: from === undefined ? {} : { 'X-Forwarded-For': from },
    body: logInBody({ email, authKey: randomKey() }),
  })

const types = async (server: Server, token: string) => (await events(server, token)).map(({ type }) => type)

describe.each(engines)('the security log on %s', (engine) => {
  const running: TestServer[] = []
  afterEach(async () => {
    for (const server of running.splice(0).reverse()) await server.close()
  })

  async function start(environment: Record<string, string> = {}) {
    const clock = new TestClock()
    const server = await startServer(engine, { clock, environment })
    running.push(server)
    return { server, clock }
  }

  it('has logins, a password change and ended sessions, newest first, with device and address', async () => {
    const { server, clock } = await start()
    const first = await registeredClient(server)
    clock.advance(minutes(1))
    const second = await secondDevice(server, first)
    clock.advance(minutes(1))
    await second.limpet.logout()
    clock.advance(minutes(1))
    await secondDevice(server, first)
    clock.advance(minutes(1))
    await first.account.changePassword({ current: first.password, next: 'another battery staple' })
    const log = await first.account.events()
    // The session that the change ended is of the same moment as the change.
    expect(log.map(({ type }) => type).toSpliced(0, 2)).toEqual(['login', 'session-ended', 'login', 'login'])
    expect(new Set(log.slice(0, 2).map(({ type }) => type))).toEqual(
      new Set(['password-changed', 'session-ended']),
    )
    expect(log.map(({ at }) => at)).toEqual(
      log
        .map(({ at }) => at)
        .toSorted()
        .toReversed(),
    )
    expect(log.at(-1)?.at).toBe('2026-01-01T00:00:00.000Z')
    for (const { device, address } of log) {
      expect(device).toMatchObject({ name: 'test', type: 'other' })
      expect(address).toMatch(loopback)
    }
    const devices = log.map(({ device }) => device?.id)
    const [changed] = log.filter(({ type }) => type === 'password-changed')
    expect(changed?.device?.id).toBe(devices.at(-1))
    // The logout is of the device that had logged in before it, and not of the one that stayed.
    expect(devices[3]).toBe(devices[4])
    expect(devices[3]).not.toBe(devices[5])
  })

  it('has failed logins with what tried, and is nobody else’s', async () => {
    const { server } = await start()
    const [account, other] = [await newAccount(server), await newAccount(server)]
    const attempt = logInBody({ email: account.email, authKey: randomKey() })
    const body = { ...attempt, device: { ...attempt.device, name: 'somebody', type: 'mobile' } }
    expect(outcomeOf(await send(server, { method: 'POST', path: '/api/v1/login', body }))).toBe(
      '401 invalid-credentials',
    )
    await expect.poll(() => types(server, account.token), { timeout: 20_000 }).toContain('login-failed')
    const failed = (await events(server, account.token)).find(({ type }) => type === 'login-failed')
    expect(failed).toMatchObject({ device: body.device, address: expect.stringMatching(loopback) })
    expect(await types(server, other.token)).toEqual(['login'])
    // An address without an account leaves nothing.
    const before = await readRows(server.database)
    await send(server, { method: 'POST', path: '/api/v1/login', body: logInBody(registration()) })
    await server.stop()
    expect(await readRows(server.database)).toEqual(before)
  })

  it('has failed logins of the last moment before a stop', async () => {
    const database = await createDatabase(engine)
    const clock = new TestClock()
    const server = await startServer(engine, { clock, database })
    const account = await newAccount(server)
    const body = logInBody({ email: account.email, authKey: randomKey() })
    await send(server, { method: 'POST', path: '/api/v1/login', body })
    await server.stop()
    const { account_events = [] } = await readRows(database)
    expect(account_events.map(({ type }) => type).sort()).toEqual(['login', 'login-failed'])
    await database.remove()
  })

  it('tells that a refresh token was used by two', async () => {
    const { server, clock } = await start()
    const account = await newAccount(server)
    const refresh = () =>
      send(server, {
        method: 'POST',
        path: '/api/v1/token/refresh',
        body: { refreshToken: account.refreshToken },
      })
    expect((await refresh()).status).toBe(200)
    clock.advance(minutes(2))
    expect((await refresh()).status).toBe(401)
    const { token } = await logIn(server, account)
    expect((await types(server, token)).toSorted()).toEqual(['login', 'login', 'session-ended'])
  })

  it('has what the operator did, without an address', async () => {
    const { server, clock } = await start()
    clock.jump(Date.now() - clock.now())
    const account = await newAccount(server)
    const operator = operatorOf(server.database)
    for (const command of ['disable', 'disable', 'enable', 'enable'])
      await operator.json('users', command, account.email)
    clock.jump(days(1))
    const { token } = await logIn(server, account)
    const log = await events(server, token)
    expect(log.map(({ type }) => type).toSorted()).toEqual([
      'account-disabled',
      'account-enabled',
      'login',
      'login',
      'session-ended',
    ])
    for (const { type, address } of log) expect(address === null, type).toBe(type !== 'login')
  })

  it('ends after 90 days, and after 100 entries of each kind: none pushes out another', async () => {
    const { server, clock } = await start()
    const account = await newAccount(server)
    const insert = (type: string, count: number, from: number) =>
      runStatement(
        server.database,
        `insert into account_events (account_id, type, at) values ${Array.from(
          { length: count },
          (_, index) => `('${account.accountId}', '${type}', ${from + index})`,
        ).join(', ')}`,
      )
    const count = async (...wanted: string[]) =>
      (await types(server, account.token)).filter((type) => wanted.includes(type)).length
    await insert('login-failed', 300, clock.now() - hours(2))
    await insert('token-created', 99, clock.now() - 1000)
    await insert('token-revoked', 99, clock.now() - 1000)
    await fail(server, account.email)
    await expect.poll(() => count('login-failed'), { timeout: 20_000 }).toBe(100)
    for (let turn = 0; turn < 3; turn++) {
      clock.advance(1)
      const { id } = await newToken(server, account)
      await send(server, { method: 'DELETE', path: `/api/v1/tokens/${id}`, token: account.token })
    }
    expect(await count('token-created')).toBe(100)
    expect(await count('token-revoked')).toBe(100)
    expect(await count('login')).toBe(1)

    clock.jump(days(80))
    const { token } = await logIn(server, account)
    expect((await events(server, token)).length).toBe(302)
    clock.jump(days(11))
    const last = await logIn(server, account)
    expect(await types(server, last.token)).toEqual(['login', 'login'])
    const beside = await startServer(engine, { clock, database: server.database })
    running.push(beside)
    await expect
      .poll(async () => (await readRows(server.database)).account_events?.length, { timeout: 20_000 })
      .toBe(2)
  })

  it('has one entry for the failures of an hour and an address, and few for those of many addresses', async () => {
    const { server, clock } = await start({ TRUST_PROXY: '127.0.0.1' })
    const account = await newAccount(server)
    let { token } = account
    const failures = async () =>
      (await events(server, token))
        .filter(({ type }) => type === 'login-failed')
        .map(({ address, at, count }) => ({ address, at, count }))
    const counts = async () => (await failures()).map(({ count }) => count)
    for (let turn = 0; turn < 3; turn++) {
      clock.advance(minutes(4))
      await fail(server, account.email, '192.0.2.1')
    }
    await expect.poll(counts, { timeout: 20_000 }).toEqual([3])
    expect(await failures()).toEqual([{ address: '192.0.2.1', at: '2026-01-01T00:12:00.000Z', count: 3 }])
    for (let host = 2; host <= 15; host++) await fail(server, account.email, `192.0.2.${host}`)
    const sum = async () => (await counts()).reduce((all, one) => all + one, 0)
    await expect.poll(sum, { timeout: 20_000 }).toBe(17)
    const all = await failures()
    expect(all).toHaveLength(11)
    expect(all.filter(({ address }) => address === null)).toMatchObject([{ count: 5 }])
    clock.advance(hours(1))
    token = (await logIn(server, account)).token
    await fail(server, account.email, '192.0.2.1')
    await expect.poll(counts, { timeout: 20_000 }).toHaveLength(12)
  })

  it('has logins by OPAQUE that were begun and not finished, whichever process began and finished them', async () => {
    const { server, clock } = await start()
    const beside = await startServer(engine, { clock, database: server.database })
    running.push(beside)
    const account = await newOpaqueAccount(server)
    const other = await newOpaqueAccount(server)
    const begin = (one: Server) => startProof(one, account.email, account.password)
    // Finished: on the process that began it, on the other one, and by a wrong fresh proof.
    for (const [one, another] of [
      [server, server],
      [server, beside],
    ] as const)
      expect(outcomeOf(await finishLogin(another, account.email, await begin(one)))).toBe('200')
    const wrong = { ...(await begin(server)), finish: randomBytes(64).toString('base64url') }
    const remove = { method: 'DELETE', path: '/api/v1/account', token: account.token }
    expect(outcomeOf(await send(server, { ...remove, body: { opaque: wrong } }))).toBe(
      '401 invalid-credentials',
    )
    // Not finished: a start and nothing more, twice; and a finish for another account.
    clock.advance(seconds(1))
    await begin(server)
    await begin(beside)
    expect(outcomeOf(await finishLogin(server, other.email, await begin(server)))).toBe(
      '401 invalid-credentials',
    )
    // Of no account.
    await startProof(server, `${randomUUID()}@example.com`, 'any password').catch(() => {})
    // What was begun a moment before a stop is not lost.
    await beside.stop()
    await expect
      .poll(async () => (await readRows(server.database)).started_logins?.length, { timeout: 20_000 })
      .toBe(8)
    clock.advance(minutes(3))
    running.push(await startServer(engine, { clock, database: server.database }))
    const failed = async () => (await events(server, account.token)).filter(({ type }) => /failed/.test(type))
    await expect.poll(async () => (await failed()).length, { timeout: 20_000 }).toBe(2)
    expect(await failed()).toMatchObject([
      { type: 'login-failed', at: '2026-01-01T00:00:01.000Z', device: null, count: 3 },
      { type: 'proof-failed', at: '2026-01-01T00:00:00.000Z', device: { name: 'test' }, count: 1 },
    ])
    for (const { address } of await failed()) expect(address).toMatch(loopback)
    const rows = await readRows(server.database)
    expect(rows.started_logins).toEqual([])
    // This one is written by another process's turn than those above.
    await expect
      .poll(async () => (await types(server, other.token)).filter((type) => type !== 'login'), {
        timeout: 20_000,
      })
      .toEqual(['login-failed'])
  })

  it('has failed fresh proofs, deleted vaults, and why sessions ended', async () => {
    const { server, clock } = await start()
    const account = await newAccount(server)
    const [elsewhere, loggedOut] = [await logIn(server, account), await logIn(server, account)]
    const ask = (method: string, path: string, token: string, body?: object) =>
      send(server, { method, path: `/api/v1/${path}`, token, ...(body && { body }) })
    expect(outcomeOf(await ask('DELETE', 'account', account.token, { authKey: randomKey() }))).toBe(
      '401 invalid-credentials',
    )
    await ask('DELETE', `sessions/${elsewhere.sessionId}`, account.token)
    await ask('POST', 'logout', loggedOut.token)
    const { authKey } = account
    expect(outcomeOf(await ask('DELETE', `vaults/${account.vaultId}`, account.token, { authKey }))).toBe(
      '204',
    )
    const reused = await logIn(server, account)
    for (let turn = 0; turn < 2; turn++) {
      await send(server, {
        method: 'POST',
        path: '/api/v1/token/refresh',
        body: { refreshToken: reused.refreshToken },
      })
      clock.advance(minutes(2))
    }
    await expect.poll(() => types(server, account.token), { timeout: 20_000 }).toContain('proof-failed')
    const log = await events(server, account.token)
    const reasons = log.filter(({ type }) => type === 'session-ended').map(({ reason }) => reason)
    expect(reasons.toSorted()).toEqual(['logout', 'owner', 'token-reuse'])
    for (const type of ['proof-failed', 'vault-deleted'])
      expect(log.find((event) => event.type === type)).toMatchObject({
        device: { name: 'test' },
        address: expect.stringMatching(loopback),
        count: 1,
        reason: null,
      })
  })
})
