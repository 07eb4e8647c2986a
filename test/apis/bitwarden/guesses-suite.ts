// Guesses without end at what opens something of Bitwarden's apps: few of them are looked at, and the owner, from elsewhere, is answered as
// ever.
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { minutes } from '../../../src/clock.ts'
import { bitwardenAuthRequestPaths as paths } from '../../../src/contract/bitwarden-paths.ts'
import { pathTo } from '../../../src/contract/paths.ts'
import {
  type BitwardenTestAccount,
  codeIn,
  newAppDevice,
  newBitwardenAccount,
  passwordGrant,
} from '../../support/bitwarden.ts'
import type { Engine } from '../../support/database.ts'
import { type MailServer, startMailServer } from '../../support/mail.ts'
import { bodyOf, type RawAnswer, type RawRequest, send } from '../../support/requests.ts'
import { forgetCounts, readRows } from '../../support/rows.ts'
import { codeAt } from '../../support/second-factors.ts'
import { textSend } from '../../support/sends.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'
import { times } from '../../support/tally.ts'

/** Twenty before the first pause, and one after each: the pauses double. */
const mostBeforePauses = 28

const elsewhere = '198.51.100.1'
const publicKey = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .publicKey.export({ format: 'der', type: 'spki' })
  .toString('base64')
const key = `4.${randomBytes(256).toString('base64')}`
const wrongHash = () => randomBytes(32).toString('base64')
const Made = z.looseObject({ id: z.string(), accessId: z.string() })
const Asked = z.looseObject({ id: z.uuid() })
const Totp = z.looseObject({ key: z.string(), userVerificationToken: z.string() })

/** How many are under way at the same time. */
const atOnce = 20

