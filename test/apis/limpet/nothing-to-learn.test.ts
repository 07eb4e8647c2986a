// What strangers get to see of an account, whether there is one or not: the same, wherever they ask.
import { randomBytes, randomUUID } from 'node:crypto'
import { client as library, ready } from '@serenity-kit/opaque'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { contract } from '../../../src/apis/limpet/api.ts'
import { defaultKdf, PreloginAnswer } from '../../../src/contract/accounts.ts'
import { handshakeBytes, OpaqueLoginStarted } from '../../../src/contract/opaque.ts'
import { logInBody, newAccount, randomKey, registration } from '../../support/accounts.ts'
import { appOver, unusedStore } from '../../support/app.ts'
import { engines } from '../../support/database.ts'
import { type MailServer, startMailServer, tokenIn } from '../../support/mail.ts'
import { choosePassword, opaqueRegistration, post, startProof } from '../../support/opaque.ts'
import { operatorOf } from '../../support/operator.ts'
import { bodyOf, outcomeOf, type RawAnswer } from '../../support/requests.ts'
import { runStatement } from '../../support/rows.ts'
import { startServer, type TestServer } from '../../support/server.ts'

const password = 'correct horse'
const random = (bytes: number) => randomBytes(bytes).toString('base64url')
/** As long as every other address here. */
const nobody = () => `${randomUUID()}@example.com`

const AnyProblem = z.looseObject({ requestId: z.string() })

/** A value with lengths in place of texts; every member of it stays. */
function shapeOf(value: unknown): unknown {
  if (typeof value === 'string') return value.length
  if (Array.isArray(value)) return value.map(shapeOf)
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).map(([name, member]) => [name, shapeOf(member)])
  return value
}

/** All that can be told apart in an answer: of a problem every word, of everything else the shape. */
function visible(answer: RawAnswer) {
  const { status, headers, text } = answer
  const { 'x-request-id': _id, date: _date, ...fixed } = headers
  const described = { status, headerNames: Object.keys(headers), headers: fixed }
  if (status < 400) return { ...described, body: text === '' ? text : shapeOf(JSON.parse(text)) }
  const { requestId, ...words } = bodyOf(AnyProblem, answer)
  return { ...described, body: words, ofRequest: requestId.length }
}

