// Wrong logins: slowed down for whoever makes them, and for nobody else.
import { client as library } from '@serenity-kit/opaque'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { hours, minutes, seconds } from '../../../src/clock.ts'
import { logInBody, newAccount, type RawAccount, randomKey, registration } from '../../support/accounts.ts'
import { engines } from '../../support/database.ts'
import { choosePassword, newOpaqueAccount, post, startProof } from '../../support/opaque.ts'
import { outcomeOf, type RawAnswer, type Server, send } from '../../support/requests.ts'
import { startServer, type TestServer } from '../../support/server.ts'
import { retryAfter, tally, times } from '../../support/tally.ts'

const limited = '429 too-many-requests'
const wrong = '401 invalid-credentials'

/** Failures of a pair of address and e-mail before the first pause, and of an address with whatever e-mails. */
const free = 20
const freeOfAddress = 100

const [here, elsewhere] = ['192.0.2.1', '198.51.100.1']

const logInFrom = (server: Server, address: string, credentials: { email: string; authKey: string }) =>
  send(server, {
    method: 'POST',
    path: '/api/v1/login',
    headers: { 'X-Forwarded-For': address },
    body: logInBody(credentials),
  })

const guess = (server: Server, address: string, { email }: { email: string }) =>
  logInFrom(server, address, { email, authKey: randomKey() })