/** @param count how many guesses there are at a password; of those at other things, 1,000 at the most */
export const manyGuesses = (engine: Engine, count: number) =>
  describe(`up to ${count} guesses at what Bitwarden's apps keep on ${engine}`, {
    timeout: 600_000,
  }, () => {
    const clock = new TestClock()
    let mail: MailServer
    let server: TestServer
    let owner: BitwardenTestAccount
    /** Where the guesses of a test come from. */
    let here = ''
    beforeAll(async () => {
      mail = await startMailServer()
      server = await startServer(engine, { clock, environment: environment() })
    })
    afterAll(async () => {
      await server.close()
      await mail.close()
    })

    const environment = () => ({
      ...mail.settings,
      BITWARDEN_API: 'on',
      RATE_LIMITS: 'on',
      TRUST_PROXY: '127.0.0.1',
    })

    let tests = 0
    beforeEach(async () => {
      here = `192.0.2.${++tests}`
      owner = await newBitwardenAccount(server, clock.now())
    })

    const from = (address: string, request: RawRequest): Promise<RawAnswer> =>
      send(server, { ...request, headers: { ...request.headers, 'X-Forwarded-For': address } })
    const post = (address: string, path: string, body: object, token?: string) =>
      from(address, { method: 'POST', path, body, token })
    const logIn = (address: string, more: object = {}) =>
      from(address, {
        method: 'POST',
        path: '/identity/connect/token',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        raw: new URLSearchParams({ ...passwordGrant(owner, newAppDevice()), ...more }).toString(),
      })

    /** Guesses without end. @returns how many guesses were looked at */
    async function guessOften(
      guess: () => Promise<RawAnswer>,
      many = Math.min(count, 1000),
    ): Promise<number> {
      let looked = 0
      let left = many
      const stranger = async () => {
        while (left-- > 0) {
          const { status, text } = await guess()
          expect([400, 401, 404, 429], text).toContain(status)
          if (status !== 429) looked++
        }
      }
      await Promise.all(times(atOnce, stranger))
      return looked
    }

    /** What is answered once all pauses are over, which go by the time of the machine. */
    async function later(ask: () => Promise<RawAnswer>): Promise<RawAnswer> {
      await forgetCounts(server.database)
      const first = server
      server = await startServer(engine, {
        clock,
        environment: { ...environment(), PUBLIC_URL: first.url },
        database: first.database,
      })
      try {
        return await ask()
      } finally {
        await server.close()
        server = first
      }
    }

    it('at a password', async () => {
      const looked = await guessOften(() => logIn(here, { password: wrongHash() }), count)
      expect(looked).toBeGreaterThanOrEqual(20)
      expect(looked).toBeLessThanOrEqual(mostBeforePauses)
      expect((await logIn(elsewhere)).status).toBe(200)
    })

    it('at the code of an app, by a stranger with the password', async () => {
      const secret = { masterPasswordHash: owner.passwordHash }
      const shown = await post(elsewhere, '/api/two-factor/get-authenticator', secret, owner.token)
      const { key, userVerificationToken } = bodyOf(Totp, shown)
      const body = { key, userVerificationToken, token: codeAt(key, clock.now()) }
      const set = await from(elsewhere, {
        method: 'PUT',
        path: '/api/two-factor/authenticator',
        body,
        token: owner.token,
      })
      expect(set.status, set.text).toBe(200)
      const factor = (twoFactorToken: string) => ({ twoFactorProvider: '0', twoFactorToken })
      let guess = 0
      const looked = await guessOften(() => {
        const code = String(guess++).padStart(6, '0')
        const isRight = [-1, 0, 1].some((step) => codeAt(key, clock.now() + step * 30_000) === code)
        return logIn(here, factor(isRight ? '999999' : code))
      })
      expect(looked).toBeLessThanOrEqual(mostBeforePauses)
      // The code that has enabled it is used up.
      clock.advance(minutes(5))
      // At a device that the account knows the owner does not wait.
      const atHome = { deviceIdentifier: owner.deviceIdentifier }
      const known = await logIn(elsewhere, { ...factor(codeAt(key, clock.now())), ...atHome })
      expect(known.status, known.text).toBe(200)
      clock.advance(minutes(5))
      const right = await later(() => logIn(elsewhere, factor(codeAt(key, clock.now()))))
      expect(right.status, right.text).toBe(200)
    })

    it.each([
      [
        'as older apps open it',
        (id: string, password: string) => post(here, `/api/sends/access/${id}`, { password }),
      ],
      [
        'by a grant',
        (id: string, password: string) =>
          from(here, {
            method: 'POST',
            path: '/identity/connect/token',
            headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
            raw: new URLSearchParams({
              grant_type: 'send_access',
              client_id: 'send',
              scope: 'api.send.access',
              send_id: id,
              password_hash_b64: password,
            }).toString(),
          }),
      ],
    ])('at the password of a Send, %s', async (_, guess) => {
      const password = wrongHash()
      const { accessId } = bodyOf(
        Made,
        await post(elsewhere, '/api/sends', textSend(clock.now(), { password }), owner.token),
      )
      const looked = await guessOften(() => guess(accessId, wrongHash()))
      expect(looked).toBeGreaterThan(0)
      expect(looked).toBeLessThanOrEqual(35)
      expect((await post(elsewhere, `/api/sends/access/${accessId}`, { password })).status).toBe(200)
    })

    it('at the code of a login that another device has let in', async () => {
      const device = newAppDevice()
      expect((await logIn(elsewhere, device)).status).toBe(200)
      const accessCode = 'a code that its device drew'
      const asked = await from(elsewhere, {
        method: 'POST',
        path: `${paths.requests}/`,
        headers: { 'Device-Type': '25', 'Device-Identifier': device.deviceIdentifier },
        body: {
          email: owner.email,
          publicKey,
          deviceIdentifier: device.deviceIdentifier,
          accessCode,
          type: 0,
        },
      })
      const { id } = bodyOf(Asked, asked)
      const approved = await from(elsewhere, {
        method: 'PUT',
        path: pathTo(paths.request, { requestId: id }),
        token: owner.token,
        body: { key, masterPasswordHash: null, deviceIdentifier: randomUUID(), requestApproved: true },
      })
      expect(approved.status, approved.text).toBe(200)
      const code = () => randomBytes(20).toString('hex').slice(0, accessCode.length)
      const login = (password: string) => ({ ...device, authRequest: id, password })
      const looked = await guessOften(() => logIn(here, login(code())))
      expect(looked).toBeGreaterThanOrEqual(20)
      expect(looked).toBeLessThanOrEqual(mostBeforePauses)
      // The code has 25 characters at the least: who asks for the answer with another one is told that there is none.
      const response = (given: string) =>
        `${pathTo(paths.response, { requestId: id })}?code=${encodeURIComponent(given)}`
      await guessOften(async () => {
        const answer = await from(here, { path: response(code()) })
        expect([404, 429]).toContain(answer.status)
        return answer
      })
      expect((await from(elsewhere, { path: response(accessCode) })).status).toBe(200)
      expect((await logIn(elsewhere, login(accessCode))).status).toBe(200)
    })

    it('at the code that a reader of a Send was mailed', async () => {
      const reader = `reader-${randomUUID()}@example.com`
      const request = textSend(clock.now(), { emails: reader, authType: 0 })
      const { accessId } = bodyOf(Made, await post(elsewhere, '/api/sends', request, owner.token))
      const open = (address: string, more: object = {}) =>
        from(address, {
          method: 'POST',
          path: '/identity/connect/token',
          headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
          raw: new URLSearchParams({
            grant_type: 'send_access',
            send_id: accessId,
            email: reader,
            ...more,
          }).toString(),
        })
      const mailed = async () => {
        await open(elsewhere)
        for (;;) {
          const next = await mail.next()
          if (next.to.includes(reader)) return codeIn(next)
        }
      }
      const code = await mailed()
      let guess = 0
      const looked = await guessOften(() => {
        const otp = String(guess++).padStart(6, '0')
        return open(here, { otp: otp === code ? 'another' : otp })
      })
      expect(looked).toBeLessThanOrEqual(35)
      const { mailed_codes: codes = [] } = await readRows(server.database)
      // No more of them than these were compared.
      expect(
        codes.filter(({ account_id: id }) => id === owner.accountId).map(({ attempts }) => Number(attempts)),
      ).toEqual([5])
      // The reader waits until that code has expired, and is mailed another one.
      clock.advance(minutes(16))
      const fresh = await mailed()
      expect((await open(elsewhere, { otp: fresh })).status).toBe(200)
    })

    it('at a mailed code, by somebody with a session', async () => {
      const askForCode = () => post(elsewhere, '/api/accounts/request-otp', {}, owner.token)
      expect((await askForCode()).status).toBe(200)
      let code = ''
      while (code === '') {
        const next = await mail.next()
        if (next.to.includes(owner.email)) code = codeIn(next)
      }
      const wrong = code === '000000' ? '000001' : '000000'
      const right = () => post(elsewhere, '/api/accounts/verify-otp', { otp: code }, owner.token)
      await guessOften(() => post(here, '/api/accounts/verify-otp', { otp: wrong }, owner.token))
      // The right one is no good any more: it could have been the next guess.
      expect((await right()).status).not.toBe(200)
      // The password proves the owner all the same.
      const secret = { masterPasswordHash: owner.passwordHash }
      const proved = await later(() => post(elsewhere, '/api/accounts/verify-password', secret, owner.token))
      expect(proved.status, proved.text).toBe(200)
    })
  })
