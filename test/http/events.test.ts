// The security log: what its owner finds in it, what strangers cannot make of it, and when it is forgotten.
import { afterEach, describe, expect, it } from 'vitest'
import { days, minutes } from '../../src/clock.ts'
import { AccountEventList, Session } from '../../src/contract/accounts.ts'
import { logIn, logInBody, newAccount, randomKey, registration } from '../support/accounts.ts'
import { createDatabase, engines } from '../support/database.ts'
import { operatorOf } from '../support/process.ts'
import { bodyOf, outcomeOf, type Server, send } from '../support/requests.ts'
import { readRows, runStatement } from '../support/rows.ts'
import { registeredClient, secondDevice, startServer, TestClock, type TestServer } from '../support/server.ts'

const loopback = /^(::ffff:)?127\.0\.0\.1$/

const events = async (server: Server, token: string) =>
  bodyOf(AccountEventList, await send(server, { path: '/api/v1/account/events', token })).events

const types = async (server: Server, token: string) => (await events(server, token)).map(({ type }) => type)

describe.each(engines)('the security log on %s', (engine) => {
  const running: TestServer[] = []
  afterEach(async () => {
    for (const server of running.splice(0).reverse()) await server.close()
  })

  async function start() {
    const clock = new TestClock()
    const server = await startServer(engine, { clock })
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

  it('ends after 90 days, and after 200 events of a kind: failures push out nothing else', async () => {
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
    await insert('login-failed', 300, clock.now() - 1000)
    await insert('session-ended', 150, clock.now() - 1000)
    const fail = () =>
      send(server, {
        method: 'POST',
        path: '/api/v1/login',
        body: logInBody({ email: account.email, authKey: randomKey() }),
      })
    await fail()
    const count = async (...wanted: string[]) =>
      (await types(server, account.token)).filter((type) => wanted.includes(type)).length
    await expect.poll(() => count('login-failed'), { timeout: 20_000 }).toBe(200)
    expect(await count('session-ended', 'login')).toBe(151)
    await insert('password-changed', 100, clock.now() - 500)
    clock.advance(1)
    const answer = await send(server, { method: 'POST', path: '/api/v1/login', body: logInBody(account) })
    expect(await count('session-ended', 'login', 'password-changed')).toBe(200)
    expect(await count('login-failed')).toBe(200)

    clock.jump(days(80))
    const { token } = await logIn(server, account)
    expect((await events(server, token)).length).toBeGreaterThan(300)
    clock.jump(days(10))
    const renewed = await send(server, {
      method: 'POST',
      path: '/api/v1/token/refresh',
      body: { refreshToken: bodyOf(Session, answer).refreshToken },
    })
    expect(renewed.status).toBe(401)
    const last = await logIn(server, account)
    expect(await types(server, last.token)).toEqual(['login', 'login'])
    const beside = await startServer(engine, { clock, database: server.database })
    running.push(beside)
    await expect
      .poll(async () => (await readRows(server.database)).account_events?.length, { timeout: 20_000 })
      .toBe(2)
  })
})
