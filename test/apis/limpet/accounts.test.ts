// Accounts: registration and what it refuses, and the prelogin of addresses that have none.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Account, PreloginAnswer, Registered, Session } from '../../../src/contract/accounts.ts'
import { minKdf } from '../../../src/sdk/index.ts'
import { fakeEnvelope, logInBody, newAccount, randomKey, registration } from '../../support/accounts.ts'
import { createDatabase, engines } from '../../support/database.ts'
import { bodyOf, outcomeOf, type RawAnswer, send } from '../../support/requests.ts'
import { readRows, readRowsBesideLogs } from '../../support/rows.ts'
import { client, registeredClient, startServer, TestClock, type TestServer } from '../../support/server.ts'

describe.each(engines)('accounts on %s', (engine) => {
  const clock = new TestClock()
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine, { clock })
  })
  afterAll(() => server.close())

  const post = (path: string, body: unknown, to: { url: string } = server) =>
    send(to, { method: 'POST', path: `/api/v1/${path}`, body })
  const register = (body: unknown) => post('register', body)
  const prelogin = async (email: string, to: { url: string } = server) =>
    bodyOf(PreloginAnswer, await post('prelogin', { email }, to))

  it('are registered with their first vault, and described to their owner', async () => {
    const body = registration()
    const answer = await register(body)
    expect(answer.status).toBe(201)
    const createdAt = '2026-01-01T00:00:00.000Z'
    const { accountId, email, kdf, accountKey } = body
    expect(JSON.parse(answer.text)).toEqual({ accountId, email, emailVerified: false, createdAt })
    const session = bodyOf(Session, await post('login', logInBody(body)))
    expect(session).toMatchObject({ tokenType: 'Bearer', expiresIn: 900 })
    expect(session.account).toEqual({ id: accountId, email, accountKey, accountKeyVersion: 1 })
    const token = session.accessToken
    const account = await send(server, { path: '/api/v1/account', token })
    expect(JSON.parse(account.text)).toEqual({
      id: accountId,
      email,
      emailVerified: false,
      createdAt,
      method: 'authKey',
      kdf,
      accountKey,
      accountKeyVersion: 1,
      deletesAt: null,
      quotas: expect.any(Object),
    })
    const vaults = await send(server, { path: '/api/v1/vaults', token })
    expect(JSON.parse(vaults.text)).toEqual({
      vaults: [
        {
          ...body.vault,
          keyVersion: 1,
          dataKeyVersion: 1,
          rotation: null,
          revision: 1,
          itemCount: 0,
          createdAt,
          updatedAt: createdAt,
        },
      ],
      nextCursor: null,
    })
  })

  it('open through the SDK only with their password', async () => {
    const { email, password, account } = await registeredClient(server)
    const again = await client(server).login({ email: ` ${email.toUpperCase()} `, password })
    expect(again.exportKey()).toEqual(account.exportKey())
    const wrong = await client(server)
      .login({ email, password: `${password} ` })
      .catch((error) => error)
    expect(wrong.code).toBe('invalid-credentials')
  })

  it('are found by their address in whatever case, form and white space it is written', async () => {
    const name = randomUUID()
    // An e with an acute accent, composed and decomposed; the Kelvin sign, whose lower case is a k.
    const written = `  J\u0065\u0301r\u00f4me.\u212a.${name}@EXAMPLE.com\t`
    const same = `j\u00e9r\u00f4me.k.${name}@example.com`
    const body = { ...registration(), email: written }
    expect(bodyOf(Registered, await register(body)).email).toBe(same)
    for (const email of [written, same, same.toUpperCase(), same.normalize('NFD'), `${same}\n`]) {
      expect((await prelogin(email)).kdf.salt).toBe(body.kdf.salt)
      expect(outcomeOf(await post('login', logInBody({ ...body, email })))).toBe('200')
      expect(outcomeOf(await register({ ...registration(), email }))).toBe('409 email-taken')
    }
  })

  it.each([
    '',
    ' ',
    'x',
    '@',
    'x@',
    '@x',
    'a b@x',
    'a@b@c',
    'a@x\u0000',
    'a\u0007@x',
    `${'a'.repeat(320)}@x`,
  ])('are not registered for %j', async (email) => {
    expect(outcomeOf(await register({ ...registration(), email }))).toBe('400 malformed-request')
  })

  it('are registered once for an address, an account id and a vault id', async () => {
    const taken = registration()
    expect(outcomeOf(await register(taken))).toBe('201')
    const before = await readRowsBesideLogs(server.database)
    const fresh = registration()
    const vault = { ...fresh.vault, id: taken.vault.id }
    expect(outcomeOf(await register(taken))).toBe('409 email-taken')
    expect(outcomeOf(await register({ ...fresh, email: taken.email }))).toBe('409 email-taken')
    expect(outcomeOf(await register({ ...fresh, accountId: taken.accountId }))).toBe('409 id-taken')
    expect(outcomeOf(await register({ ...fresh, vault }))).toBe('409 id-taken')
    // A refused registration leaves nothing behind, not even half of itself.
    expect(await readRowsBesideLogs(server.database)).toEqual(before)
    expect(outcomeOf(await register(fresh))).toBe('201')
  })

  it('are registered once when many ask at once', async () => {
    const email = `${randomUUID()}@example.com`
    const answers = await Promise.all(Array.from({ length: 6 }, () => register({ ...registration(), email })))
    const outcomes = answers.map(outcomeOf).sort()
    expect(outcomes).toEqual(['201', ...Array.from({ length: 5 }, () => '409 email-taken')])
  })

  it('are told by the server what it accepts at the least', async () => {
    const info: unknown = JSON.parse((await send(server, { path: '/api/v1/server' })).text)
    expect(info).toMatchObject({ minKdf: { memoryKiB: 19_456, iterations: 2, parallelism: 1 } })
    expect(info).not.toHaveProperty('leastKdf')
  })

  const weak = [{ memoryKiB: minKdf.memoryKiB - 1 }, { iterations: minKdf.iterations - 1 }, { memoryKiB: 1 }]
  it.each(weak)('are not registered with %j, nor given it later', async (costs) => {
    const body = registration()
    expect(outcomeOf(await register({ ...body, kdf: { ...body.kdf, ...costs } }))).toBe('400 kdf-too-weak')
    const { token, authKey, email } = await newAccount(server)
    const answer = await send(server, {
      method: 'POST',
      path: '/api/v1/account/password',
      token,
      body: {
        current: { authKey },
        kdf: { ...body.kdf, ...costs },
        authKey: randomKey(),
        accountKey: fakeEnvelope(),
      },
    })
    expect(outcomeOf(answer)).toBe('400 kdf-too-weak')
    expect(outcomeOf(await post('login', logInBody({ email, authKey })))).toBe('200')
  })

  it.each([
    { parallelism: 0 },
    { parallelism: 9 },
    { memoryKiB: 0 },
    { memoryKiB: 1_048_577 },
    { iterations: 0 },
    { iterations: 17 },
    { algorithm: 'argon2i' },
    { algorithm: 'pbkdf2' },
    { salt: 'AAAA' },
  ])('are not registered with parameters out of bounds: %j', async (costs) => {
    const body = registration()
    expect(outcomeOf(await register({ ...body, kdf: { ...body.kdf, ...costs } }))).toBe(
      '400 malformed-request',
    )
  })

  it('are registered with the least and the most costs that a client accepts', async () => {
    for (const costs of [minKdf, { memoryKiB: 1_048_576, iterations: 16, parallelism: 8 }]) {
      const body = registration()
      expect(outcomeOf(await register({ ...body, kdf: { ...body.kdf, ...costs } }))).toBe('201')
    }
  })

  it('are not registered while REGISTRATION is closed; those that are there go on', async () => {
    const account = await newAccount(server)
    const closed = await startServer(engine, {
      clock,
      database: server.database,
      environment: { REGISTRATION: 'closed', PUBLIC_URL: server.url },
    })
    try {
      const before = await readRowsBesideLogs(server.database)
      const info = await send(closed, { path: '/api/v1/server' })
      expect(JSON.parse(info.text)).toMatchObject({ registration: 'closed' })
      // Whether an address is taken is not told either.
      for (const body of [registration(), { ...registration(), email: account.email }])
        expect(outcomeOf(await post('register', body, closed))).toBe('403 registration-closed')
      expect(await readRowsBesideLogs(server.database)).toEqual(before)
      expect(outcomeOf(await post('login', logInBody(account), closed))).toBe('200')
    } finally {
      await closed.close()
    }
  })

  it('that do not exist have a prelogin, the same each time and for each address another', async () => {
    const unknown = `${randomUUID()}@example.com`
    const answer = await prelogin(unknown)
    expect(await prelogin(` ${unknown.toUpperCase()}`)).toEqual(answer)
    expect((await prelogin(`${randomUUID()}@example.com`)).kdf.salt).not.toBe(answer.kdf.salt)
  })

  it('that do not exist have nothing of the account whose address is the next one', async () => {
    const body = registration()
    await register(body)
    expect((await prelogin(body.email)).kdf.salt).toBe(body.kdf.salt)
    for (const email of [body.email.slice(0, -1), `${body.email}x`])
      expect((await prelogin(email)).kdf.salt).not.toBe(body.kdf.salt)
  })

  it('that do not exist have either method, mostly the usual one, and always the same', async () => {
    const emails = Array.from({ length: 120 }, (_, index) => `nobody-${index}@example.com`)
    const methods = await Promise.all(emails.map(async (email) => (await prelogin(email)).method))
    const authKeys = methods.filter((method) => method === 'authKey').length
    expect(authKeys).toBeGreaterThan(0)
    expect(authKeys).toBeLessThan(60)
    expect(await Promise.all(emails.map(async (email) => (await prelogin(email)).method))).toEqual(methods)
  })

  it('that do not exist have the same prelogin after a restart, and another one under another secret', async () => {
    const database = await createDatabase(engine)
    const email = 'nobody@example.com'
    const answers = []
    for (const environment of [{}, {}, { JWT_SECRET: 'another secret of more than thirty-two bytes' }]) {
      const restarted = await startServer(engine, { database, environment })
      answers.push(await prelogin(email, restarted))
      await restarted.stop()
    }
    await database.remove()
    expect(answers[1]).toEqual(answers[0])
    expect(answers[2]?.kdf.salt).not.toBe(answers[0]?.kdf.salt)
  })

  it('that do not exist are of no key at all, not even of that which their verifier was made of', async () => {
    const zeros = Buffer.alloc(32).toString('base64url')
    const guess = await post('login', logInBody({ email: `${randomUUID()}@example.com`, authKey: zeros }))
    expect(outcomeOf(guess)).toBe('401 invalid-credentials')
  })

  it('never show their hint', async () => {
    const hint = `hint ${randomUUID()}`
    const body = { ...registration(), hint }
    const shown: RawAnswer[] = [await register(body), await post('login', logInBody(body))]
    const { accessToken: token, refreshToken } = bodyOf(
      Session,
      shown[1] ?? { text: '', status: 0, headers: {} },
    )
    shown.push(
      await register(body),
      await register({ ...registration(), accountId: body.accountId }),
      await post('prelogin', { email: body.email }),
      await post('login', logInBody({ ...body, authKey: randomKey() })),
      await post('token/refresh', { refreshToken }),
      ...(await Promise.all(
        ['account', 'sessions', 'vaults', `vaults/${body.vault.id}/changes`].map((path) =>
          send(server, { path: `/api/v1/${path}`, token }),
        ),
      )),
    )
    for (const answer of shown) {
      expect(answer.text).not.toContain(hint)
      expect(JSON.stringify(answer.headers)).not.toContain(hint)
    }
    expect(server.log()).not.toContain(hint)
    expect(Account.keyof().options).not.toContain('hint')
    // It is there, so that looking for it means something.
    const { accounts = [] } = await readRows(server.database)
    expect(accounts.filter((row) => row.hint === hint)).toHaveLength(1)
  })

  it.each(['two\nlines', '', 'a'.repeat(201), '\u0000', '\ud800'])(
    'are not registered with the hint %j',
    async (hint) => {
      expect(outcomeOf(await register({ ...registration(), hint }))).toBe('400 malformed-request')
    },
  )
})