describe.each(engines)('strangers on %s, where addresses have to be confirmed,', (engine) => {
  let mail: MailServer
  let server: TestServer
  /** The address of an account of each kind. */
  const known = new Map<string, string>()
  /** The right proof of each, where it is a key. */
  const keys = new Map<string, string>()

  beforeAll(async () => {
    await ready
    mail = await startMailServer()
    server = await startServer(engine, {
      environment: { ...mail.settings, EMAIL_VERIFICATION: 'required' },
    })
    const quote = (emails: string[]) => emails.map((email) => `'${email}'`).join(', ')
    for (const state of ['confirmed', 'waiting', 'unverified', 'disabled'])
      for (const method of ['opaque', 'authKey']) {
        const body = method === 'opaque' ? await opaqueRegistration(server, password) : registration()
        const kdf = { ...body.kdf, ...defaultKdf }
        expect((await post(server, 'register', { ...body, kdf, hint: 'a snail' })).status).toBe(201)
        const token = tokenIn(await mail.next())
        if (state !== 'waiting') expect((await post(server, 'email/confirm', { token })).status).toBe(204)
        known.set(`${state}, ${method}`, body.email)
        if ('authKey' in body) keys.set(`${state}, ${method}`, body.authKey)
      }
    // As one of a time before addresses had to be confirmed.
    const unverified = [...known].filter(([kind]) => kind.startsWith('unverified')).map(([, email]) => email)
    await runStatement(
      server.database,
      `update accounts set email_verified = false where email in (${quote(unverified)})`,
    )
    for (const [kind, email] of known)
      if (kind.startsWith('disabled')) await operatorOf(server.database).json('users', 'disable', email)
  })
  afterAll(async () => {
    await server.close()
    await mail.close()
  })

  const startRequest = () => library.startLogin({ password }).startLoginRequest
  const begin = (email: string) => post(server, 'opaque/login', { email, request: startRequest() })
  const begun = async (email: string) => bodyOf(OpaqueLoginStarted, await begin(email))
  const { device } = logInBody({ email: '', authKey: '' })
  const finish = (email: string, handshake: string) =>
    post(server, 'login', { email, device, opaque: { handshake, finish: random(64) } })

  /** Whatever anybody can ask about an address, and what the answer to all is. */
  const questions: [string, string, (email: string) => Promise<RawAnswer>][] = [
    ['POST /opaque/login', '200', begin],
    [
      'POST /opaque/login with what is no message',
      '400 malformed-request',
      (email) => post(server, 'opaque/login', { email, request: Buffer.alloc(96).toString('base64url') }),
    ],
    [
      'POST /opaque/register',
      '200',
      (email) => {
        const { registrationRequest: request } = library.startRegistration({ password })
        return post(server, 'opaque/register', { email, request })
      },
    ],
    [
      'POST /login with a wrong key',
      '401 invalid-credentials',
      (email) => post(server, 'login', logInBody({ email, authKey: randomKey() })),
    ],
    [
      'POST /login with a wrong finish',
      '401 invalid-credentials',
      async (email) => finish(email, (await begun(email)).handshake),
    ],
    [
      'POST /login with a finish for somebody else',
      '401 invalid-credentials',
      async (email) => finish(email, (await begun(nobody())).handshake),
    ],
    [
      'POST /login with a finish of nothing that was begun',
      '401 invalid-credentials',
      (email) => finish(email, random(handshakeBytes)),
    ],
    ['POST /email/hint', '202', (email) => post(server, 'email/hint', { email })],
    ['POST /email/resend', '202', (email) => post(server, 'email/resend', { email })],
    ['POST /email/delete', '202', (email) => post(server, 'email/delete', { email })],
    ['POST /register with a key', '201', (email) => post(server, 'register', { ...registration(), email })],
    [
      'POST /register with a record',
      '201',
      async (email) => {
        const { authKey: _, ...body } = registration()
        return post(server, 'register', {
          ...body,
          email,
          opaque: await choosePassword(server, { email }, 'another'),
        })
      },
    ],
    [
      'POST /register with a key that is too cheap to derive',
      '400 kdf-too-weak',
      (email) => {
        const body = registration()
        return post(server, 'register', { ...body, email, kdf: { ...body.kdf, memoryKiB: 1024 } })
      },
    ],
  ]

  /** Public routes that no question above is about, and why they tell nothing of accounts. */
  const silent: Record<string, string> = {
    'GET /healthz': 'the same for everybody',
    'GET /readyz': 'up or down, and nothing else: email.test.ts looks at it while mail waits',
    'GET /api/v1/server': 'the same for everybody',
    'GET /api/v1/openapi.json': 'the same for everybody',
    'POST /api/v1/prelogin': 'has a test of its own below',
    'POST /api/v1/token/refresh': 'takes a refresh token and no address',
    'POST /api/v1/email/confirm': 'takes a token out of a mail and no address',
    'POST /api/v1/email/delete/confirm': 'takes a token out of a mail and no address',
    'POST /api/v1/email/delete/cancel': 'takes a token out of a mail and no address',
    'POST /api/v1/shares': 'takes no address',
    'HEAD /api/v1/shares/{shareId}': 'takes the random id of a share; whose it is stands in no answer',
    'POST /api/v1/shares/{shareId}/reveal': 'the same',
    'POST /api/v1/shares/{shareId}/ack': 'the same',
    '/': 'a page, the same for everybody',
    '/s/{id}': 'a page, the same for everybody, also where there is no such share',
    '/confirm': 'a page, the same for everybody',
    '/delete-account': 'a page, the same for everybody',
    '/keep-account': 'a page, the same for everybody',
    '/docs': 'a page, the same for everybody',
    '/docs/style.css': 'the same for everybody',
    '/problems/{code}': 'a page, the same for everybody',
    '/assets/{file}': 'the same for everybody',
    '/operator/reflection': 'for the operator, and about the request alone',
    '/api/set_password': 'takes no address: SnapPass mode knows no accounts',
    '/api/set_password/': 'the same',
    '/api/v2/passwords': 'the same',
    '/api/v2/passwords/{token}': 'the same',
    '/{token}': 'the same',
    '/_/_/health': 'the same for everybody',
  }

  it('have a question, or a reason for none, about every route that is open to them', async () => {
    const isOpen = ({ security }: { security?: object[] | undefined }) =>
      (security ?? []).every((choice) => Object.keys(choice).length === 0) ||
      (security ?? []).some((choice) => Object.keys(choice).length === 0)
    const declared = Object.entries(contract(server.url).paths ?? {}).flatMap(([path, operations]) =>
      Object.entries(operations)
        .filter(([, operation]) => isOpen(operation))
        .map(([method]) => `${method.toUpperCase()} ${path}`),
    )
    const { apis } = await appOver(unusedStore, { environment: { SNAPPASS_API: 'on' } })
    const asked = questions.map(([name]) => {
      const [method, path] = name.split(' ')
      return `${method} /api/v1${path}`
    })
    const [, ...others] = apis
    const open = [...declared, ...new Set(others.flatMap(({ routes }) => routes.map(({ path }) => path)))]
    expect(open.filter((name) => !asked.includes(name) && silent[name] === undefined)).toEqual([])
    // What is gone is gone from here as well.
    expect([...asked, ...Object.keys(silent)].filter((name) => !open.includes(name))).toEqual([])
  })

  it.each(questions)('see the same of every address by %s', async (_name, outcome, ask) => {
    const expected = await ask(nobody())
    expect(outcomeOf(expected)).toBe(outcome)
    for (const [kind, email] of [...known, ['nobody', nobody()] as const])
      expect(visible(await ask(email)), kind).toEqual(visible(expected))
  })

  it('see the same of every address by POST /register with ids that they know to be taken', async () => {
    const own = registration()
    expect((await post(server, 'register', own)).status).toBe(201)
    for (const taken of [{ accountId: own.accountId }, { vault: own.vault }]) {
      const ask = (email: string) => post(server, 'register', { ...registration(), ...taken, email })
      const expected = await ask(nobody())
      expect(outcomeOf(expected)).toBe('409 id-taken')
      for (const [kind, email] of known) expect(visible(await ask(email)), kind).toEqual(visible(expected))
    }
    // The same once more, as after an answer that was lost, is no other case.
    expect((await post(server, 'register', own)).status).toBe(201)
  })

  it('see a prelogin of every address that an account could have, and the same each time', async () => {
    const ask = async (email: string) => {
      const answer = await post(server, 'prelogin', { email })
      const { text } = await post(server, 'prelogin', { email: ` ${email.toUpperCase()}` })
      expect(text).toBe(answer.text)
      const { method, kdf } = bodyOf(PreloginAnswer, answer)
      const { salt: _, ...costs } = kdf
      return { method, seen: { ...visible(answer), costs } }
    }
    const answers = new Map<string, Awaited<ReturnType<typeof ask>>>()
    // Of nobody with either method: the names of the methods differ in length.
    while (answers.size < 2) {
      const answer = await ask(nobody())
      answers.set(answer.method, answer)
    }
    for (const [kind, email] of known) {
      const { method, seen } = await ask(email)
      // One that waits has no account yet.
      if (!kind.startsWith('waiting')) expect(kind).toContain(method)
      expect(seen, kind).toEqual(answers.get(method)?.seen)
    }
  })

  it('see of a disabled account no more with its password than without', async () => {
    const wrong = await post(server, 'login', logInBody({ email: nobody(), authKey: randomKey() }))
    const [kind, method] = ['disabled, authKey', 'disabled, opaque']
    const [email = '', authKey = ''] = [known.get(kind), keys.get(kind)]
    const byKey = await post(server, 'login', logInBody({ email, authKey }))
    expect(visible(byKey)).toEqual(visible(wrong))
    const address = known.get(method) ?? ''
    const opaque = await startProof(server, address, password)
    expect(opaque.finish).toBeDefined()
    expect(visible(await post(server, 'login', { email: address, device, opaque }))).toEqual(visible(wrong))
  })

  it('are not the owners, who get in', async () => {
    const email = known.get('confirmed, opaque') ?? ''
    const opaque = await startProof(server, email, password)
    expect((await post(server, 'login', { email, device, opaque })).status).toBe(200)
    await expect(newAccount(server)).rejects.toThrow()
  })
})
