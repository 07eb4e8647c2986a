// Logins at the same time, more than the queue before the hashes holds.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { logInBody, newAccount, type RawAccount, randomKey } from '../../support/accounts.ts'
import { engines } from '../../support/database.ts'
import { send } from '../../support/requests.ts'
import { startServer, type TestServer } from '../../support/server.ts'
import { retryAfter, tally, times } from '../../support/tally.ts'

// A hash that takes its time: others wait meanwhile.
vi.unmock('argon2')

const limited = '429 too-many-requests'
const wrong = '401 invalid-credentials'

/** Failures of a pair of address and e-mail before the first pause. */
const free = 20
const here = '192.0.2.1'

const guess = (server: TestServer, address: string, { email }: RawAccount) =>
  send(server, {
    method: 'POST',
    path: '/api/v1/login',
    headers: { 'X-Forwarded-For': address },
    body: logInBody({ email, authKey: randomKey() }),
  })

describe.each(engines)('wrong logins at the same time on %s', (engine) => {
  let server: TestServer
  let owner: RawAccount
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    server = await startServer(engine, { environment: { RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1' } })
    owner = await newAccount(server)
  })
  afterEach(async () => {
    vi.useRealTimers()
    await server.close()
  })

  it('that never came to a proof are not counted', async () => {
    // More at once than the queue before the hashes holds, from an address each.
    const others = times(200, (index) => `203.0.113.${index}`)
    const busy = Promise.all(others.map((address) => guess(server, address, owner)))
    const met = await Promise.all(times(free - 1, () => guess(server, here, owner)))
    const answers = await busy
    expect(Object.keys(tally(answers)).sort()).toEqual([wrong, '503 unavailable'])
    for (const answer of answers.filter(({ status }) => status === 503))
      expect(retryAfter(answer)).toBeGreaterThanOrEqual(1)
    const failures = met.filter(({ status }) => status === 401).length
    expect(tally(await Promise.all(times(free - failures + 5, () => guess(server, here, owner))))).toEqual({
      [wrong]: free - failures,
      [limited]: 5,
    })
  })
})
