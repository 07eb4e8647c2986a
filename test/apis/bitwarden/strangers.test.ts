// What strangers get to see of accounts by the API of Bitwarden's apps: the same for every address. And how an address is confirmed, and
// invited, with apps that know no link and no code of this server.
import { randomBytes, randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { appOver, unusedStore } from '../../support/app.ts'
import {
  type AppRegistration,
  appRegistration,
  askForToken,
  passwordGrant,
  registerApp,
} from '../../support/bitwarden.ts'
import { engines } from '../../support/database.ts'
import { type MailServer, startMailServer, tokenIn } from '../../support/mail.ts'
import { beginLogin } from '../../support/opaque.ts'
import { operatorOf } from '../../support/operator.ts'
import { bodyOf, outcomeOf, type RawAnswer, send } from '../../support/requests.ts'
import { startServer, type TestServer } from '../../support/server.ts'

/** As long as every other address here. */
const nobody = () => `${randomUUID()}@example.com`

/** A value with lengths in place of texts; every member of it stays. */
function shapeOf(value: unknown): unknown {
  if (typeof value === 'string') return value.length
  if (Array.isArray(value)) return value.map(shapeOf)
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).map(([name, member]) => [name, shapeOf(member)])
  return value
}

/** All that can be told apart in an answer: of an error every word, of everything else the shape. */
function visible({ status, headers, text }: RawAnswer) {
  const { 'x-request-id': _id, date: _date, ...fixed } = headers
  const body: unknown = text === '' ? text : JSON.parse(text)
  return { status, headers: fixed, body: status < 400 ? shapeOf(body) : body }
}

const hashOf = ({ masterPasswordAuthentication }: AppRegistration) =>
  masterPasswordAuthentication.masterPasswordAuthenticationHash

const passwordHash = () => randomBytes(32).toString('base64')

