// Rate limits: counted by address before a login and by account after it, exactly, by all processes on one Postgres together.
import { afterEach, describe, expect, it, vi } from 'vitest'
import { minutes, seconds } from '../../../src/clock.ts'
import { TokenList } from '../../../src/contract/tokens.ts'
import { logIn, newAccount, randomKey } from '../../support/accounts.ts'
import { createDatabase, engines, type TestDatabase } from '../../support/database.ts'
import { freePort } from '../../support/free-port.ts'
import { startProcess } from '../../support/process.ts'
import { bodyOf, outcomeOf, type Server, send } from '../../support/requests.ts'
import { forgetCounts, readRows } from '../../support/rows.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'
import { newShare, randomProof, reveal } from '../../support/shares.ts'
import { retryAfter, tally, times } from '../../support/tally.ts'
import { newToken } from '../../support/tokens.ts'

const limited = '429 too-many-requests'

/** Logins that one address may try in a minute, and proofs within a session of one account. */
const logins = 300
const proofs = 30
/** Wrong bearer tokens of an address in five minutes. */
const wrongTokens = 300

const proxied = { RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1,10.0.0.0/8' }

describe.each(engines)('rate limits on %s', (engine) => {
  const running: TestServer[] = []
  afterEach(async () => {
    vi.useRealTimers()
    for (const server of running.splice(0)) await server.close()
  })

  async function start(environment: Record<string, string> = {}, database?: TestDatabase) {
    const server = await startServer(engine, {
      environment: { RATE_LIMITS: 'on', ...environment },
      ...(database && { database }),
    })
    running.unshift(server)
    return server
  }

  /** Counted like a login, and answered without a hash. */
  const prelogin = (server: Server, forwardedFor?: string) =>
    send(server, {
      method: 'POST',
      path: '/api/v1/prelogin',
      headers: forwardedFor === undefined ? {} : { 'X-Forwarded-For': forwardedFor },
      body: { email: 'ada@example.com' },
    })

  /** Spends a budget to the last request. */
  async function exhaust(server: Server, forwardedFor?: (attempt: number) => string) {
    const answers = await Promise.all(times(logins, (attempt) => prelogin(server, forwardedFor?.(attempt))))
    expect(tally(answers)).toEqual({ '200': logins })
  }

  it('end the logins of an address, with the time to wait', async () => {
    const server = await start()
    await exhaust(server)
    const refused = await prelogin(server)
    expect(outcomeOf(refused)).toBe(limited)
    expect(refused.headers['retry-after']).toMatch(/^\d+$/)
    expect(retryAfter(refused)).toBeGreaterThanOrEqual(1)
    expect(retryAfter(refused)).toBeLessThanOrEqual(60)
    // Login and prelogin are one budget; it is refused before a body is even read.
    for (const raw of ['{', '{}'])
      expect(outcomeOf(await send(server, { method: 'POST', path: '/api/v1/login', raw }))).toBe(limited)
    // Other kinds of requests have budgets of their own.
    expect(outcomeOf(await send(server, { path: '/api/v1/server' }))).toBe('200')
    expect(outcomeOf(await send(server, { path: '/healthz' }))).toBe('200')
    expect(server.log()).not.toContain('127.0.0.1')
  })

  it('let through exactly as many as they say, of any number at the same time', async () => {
    const server = await start()
    const answers = await Promise.all(times(logins + 100, () => prelogin(server)))
    expect(tally(answers)).toEqual({ '200': logins, [limited]: 100 })
  })

  it('refuse without asking the database again, until the time is over', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const server = await start()
    await exhaust(server)
    expect(outcomeOf(await prelogin(server))).toBe(limited)
    await forgetCounts(server.database)
    expect(outcomeOf(await prelogin(server))).toBe(limited)
    vi.setSystemTime(Date.now() + minutes(1) + 1)
    expect(outcomeOf(await prelogin(server))).toBe('200')
  })

  it('tell the truth about the time to wait', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const server = await start()
    await exhaust(server)
    vi.setSystemTime(Date.now() + seconds(20))
    const refused = await prelogin(server)
    expect(outcomeOf(refused)).toBe(limited)
    expect(retryAfter(refused)).toBe(40)
    vi.setSystemTime(Date.now() + seconds(39))
    expect(outcomeOf(await prelogin(server))).toBe(limited)
    vi.setSystemTime(Date.now() + seconds(1))
    await exhaust(server)
    expect(outcomeOf(await prelogin(server))).toBe(limited)
  })

  it('count password proofs by account, whatever the session, and leave other accounts alone', async () => {
    const server = await start()
    const account = await newAccount(server)
    const other = await newAccount(server)
    const second = await logIn(server, account)
    const prove = (token: string) =>
      send(server, { method: 'DELETE', path: '/api/v1/account', token, body: { authKey: randomKey() } })
    const answers = await Promise.all(times(proofs, (index) => prove((index % 2 ? account : second).token)))
    expect(tally(answers)).toEqual({ '401 invalid-credentials': proofs })
    for (const token of [account.token, second.token]) expect(outcomeOf(await prove(token))).toBe(limited)
    expect(outcomeOf(await prove(other.token))).toBe('401 invalid-credentials')
    expect(outcomeOf(await send(server, { path: '/api/v1/vaults', token: account.token }))).toBe('200')
  })

  it('end the registrations of an address', async () => {
    const server = await start()
    const register = () => send(server, { method: 'POST', path: '/api/v1/register', raw: '{}' })
    const answers = await Promise.all(times(30, register))
    expect(tally(answers)).toEqual({ '400 malformed-request': 20, [limited]: 10 })
    const refused = await register()
    expect(retryAfter(refused)).toBeGreaterThan(3500)
    expect(retryAfter(refused)).toBeLessThanOrEqual(3600)
  })

  it('do not believe what a client says about its address', async () => {
    const server = await start()
    await exhaust(server, (attempt) => `10.0.${attempt >> 8}.${attempt & 255}`)
    for (const name of ['X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'X-Client-IP', 'CF-Connecting-IP']) {
      const answer = await send(server, {
        method: 'POST',
        path: '/api/v1/prelogin',
        headers: { [name]: '10.9.9.9' },
        body: { email: 'ada@example.com' },
      })
      expect(outcomeOf(answer), name).toBe(limited)
    }
  })

  it('believe a trusted proxy, and of what it says only the last address that is not trusted', async () => {
    const server = await start(proxied)
    await exhaust(server, () => '192.0.2.1')
    expect(outcomeOf(await prelogin(server, '192.0.2.1'))).toBe(limited)
    expect(outcomeOf(await prelogin(server, '::ffff:192.0.2.1'))).toBe(limited)
    expect(outcomeOf(await prelogin(server, '192.0.2.2'))).toBe('200')
    expect(outcomeOf(await prelogin(server))).toBe('200')
    // What stands before the proxy's own entry was written by the client.
    expect(outcomeOf(await prelogin(server, '198.51.100.7, 192.0.2.1'))).toBe(limited)
    expect(outcomeOf(await prelogin(server, '198.51.100.7, 192.0.2.1, 10.1.2.3'))).toBe(limited)
    await exhaust(server, (attempt) => `198.51.100.${attempt & 255}, 192.0.2.9`)
    expect(outcomeOf(await prelogin(server, '198.51.100.99, 192.0.2.9'))).toBe(limited)
  })

  it('do not believe a proxy that is not the one that is trusted', async () => {
    const server = await start({ TRUST_PROXY: '192.0.2.0/24,::1' })
    await exhaust(server, (attempt) => `10.0.${attempt >> 8}.${attempt & 255}`)
    expect(outcomeOf(await prelogin(server, '10.9.9.9'))).toBe(limited)
  })

  it('count an IPv6 network of 64 bits as one address', async () => {
    const server = await start(proxied)
    await exhaust(server, (attempt) => `2001:db8:0:1:${attempt.toString(16)}::${attempt}`)
    expect(outcomeOf(await prelogin(server, '2001:DB8:0:1:ffff:ffff:ffff:ffff'))).toBe(limited)
    expect(outcomeOf(await prelogin(server, '2001:db8:0:2::1'))).toBe('200')
  })

  it('let the /48 around do sixteen times as much, and no more', async () => {
    const server = await start(proxied)
    const register = (network: number) =>
      send(server, {
        method: 'POST',
        path: '/api/v1/register',
        headers: { 'X-Forwarded-For': `2001:db8:7:${network.toString(16)}::1` },
        raw: '{}',
      })
    const answers = await Promise.all(times(400, register))
    expect(tally(answers)).toEqual({ '400 malformed-request': 320, [limited]: 80 })
    const elsewhere = { 'X-Forwarded-For': '2001:db8:8::1' }
    const other = { method: 'POST', path: '/api/v1/register', headers: elsewhere, raw: '{}' }
    expect(outcomeOf(await send(server, other))).toBe('400 malformed-request')
  })

  it('know an address with its port, and a trusted proxy with its port', async () => {
    const server = await start(proxied)
    await exhaust(server, (attempt) => `192.0.2.1:${1024 + attempt}`)
    expect(outcomeOf(await prelogin(server, '192.0.2.1'))).toBe(limited)
    expect(outcomeOf(await prelogin(server, '198.51.100.7:1, 192.0.2.1:2, 10.1.2.3:3'))).toBe(limited)
    await exhaust(server, (attempt) => `[2001:db8:0:5::${attempt.toString(16)}]:443`)
    expect(outcomeOf(await prelogin(server, '2001:db8:0:5::1'))).toBe(limited)
    expect(outcomeOf(await prelogin(server, '2002:c000:201::1'))).toBe(limited)
  })

  it('count wrong tokens of every kind by address before the database is asked, and hinder no good one', async () => {
    const server = await start(proxied)
    const account = await newAccount(server)
    const share = await newShare(server)
    const make = async () => (await newToken(server, account)).token
    const [known, unknown] = [await make(), await make()]
    const from = (path: string, token: string, address = '192.0.2.1') =>
      send(server, { path, token, headers: { 'X-Forwarded-For': address } })
    const [vaults, receipt] = ['/api/v1/vaults', `/api/v1/shares/${share.id}/receipt`]
    for (const [path, token] of [
      [vaults, known],
      [receipt, share.manageToken],
      [vaults, account.token],
    ] as const)
      expect(outcomeOf(await from(path, token))).toBe('200')

    const [head, payload] = account.token.split('.')
    const guess = (turn: number) => {
      if (turn % 3 === 0) return from(vaults, `lmp_${randomKey()}`)
      if (turn % 3 === 1) return from(receipt, randomKey())
      return from(vaults, `${head}.${payload}.${randomKey()}`)
    }
    const answers = await Promise.all(times(400, guess))
    expect(tally(answers)).toEqual({
      '401 not-authenticated': expect.any(Number),
      '404 not-found': expect.any(Number),
      [limited]: 400 - wrongTokens,
    })
    const refused = await from(vaults, `lmp_${randomKey()}`)
    expect(outcomeOf(refused)).toBe(limited)
    expect(retryAfter(refused)).toBeLessThanOrEqual(300)
    // What this process knows to be good works, and what proves itself does; a new one waits, and works from elsewhere.
    for (const [path, token] of [
      [vaults, known],
      [receipt, share.manageToken],
      [vaults, account.token],
      [vaults, (await logIn(server, account)).token],
    ] as const)
      expect(outcomeOf(await from(path, token))).toBe('200')
    expect(outcomeOf(await from(vaults, unknown))).toBe(limited)
    expect(outcomeOf(await from(vaults, unknown, '192.0.2.2'))).toBe('200')
    expect(outcomeOf(await from(vaults, unknown))).toBe('200')
    // One that was good and was revoked is a wrong one.
    const { tokens } = bodyOf(TokenList, await send(server, { path: '/api/v1/tokens', token: account.token }))
    for (const { id } of tokens)
      await send(server, { method: 'DELETE', path: `/api/v1/tokens/${id}`, token: account.token })
    expect(outcomeOf(await from(vaults, known))).toBe(limited)
  })

  it('do not count tokens that were good: expired ones, and those of ended sessions', async () => {
    const clock = new TestClock()
    const server = await startServer(engine, { environment: proxied, clock })
    running.unshift(server)
    const account = await newAccount(server)
    const ended = await logIn(server, account)
    await send(server, { method: 'POST', path: '/api/v1/logout', token: ended.token })
    const ask = (token: string) => send(server, { path: '/api/v1/vaults', token })
    for (const { token } of [ended, account]) {
      const answers = await Promise.all(times(wrongTokens + 50, () => ask(token)))
      const expected = token === ended.token ? '401 not-authenticated' : '200'
      expect(tally(answers)).toEqual({ [expected]: wrongTokens + 50 })
    }
    clock.advance(minutes(16))
    const answers = await Promise.all(times(wrongTokens + 50, () => ask(account.token)))
    expect(tally(answers)).toEqual({ '401 not-authenticated': wrongTokens + 50 })
    expect(outcomeOf(await ask(`lmp_${randomKey()}`))).toBe('401 not-authenticated')
  })

  it('are off only where that is said, which the log tells', async () => {
    const server = await start({ RATE_LIMITS: 'off' })
    await exhaust(server)
    expect(outcomeOf(await prelogin(server))).toBe('200')
    expect(server.log()).toContain('rate limits are off')
  })

  it('are kept under names that are nobody’s', async () => {
    const server = await start({ ...proxied, LOG_LEVEL: 'trace' })
    const account = await newAccount(server)
    const share = await newShare(server, { passphrase: true })
    const headers = { 'X-Forwarded-For': '192.0.2.77' }
    const wrong = {
      email: account.email,
      authKey: randomKey(),
      device: { id: account.accountId, name: 'x', type: 'cli' },
    }
    for (const email of [account.email, 'nobody@example.com'])
      await send(server, { method: 'POST', path: '/api/v1/login', headers, body: { ...wrong, email } })
    await reveal(server, { ...share, proof: randomProof() }, { headers })
    await send(server, {
      method: 'DELETE',
      path: '/api/v1/account',
      token: account.token,
      body: { authKey: randomKey() },
    })
    const { rate_limits: rows = [] } = await readRows(server.database)
    const kinds = new Set(rows.map(({ key }) => String(key).split(':')[0]))
    expect([...kinds].sort()).toEqual(
      engine === 'sqlite'
        ? []
        : [
            'addressProof',
            'failures',
            'login',
            'loginFailures',
            'proof',
            'readerProof',
            'register',
            'share',
            'shareProof',
          ],
    )
    for (const { key } of rows) expect(key).toMatch(/^[a-zA-Z]+:[\w-]{43}$/)
    const names = [account.email, account.accountId, share.id, '192.0.2.77', '127.0.0.1', 'nobody@']
    const text = JSON.stringify(rows)
    expect(names.filter((name) => text.includes(name))).toEqual([])
  })
})