describe.each(engines)('wrong logins on %s', (engine) => {
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

  const pass = (ms: number) => vi.setSystemTime(Date.now() + ms)

  /** More than a minute's requests, a few at a time so that none finds the queue before the hashes full. */
  async function guessOften(count: number, address = here, who: { email: string } = owner) {
    const answers: RawAnswer[] = []
    for (let done = 0; done < count; done += 50)
      answers.push(
        ...(await Promise.all(times(Math.min(50, count - done), () => guess(server, address, who)))),
      )
    return answers
  }

  it('end in a pause, exactly, of any number at the same time; the right one has to wait as well', async () => {
    const answers = await guessOften(50)
    expect(tally(answers)).toEqual({ [wrong]: free, [limited]: 50 - free })
    const refused = answers.filter(({ status }) => status === 429)
    for (const answer of refused) {
      expect(retryAfter(answer)).toBeGreaterThanOrEqual(1)
      expect(retryAfter(answer)).toBeLessThanOrEqual(5)
    }
    expect(outcomeOf(await logInFrom(server, here, owner))).toBe(limited)
  })

  it('make the pauses grow, up to a quarter of an hour, and each answer tells the truth about them', async () => {
    await guessOften(free)
    const pauses: number[] = []
    for (let pause = 0; pause < 10; pause++) {
      const refused = await guess(server, here, owner)
      expect(outcomeOf(refused)).toBe(limited)
      pauses.push(retryAfter(refused))
      pass(seconds(retryAfter(refused)) - 1)
      expect(outcomeOf(await guess(server, here, owner))).toBe(limited)
      pass(1)
      // One at a time from now on.
      expect(tally(await guessOften(5))).toEqual({ [wrong]: 1, [limited]: 4 })
    }
    expect(pauses).toEqual([5, 10, 20, 40, 80, 160, 320, 640, 900, 900])
  })

  it('are forgotten after a right one, and after a day', async () => {
    await guessOften(free - 1)
    expect(outcomeOf(await logInFrom(server, here, owner))).toBe('200')
    expect(tally(await guessOften(free))).toEqual({ [wrong]: free })
    pass(seconds(5))
    expect(outcomeOf(await logInFrom(server, here, owner))).toBe('200')
    expect(tally(await guessOften(free + 1))).toEqual({ [wrong]: free, [limited]: 1 })
    // The pauses are short again, too.
    expect(retryAfter(await guess(server, here, owner))).toBe(5)
    pass(hours(24))
    expect(tally(await guessOften(free + 1))).toEqual({ [wrong]: free, [limited]: 1 })
  })

  it('are forgotten after a fresh proof by OPAQUE too, whose beginning counts like that of a login', async () => {
    const { email, password, token, kdf, accountKey } = await newOpaqueAccount(server)
    const begin = () => startProof(server, email, password)
    const beginInVain = async (count: number) => {
      for (let begun = 0; begun < count; begun++) await begin()
    }
    const opaque = await choosePassword(server, { token }, password)
    const change = async (proof: object) =>
      outcomeOf(
        await post(
          server,
          'account/password',
          { current: { opaque: proof }, kdf, accountKey, opaque },
          token,
        ),
      )
    await beginInVain(free - 1)
    expect(await change(await begin())).toBe('200')
    await beginInVain(free - 1)
    // Begun as often as is free: who is wrong now, waits.
    const { handshake } = await begin()
    expect(await change({ handshake, finish: Buffer.alloc(64).toString('base64url') })).toBe(wrong)
    const { startLoginRequest: request } = library.startLogin({ password })
    expect(outcomeOf(await post(server, 'opaque/login', { email, request }))).toBe(limited)
    pass(seconds(5))
    const remove = { method: 'DELETE', path: '/api/v1/account', token, body: { opaque: await begin() } }
    expect(outcomeOf(await send(server, remove))).toBe('204')
    await beginInVain(free)
  })

  it('slow down neither other accounts, nor other addresses, nor other networks', async () => {
    await guessOften(free + 10)
    // At once: the pause in memory ends by the real clock, which this test does not hold.
    expect(outcomeOf(await guess(server, here, owner))).toBe(limited)
    const other = await newAccount(server)
    expect(outcomeOf(await logInFrom(server, here, other))).toBe('200')
    expect(outcomeOf(await logInFrom(server, elsewhere, owner))).toBe('200')
    await guessOften(free, '2001:db8::1')
    expect(outcomeOf(await logInFrom(server, '2001:db8::2', owner))).toBe(limited)
    expect(outcomeOf(await logInFrom(server, '2001:db8:0:1::2', owner))).toBe('200')
  })

  it('tell nothing of whether there is an account', async () => {
    const nobody = registration()
    const outcomes = async (who: { email: string }) =>
      (await guessOften(30, here, who)).map((answer) => [outcomeOf(answer), answer.headers['retry-after']])
    const sorted = (all: unknown[]) => all.map((one) => JSON.stringify(one)).sort()
    expect(sorted(await outcomes(nobody))).toEqual(sorted(await outcomes(owner)))
    // However the e-mail is written.
    expect(outcomeOf(await guess(server, here, { email: ` ${owner.email.toUpperCase()}` }))).toBe(limited)
  })

  it('of one address are limited over all accounts, and right ones do not count', async () => {
    for (let turn = 0; turn < 3; turn++)
      expect(tally(await Promise.all(times(free, () => logInFrom(server, here, owner))))).toEqual({
        '200': free,
      })
    const spray = (count: number) => Promise.all(times(count, () => guess(server, here, registration())))
    const answers = [...(await spray(50)), ...(await spray(60))]
    expect(tally(answers)).toEqual({ [wrong]: freeOfAddress, [limited]: 10 })
    const refused = await logInFrom(server, here, owner)
    expect(outcomeOf(refused)).toBe(limited)
    expect(retryAfter(refused)).toBe(600)
    pass(minutes(10))
    expect(outcomeOf(await logInFrom(server, here, owner))).toBe('200')
  })
})

describe('two servers on one Postgres', () => {
  it('count the failures of a pair together', async () => {
    const environment = { RATE_LIMITS: 'on', TRUST_PROXY: '127.0.0.1' }
    const first = await startServer('postgres', { environment })
    const second = await startServer('postgres', { environment, database: first.database })
    try {
      const nobody = registration()
      const answers = await Promise.all(times(60, (turn) => guess(turn % 2 ? first : second, here, nobody)))
      expect(tally(answers)).toEqual({ [wrong]: free, [limited]: 60 - free })
    } finally {
      await second.close()
      await first.close()
    }
  })
})
