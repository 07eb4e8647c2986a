// Rate limits: counted by address before a login and by account after it, and an address is only what a trusted proxy says.
import { afterEach, describe, expect, it } from 'vitest'
import { logIn, newAccount, outcomeOf, randomKey, send } from '../support/openapi.ts'
import { startServer, type TestServer } from '../support/server.ts'

const limited = '429 too-many-requests'

/** Logins that one address, or one account, may try in a minute. */
const logins = 30

describe('rate limits', () => {
  const running: TestServer[] = []
  afterEach(async () => {
    for (const server of running.splice(0)) await server.close()
  })

  async function start(environment: Record<string, string> = {}) {
    const server = await startServer('sqlite', { environment: { RATE_LIMITS: 'on', ...environment } })
    running.push(server)
    return server
  }

  /** Counted like a login, and answered without a hash. */
  const prelogin = (server: TestServer, forwardedFor?: string) =>
    send(server, {
      method: 'POST',
      path: '/api/v1/prelogin',
      headers: forwardedFor === undefined ? {} : { 'X-Forwarded-For': forwardedFor },
      body: { email: 'ada@example.com' },
    })

  const exhaust = async (server: TestServer, forwardedFor?: (attempt: number) => string) => {
    const answers = []
    for (let attempt = 0; attempt < logins; attempt++)
      answers.push(outcomeOf(await prelogin(server, forwardedFor?.(attempt))))
    expect(new Set(answers)).toEqual(new Set(['200']))
  }

  it('end the logins of an address, with the time to wait', async () => {
    const server = await start()
    await exhaust(server)
    const refused = await prelogin(server)
    expect(outcomeOf(refused)).toBe(limited)
    expect(refused.headers['retry-after']).toMatch(/^\d+$/)
    const seconds = Number(refused.headers['retry-after'])
    expect(seconds).toBeGreaterThanOrEqual(1)
    expect(seconds).toBeLessThanOrEqual(60)
    // Login and prelogin are one budget; it is refused before a body is even read.
    for (const raw of ['{', '{}'])
      expect(outcomeOf(await send(server, { method: 'POST', path: '/api/v1/login', raw }))).toBe(limited)
    // Other kinds of requests have budgets of their own.
    expect(outcomeOf(await send(server, { path: '/api/v1/server' }))).toBe('200')
    expect(outcomeOf(await send(server, { path: '/healthz' }))).toBe('200')
    expect(server.log()).not.toContain('127.0.0.1')
  })

  it('count password proofs by account, whatever the session, and leave other accounts alone', async () => {
    const server = await start()
    const account = await newAccount(server)
    const other = await newAccount(server)
    const second = await logIn(server, account)
    const prove = (token: string) =>
      send(server, { method: 'DELETE', path: '/api/v1/account', token, body: { authKey: randomKey() } })
    const attempts = Array.from({ length: logins }, (_, index) => (index % 2 ? account : second).token)
    const answers = []
    for (const token of attempts) answers.push(outcomeOf(await prove(token)))
    expect(new Set(answers)).toEqual(new Set(['401 invalid-credentials']))
    for (const token of [account.token, second.token]) expect(outcomeOf(await prove(token))).toBe(limited)
    expect(outcomeOf(await prove(other.token))).toBe('401 invalid-credentials')
    expect(outcomeOf(await send(server, { path: '/api/v1/vaults', token: account.token }))).toBe('200')
  })

  it('end the registrations of an address', async () => {
    const server = await start()
    const register = () =>
      send(server, { method: 'POST', path: '/api/v1/register', raw: '{}' }).then(outcomeOf)
    const answers = []
    for (let attempt = 0; attempt < 20; attempt++) answers.push(await register())
    expect(new Set(answers)).toEqual(new Set(['400 malformed-request']))
    expect(await register()).toBe(limited)
  })

  it('do not believe what a client says about its address', async () => {
    const server = await start()
    await exhaust(server, (attempt) => `10.0.0.${attempt}`)
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
    const server = await start({ TRUST_PROXY: '127.0.0.1,10.0.0.0/8' })
    await exhaust(server, () => '192.0.2.1')
    expect(outcomeOf(await prelogin(server, '192.0.2.1'))).toBe(limited)
    expect(outcomeOf(await prelogin(server, '192.0.2.2'))).toBe('200')
    expect(outcomeOf(await prelogin(server))).toBe('200')
    // What stands before the proxy's own entry was written by the client.
    expect(outcomeOf(await prelogin(server, '198.51.100.7, 192.0.2.1'))).toBe(limited)
    expect(outcomeOf(await prelogin(server, '198.51.100.7, 192.0.2.1, 10.1.2.3'))).toBe(limited)
    await exhaust(server, (attempt) => `198.51.100.${attempt}, 192.0.2.9`)
    expect(outcomeOf(await prelogin(server, '198.51.100.99, 192.0.2.9'))).toBe(limited)
  })

  it('do not believe a proxy that is not the one that is trusted', async () => {
    const server = await start({ TRUST_PROXY: '192.0.2.0/24,::1' })
    await exhaust(server, (attempt) => `10.0.0.${attempt}`)
    expect(outcomeOf(await prelogin(server, '10.9.9.9'))).toBe(limited)
  })

  it('are off only where that is said, which the log tells', async () => {
    const server = await start({ RATE_LIMITS: 'off' })
    await exhaust(server)
    expect(outcomeOf(await prelogin(server))).toBe('200')
    expect(server.log()).toContain('rate limits are off')
  })
})