describe('several processes on one Postgres', () => {
  it('have one budget together, which outlives each of them', async () => {
    const database = await createDatabase('postgres')
    const environment = { RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1' }
    const startOne = async () =>
      startProcess({ port: await freePort(), databaseUrl: database.url, environment })
    const register = (server: Server) =>
      send(server, {
        method: 'POST',
        path: '/api/v1/register',
        headers: { 'X-Forwarded-For': '192.0.2.1' },
        raw: '{}',
      })
    const processes = await Promise.all([startOne(), startOne()])
    try {
      const answers = await Promise.all(
        times(40, (turn) =>
          Promise.all(
            processes
              .slice(turn % 2)
              .slice(0, 1)
              .map(register),
          ),
        ),
      )
      expect(tally(answers.flat())).toEqual({ '400 malformed-request': 20, [limited]: 20 })
      const third = await startOne()
      processes.push(third)
      const refused = await register(third)
      expect(outcomeOf(refused)).toBe(limited)
      expect(retryAfter(refused)).toBeGreaterThan(3000)
    } finally {
      await Promise.all(processes.map((one) => one.kill()))
      await database.remove()
    }
  })

  it('forget within the hour what has run out', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const server = await startServer('postgres', { environment: { RATE_LIMITS: 'on' } })
    const keysLeft = async () => (await readRows(server.database)).rate_limits?.map(({ key }) => key) ?? []
    try {
      await send(server, { method: 'POST', path: '/api/v1/prelogin', raw: '{}' })
      await send(server, { method: 'POST', path: '/api/v1/register', raw: '{}' })
      expect(await keysLeft()).toHaveLength(2)
      vi.setSystemTime(Date.now() + minutes(1))
      // Maintenance runs at the start, too.
      const next = await startServer('postgres', { database: server.database })
      await vi.waitFor(async () => expect(await keysLeft()).toHaveLength(1), { timeout: 10_000 })
      expect(await keysLeft()).toEqual([expect.stringMatching(/^register:/)])
      await next.close()
    } finally {
      vi.useRealTimers()
      await server.close()
    }
  })
})