describe.each(engines)("strangers at the API of Bitwarden's apps on %s", (engine) => {
  let mail: MailServer
  let server: TestServer
  /** The address of an account of each kind. */
  const known = new Map<string, string>()
  const registrations = new Map<string, AppRegistration>()

  const post = (path: string, body: unknown, at: TestServer = server) =>
    send(at, { method: 'POST', path, body })

  const logIn = (registration: AppRegistration, at: TestServer = server) =>
    askForToken(at, passwordGrant({ email: registration.email, passwordHash: hashOf(registration) }))

  const confirm = async (token: string, at: TestServer = server) =>
    outcomeOf(await post('/api/v1/email/confirm', { token }, at))

  beforeAll(async () => {
    mail = await startMailServer()
    server = await startServer(engine, {
      environment: { ...mail.settings, BITWARDEN_API: 'on', EMAIL_VERIFICATION: 'required' },
    })
    for (const kind of ['confirmed', 'waiting', 'disabled']) {
      const registration = appRegistration()
      expect((await registerApp(server, registration)).status).toBe(200)
      const token = tokenIn(await mail.next())
      if (kind !== 'waiting') expect(await confirm(token)).toBe('204')
      known.set(kind, registration.email)
      registrations.set(kind, registration)
    }
    await operatorOf(server.database).json('users', 'disable', known.get('disabled') ?? '')
  })
  afterAll(async () => {
    await server.close()
    await mail.close()
  })

  const identity = '/identity/accounts'

  /** Whatever anybody can ask about an address, and the status of the answer to all. */
  const questions: [string, number, (email: string) => Promise<RawAnswer>][] = [
    ...[`${identity}/prelogin`, `${identity}/prelogin/password`, '/api/accounts/prelogin'].map(
      (path): [string, number, (email: string) => Promise<RawAnswer>] => [
        `POST ${path}`,
        200,
        (email) => post(path, { email }),
      ],
    ),
    [
      'POST /identity/connect/token',
      400,
      (email) => askForToken(server, passwordGrant({ email, passwordHash: passwordHash() })),
    ],
    [
      `POST ${identity}/register/send-verification-email`,
      200,
      (email) => post(`${identity}/register/send-verification-email`, { email }),
    ],
    [`POST ${identity}/register/finish`, 200, (email) => registerApp(server, appRegistration(email))],
    ...[`${identity}/register`, '/api/accounts/register'].map(
      (path): [string, number, (email: string) => Promise<RawAnswer>] => [
        `POST ${path}`,
        200,
        (email) => {
          const { masterPasswordUnlock, userAsymmetricKeys, ...rest } = appRegistration(email)
          return post(path, {
            ...rest,
            key: masterPasswordUnlock.masterKeyWrappedUserKey,
            keys: userAsymmetricKeys,
          })
        },
      ],
    ),
    [
      'POST /api/accounts/resend-new-device-otp',
      200,
      (email) => post('/api/accounts/resend-new-device-otp', { email, masterPasswordHash: passwordHash() }),
    ],
    ['POST /api/accounts/delete-recover', 200, (email) => post('/api/accounts/delete-recover', { email })],
    ['POST /api/accounts/password-hint', 200, (email) => post('/api/accounts/password-hint', { email })],
    [
      'GET /api/devices/knowndevice',
      200,
      (email) =>
        send(server, {
          path: '/api/devices/knowndevice',
          headers: {
            'X-Request-Email': Buffer.from(email).toString('base64url'),
            'X-Device-Identifier': randomUUID(),
          },
        }),
    ],
    [
      'GET /api/devices/knowndevice/{email}/{identifier}',
      200,
      (email) => send(server, { path: `/api/devices/knowndevice/${email}/${randomUUID()}` }),
    ],
  ]

  it.each(questions)('see the same of every address by %s', async (_name, status, ask) => {
    const expected = await ask(nobody())
    expect(expected.status).toBe(status)
    // Of 256 addresses without an account, 16 are said to have Argon2id: any of the two answers is one of nobody.
    const possible = [visible(expected)]
    for (let round = 0; round < 8; round++) possible.push(visible(await ask(nobody())))
    for (const [kind, email] of known) {
      const own = visible(await ask(email))
      // The rarer of the two is not among so few each time.
      for (let more = 0; more < 300 && !possible.some((one) => isDeepStrictEqual(one, own)); more++)
        possible.push(visible(await ask(nobody())))
      expect(possible, kind).toContainEqual(own)
    }
  })

  it('see of an account that waits or is disabled no more with its password than without', async () => {
    const wrong = visible(
      await askForToken(server, passwordGrant({ email: nobody(), passwordHash: passwordHash() })),
    )
    for (const kind of ['waiting', 'disabled']) {
      const registration = registrations.get(kind)
      if (registration) expect(visible(await logIn(registration)), kind).toEqual(wrong)
    }
    const confirmed = registrations.get('confirmed')
    expect(confirmed && (await logIn(confirmed)).status).toBe(200)
  })

  it('see nothing of these accounts by the native API', async () => {
    const email = known.get('confirmed') ?? ''
    const device = { id: randomUUID(), name: 'test', type: 'other' }
    const questionsOfTheOther: ((email: string) => Promise<RawAnswer>)[] = [
      (email) => post('/api/v1/email/hint', { email }),
      (email) => post('/api/v1/email/resend', { email }),
      (email) => post('/api/v1/email/delete', { email }),
      (email) => post('/api/v1/login', { email, device, authKey: randomBytes(32).toString('base64url') }),
    ]
    const words = ({ status, text }: RawAnswer) => [
      status,
      text === '' ? '' : z.object({ title: z.string(), detail: z.string() }).parse(JSON.parse(text)),
    ]
    for (const ask of questionsOfTheOther) expect(words(await ask(email))).toEqual(words(await ask(nobody())))
    // These two answer everybody as if there were an account, with values that are made up.
    const begun = async (to: string) => visible((await beginLogin(server, to, 'a guess')).answer)
    expect(await begun(email)).toEqual(await begun(nobody()))
    const method = async (to: string) =>
      bodyOf(z.looseObject({ method: z.string() }), await post('/api/v1/prelogin', { email: to })).method
    expect(['authKey', 'opaque']).toContain(await method(email))
    expect(await method(email)).toBe(await method(email))
  })

  it('are asked about by every route that lets them in, or by none for a reason', async () => {
    const silent: Record<string, string> = {
      [`POST ${identity}/register/verification-email-clicked`]:
        'takes a token that was given for the address',
      'GET /api/config': 'the same for everybody',
      'PUT /api/devices/identifier/{identifier}/clear-token': 'does nothing',
      'POST /api/devices/identifier/{identifier}/clear-token': 'does nothing',
    }
    const { apis } = await appOver(unusedStore, { environment: { BITWARDEN_API: 'on' } })
    const own = apis
      .flatMap(({ routes }) => routes)
      .filter(({ path }) => /^\/(?:identity|api\/(?:accounts|config|devices))/.test(path))
    const open: string[] = []
    for (const { method, path } of own) {
      const at = path.replaceAll(/\{\w+\}/g, () => randomUUID())
      if ((await send(server, { method, path: at })).status !== 401) open.push(`${method} ${path}`)
    }
    const asked = new Set([...questions.map(([name]) => name), ...Object.keys(silent)])
    expect(open.filter((name) => !asked.has(name))).toEqual([])
    expect([...asked].filter((name) => !open.includes(name))).toEqual([])
  })

  it('get an account once their address is confirmed, by any app', async () => {
    const registration = appRegistration()
    expect((await registerApp(server, registration)).status).toBe(200)
    const early = await logIn(registration)
    expect([early.status, early.text]).toEqual([400, expect.stringContaining('open the link in the mail')])
    const received = await nextTo(registration.email)
    expect(await confirm(tokenIn(received))).toBe('204')
    expect((await logIn(registration)).status).toBe(200)
    // For the owner of an account it is mail, and for nobody a second account.
    const other = appRegistration(registration.email)
    expect((await registerApp(server, other)).status).toBe(200)
    expect((await nextTo(registration.email)).subject).toBe('You have an account already')
    expect((await logIn(other)).status).toBe(400)
    expect((await logIn(registration)).status).toBe(200)
  })

  /** The next mail to an address; the others are of what was asked before. */
  async function nextTo(email: string) {
    for (;;) {
      const received = await mail.next()
      if (received.to.includes(email)) return received
    }
  }

  it('need an invite of their address where registration is by invite, and confirm that', async () => {
    const clerk = await startMailServer()
    const invited = await startServer(engine, {
      environment: { ...clerk.settings, BITWARDEN_API: 'on', REGISTRATION: 'invite' },
    })
    const operator = operatorOf(invited.database, { REGISTRATION: 'invite' })
    const registration = appRegistration()
    const { code } = z
      .object({ code: z.string() })
      .parse(await operator.json('invite', 'create', '--email', registration.email))
    const uninvited = appRegistration()
    const [first, second] = [await registerApp(invited, uninvited), await registerApp(invited, registration)]
    expect(visible(first)).toEqual(visible(second))
    // Nothing before the mail, and no mail without an invite.
    expect((await logIn(registration, invited)).status).toBe(400)
    const received = await clerk.next()
    expect(received.to).toEqual([registration.email])
    expect(await confirm(tokenIn(received), invited)).toBe('204')
    expect((await logIn(registration, invited)).status).toBe(200)
    expect((await logIn(uninvited, invited)).status).toBe(400)
    // The invite is used up.
    const again = appRegistration()
    const finish = { ...again, emailVerificationToken: code }
    const refused = await post(`${identity}/register/finish`, finish, invited)
    expect([refused.status, JSON.parse(refused.text)]).toMatchObject([400, { object: 'error' }])
    const open = z
      .object({ code: z.string() })
      .parse(await operator.json('invite', 'create', '--email', again.email))
    const clicked = { email: again.email, emailVerificationToken: open.code }
    expect((await post(`${identity}/register/verification-email-clicked`, clicked, invited)).status).toBe(200)
    const byCode = await post(
      `${identity}/register/finish`,
      { ...again, emailVerificationToken: open.code },
      invited,
    )
    expect(byCode.status).toBe(200)
    expect((await logIn(again, invited)).status).toBe(200)
    await invited.close()
    await clerk.close()
  })
})
