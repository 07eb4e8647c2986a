// Logins that need more than the password: second factors, remembered devices, the recovery code, and the check of new devices.
import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { days, hours, minutes } from '../../../src/clock.ts'
import { bitwardenFactorPaths as paths } from '../../../src/contract/bitwarden-paths.ts'
import {
  askForToken,
  type BitwardenTestAccount,
  codeIn,
  newAppDevice,
  newBitwardenAccount,
  passwordGrant,
  registeredApp,
} from '../../support/bitwarden.ts'
import { engines } from '../../support/database.ts'
import { type MailServer, startMailServer } from '../../support/mail.ts'
import { operatorOf } from '../../support/operator.ts'
import { bodyOf, send } from '../../support/requests.ts'
import { codeAt, SoftwareAuthenticator } from '../../support/second-factors.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'

const RequestOptions = z.object({
  challenge: z.string(),
  timeout: z.int(),
  rpId: z.literal('vault.example'),
  allowCredentials: z.array(z.object({ id: z.string(), type: z.literal('public-key') })),
  userVerification: z.literal('discouraged'),
  status: z.literal('ok'),
  errorMessage: z.literal(''),
})

/** What clients require of the answer that asks for a second factor. */
const Asked = z.object({
  error: z.literal('invalid_grant'),
  error_description: z.literal('Two factor required.'),
  TwoFactorProviders: z.array(z.string()).min(1),
  TwoFactorProviders2: z.object({
    '0': z.null().optional(),
    '1': z.object({ Email: z.string() }).optional(),
    '7': RequestOptions.optional(),
  }),
  SsoEmail2faSessionToken: z.string().optional(),
})

const wrongFactor = {
  error: 'invalid_grant',
  error_description: 'invalid_grant',
  ErrorModel: { Message: 'Two-step token is invalid. Try again.', Object: 'error' },
}

const Session = z.looseObject({
  access_token: z.string(),
  refresh_token: z.string(),
  TwoFactorToken: z.string().optional(),
})

describe.each(engines)("logins of Bitwarden's apps that need more than a password on %s", (engine) => {
  const clock = new TestClock()
  const publicServer = { url: 'https://vault.example' }
  let mail: MailServer
  let server: TestServer
  beforeAll(async () => {
    mail = await startMailServer()
    server = await startServer(engine, {
      clock,
      environment: { ...mail.settings, BITWARDEN_API: 'on', PUBLIC_URL: publicServer.url },
    })
  })
  afterAll(async () => {
    await server.close()
    await mail.close()
  })
  // So that no code of one test is of the same step as that of another one.
  afterEach(() => clock.advance(minutes(2)))

  type App = Pick<BitwardenTestAccount, 'email' | 'passwordHash' | 'token'>
  type Fields = Readonly<Record<string, string>>
  const secretOf = ({ passwordHash }: App) => ({ masterPasswordHash: passwordHash })
  const ask = ({ token }: App, method: 'POST' | 'PUT' | 'DELETE', path: string, body: object) =>
    send(server, { method, path, token, body })
  const logIn = (app: App, fields: Fields = {}, device = newAppDevice()) =>
    askForToken(server, { ...passwordGrant(app, device), ...fields })
  const factor = (provider: number, token: string, remember = '0') => ({
    twoFactorProvider: String(provider),
    twoFactorToken: token,
    twoFactorRemember: remember,
  })
  async function asked(app: App) {
    const answer = await logIn(app)
    expect(answer.status).toBe(400)
    return bodyOf(Asked, answer)
  }

  async function withTotp() {
    const app = await registeredApp(server)
    const shown = await ask(app, 'POST', paths.readTotp, secretOf(app))
    const { key } = bodyOf(z.object({ key: z.string() }), shown)
    const body = { ...secretOf(app), key, token: codeAt(key, clock.now()) }
    expect((await ask(app, 'PUT', paths.totp, body)).status).toBe(200)
    clock.advance(minutes(1))
    return { app, code: () => codeAt(key, clock.now()) }
  }

  async function withKey() {
    const app = await registeredApp(server)
    const begun = await ask(app, 'POST', paths.beginKey, secretOf(app))
    const authenticator = new SoftwareAuthenticator(publicServer)
    const deviceResponse = authenticator.create(JSON.parse(begun.text))
    const added = { ...secretOf(app), id: 1, name: 'Blue key', deviceResponse }
    expect((await ask(app, 'PUT', paths.keys, added)).status).toBe(200)
    return { app, authenticator }
  }

  /** The code in the next mail to an address that has one. */
  async function mailedCode(email: string) {
    for (;;) {
      const next = await mail.next()
      if (next.to.includes(email) && codeIn(next) !== '') return codeIn(next)
    }
  }

  it('asks for the code of an app, and takes each once', async () => {
    const { app, code } = await withTotp()
    const { TwoFactorProviders, TwoFactorProviders2 } = await asked(app)
    expect([TwoFactorProviders, TwoFactorProviders2]).toEqual([['0'], { '0': null }])
    const right = code()
    const wrong = await logIn(app, factor(0, String((Number(right) + 1) % 1_000_000).padStart(6, '0')))
    expect([wrong.status, JSON.parse(wrong.text)]).toEqual([400, wrongFactor])
    const spaced = `${right.slice(0, 3)} ${right.slice(3)}`
    expect((await logIn(app, factor(0, spaced))).status).toBe(200)
    expect((await logIn(app, factor(0, right))).status).toBe(400)
  })

  it('says nothing of factors to a stranger without the password', async () => {
    const { app, code } = await withTotp()
    const stranger = await registeredApp(server)
    const guess = { email: app.email, passwordHash: stranger.passwordHash }
    const unknown = { email: `${randomUUID()}@example.com`, passwordHash: stranger.passwordHash }
    const answers = await Promise.all(
      [guess, unknown].map((who) => askForToken(server, { ...passwordGrant(who), ...factor(0, code()) })),
    )
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  })

  it.each([
    ['no number of a kind', factor(99, '123456')],
    ['none that it has', factor(3, 'cccccccccccc')],
    ['no code', factor(0, 'abcdef')],
    ['no JSON', factor(7, 'x')],
    ['JSON of something else', factor(7, '{"id":1}')],
    ['a recovery code that it is not', factor(8, 'A'.repeat(32))],
    ['a code by mail that nobody was sent', factor(1, '123456')],
    ['a prototype', { twoFactorProvider: 'constructor', twoFactorToken: 'x' }],
  ])('refuses %s', async (_, fields) => {
    const { app } = await withTotp()
    const answer = await logIn(app, fields)
    expect([answer.status, JSON.parse(answer.text)]).toEqual([400, wrongFactor])
  })

  it('remembers a device, and only that one, for a month', async () => {
    const { app, code } = await withTotp()
    const device = newAppDevice()
    const first = bodyOf(Session, await logIn(app, factor(0, code(), '1'), device))
    const token = first.TwoFactorToken ?? ''
    expect(token).toMatch(/^[\w-]{43}$/)
    const again = await logIn(app, factor(5, token), device)
    expect([again.status, bodyOf(Session, again).TwoFactorToken]).toEqual([200, undefined])
    const elsewhere = await logIn(app, factor(5, token))
    expect([elsewhere.status, bodyOf(Asked, elsewhere).TwoFactorProviders]).toEqual([400, ['0']])
    expect((await logIn(app, factor(5, 'x'), device)).status).toBe(400)
    clock.advance(days(31))
    expect((await logIn(app, factor(5, token), device)).status).toBe(400)
  })

  it('forgets remembered devices when factors change', async () => {
    const { app, code } = await withTotp()
    const device = newAppDevice()
    const session = bodyOf(Session, await logIn(app, factor(0, code(), '1'), device))
    const token = session.TwoFactorToken ?? ''
    const begun = await ask(app, 'POST', paths.beginKey, secretOf(app))
    const deviceResponse = new SoftwareAuthenticator(publicServer).create(JSON.parse(begun.text))
    await ask(app, 'PUT', paths.keys, { ...secretOf(app), id: 1, name: 'Key', deviceResponse })
    const answer = await logIn(app, factor(5, token), device)
    expect([answer.status, bodyOf(Asked, answer).TwoFactorProviders]).toEqual([400, ['0', '7']])
  })

  it('asks a security key, and takes each answer once', async () => {
    const { app, authenticator } = await withKey()
    const options = (await asked(app)).TwoFactorProviders2['7']
    expect(options?.allowCredentials.map(({ id }) => id)).toEqual([authenticator.id.toString('base64url')])
    const { response, ...credential } = authenticator.get(options)
    const { clientDataJSON, ...rest } = z.looseObject({ clientDataJSON: z.string() }).parse(response)
    const token = JSON.stringify({
      ...credential,
      extensions: {},
      response: { ...rest, clientDataJson: clientDataJSON },
    })
    expect((await logIn(app, factor(7, token))).status).toBe(200)
    expect((await logIn(app, factor(7, token))).status).toBe(400)
  })

  it('refuses an answer to the challenge of another account, and from another origin', async () => {
    const { app, authenticator } = await withKey()
    const other = await withKey()
    const strangers = (await asked(other.app)).TwoFactorProviders2['7']
    const own = (await asked(app)).TwoFactorProviders2['7']
    for (const answer of [authenticator.get(strangers), authenticator.get(own, 'https://evil.example')])
      expect((await logIn(app, factor(7, JSON.stringify(answer)))).status).toBe(400)
  })

  it('removes every factor by the recovery code, which works once', async () => {
    const { app } = await withTotp()
    const shown = await ask(app, 'POST', paths.readRecoveryCode, secretOf(app))
    const { code } = bodyOf(z.object({ code: z.string() }), shown)
    const spelled = code.toLowerCase().replaceAll(/(.{4})/g, '$1 ')
    // Of several at the same time one has it.
    const answers = await Promise.all([1, 2, 3].map(() => logIn(app, factor(8, spelled))))
    expect(answers.map(({ status }) => status)).toContain(200)
    expect((await logIn(app)).status).toBe(200)
    const next = await ask(app, 'POST', paths.readRecoveryCode, secretOf(app))
    expect(bodyOf(z.object({ code: z.string() }), next).code).not.toBe(code)
  })

  it('mails a code, asked for by the password or by the token of the login', async () => {
    const app = await registeredApp(server)
    const email = `codes-${randomUUID()}@example.com`
    const body = { ...secretOf(app), email }
    expect((await ask(app, 'POST', paths.mailAddressCode, body)).status).toBe(200)
    const wrong = await ask(app, 'PUT', paths.email, { ...body, token: 'x' })
    expect(wrong.status).toBe(400)
    const set = await ask(app, 'PUT', paths.email, { ...body, token: await mailedCode(email) })
    expect([set.status, JSON.parse(set.text)]).toMatchObject([200, { email, enabled: true }])

    const { TwoFactorProviders2, SsoEmail2faSessionToken = '' } = await asked(app)
    expect(TwoFactorProviders2).toEqual({ '1': { Email: 'co***@example.com' } })
    const askForCode = (members: object) =>
      send(server, { method: 'POST', path: paths.mailLoginCode, body: { email: app.email, ...members } })
    expect((await askForCode({ MasterPasswordHash: app.passwordHash })).status).toBe(200)
    const code = await mailedCode(email)
    const byToken = { masterPasswordHash: '', ssoEmail2faSessionToken: SsoEmail2faSessionToken }
    expect((await askForCode(byToken)).status).toBe(200)
    expect(await mailedCode(email)).toBe(code)
    expect((await logIn(app, factor(1, code))).status).toBe(200)
    expect((await logIn(app, factor(1, code))).status).toBe(400)
  })

  it('mails nothing to a stranger who has not proved the password', async () => {
    const app = await registeredApp(server)
    const stranger = await registeredApp(server)
    for (const members of [
      {},
      { masterPasswordHash: stranger.passwordHash },
      { ssoEmail2faSessionToken: 'x' },
    ])
      for (const [path, status] of [
        [paths.mailLoginCode, 400],
        // Apps expect the same answer always.
        [paths.mailDeviceCode, 200],
      ] as const) {
        const body = { email: app.email, ...members }
        expect((await send(server, { method: 'POST', path, body })).status).toBe(status)
      }
  })

  it('names the address of codes in the form that a web vault reads', async () => {
    const app = await registeredApp(server)
    const read = async (version: string) =>
      JSON.parse(
        (
          await send(server, {
            method: 'POST',
            path: paths.readEmail,
            token: app.token,
            headers: { 'Bitwarden-Client-Version': version },
            body: secretOf(app),
          })
        ).text,
      )
    expect(await read('2026.7.0')).toMatchObject({ email: null, enabled: false })
    const nested = { email: { email: null, enabled: false }, userVerificationToken: expect.any(String) }
    for (const version of ['2026.8.0', '2027.1.0']) expect(await read(version)).toMatchObject(nested)
  })

  describe('the check of new devices', () => {
    const unverified = {
      error: 'device_error',
      error_description: 'New device verification required',
      ErrorModel: { Message: 'new device verification required', Object: 'error' },
    }

    const confirmed = () => newBitwardenAccount({ ...server, url: publicServer.url }, clock.now())

    it('asks an unknown device for a mailed code, after the first day', async () => {
      const app = await confirmed()
      const known = newAppDevice()
      expect((await logIn(app, {}, known)).status).toBe(200)
      expect((await logIn(app)).status).toBe(200)
      clock.advance(hours(25))
      expect((await logIn(app, {}, known)).status).toBe(200)
      const device = newAppDevice()
      const first = await logIn(app, {}, device)
      expect([first.status, JSON.parse(first.text)]).toEqual([400, unverified])
      const code = await mailedCode(app.email)
      const wrong = await logIn(app, { newDeviceOtp: code === '000000' ? '000001' : '000000' }, device)
      expect(JSON.parse(wrong.text)).toMatchObject({
        error: 'device_error',
        error_description: 'invalid new device otp',
      })
      const mailAgain = (masterPasswordHash: string) => {
        const body = { email: app.email, masterPasswordHash }
        return send(server, { method: 'POST', path: paths.mailDeviceCode, body })
      }
      expect((await mailAgain(randomBytes(32).toString('base64'))).status).toBe(200)
      expect((await mailAgain(app.passwordHash)).status).toBe(200)
      expect(await mailedCode(app.email)).toBe(code)
      // The wrong password had nothing mailed.
      const codes = mail.received.filter((sent) => sent.to.includes(app.email) && codeIn(sent) !== '')
      expect(codes.map(({ subject, text }) => [subject, text])).toHaveLength(2)
      expect((await logIn(app, { newDeviceOtp: code }, device)).status).toBe(200)
      expect((await logIn(app, {}, device)).status).toBe(200)
      expect((await logIn(app, { newDeviceOtp: code })).status).toBe(400)
    })

    it('is switched off by the owner', async () => {
      const app = await confirmed()
      const body = { ...secretOf(app), verifyDevices: false }
      expect((await ask(app, 'PUT', paths.deviceCheck, body)).status).toBe(200)
      clock.advance(hours(25))
      expect((await logIn(app)).status).toBe(200)
    })
  })

  it('lets the owner in after the operator has removed the factors', async () => {
    const { app, code } = await withTotp()
    const device = newAppDevice()
    const { TwoFactorToken } = bodyOf(Session, await logIn(app, factor(0, code(), '1'), device))
    expect(TwoFactorToken).toBeDefined()
    const recovery = async () => (await ask(app, 'POST', paths.readRecoveryCode, secretOf(app))).text
    const revision = async () =>
      Number((await send(server, { path: '/api/accounts/revision-date', token: app.token })).text)
    const [before, revisionBefore] = [await recovery(), await revision()]
    await operatorOf(server.database).json('users', 'reset-factors', app.email)
    expect(await revision()).toBeGreaterThan(revisionBefore)
    expect((await logIn(app)).status).toBe(200)
    expect(await recovery()).not.toBe(before)
  })
})
