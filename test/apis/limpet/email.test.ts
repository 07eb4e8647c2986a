// E-mail with a real SMTP server: confirmation, hint and notices; what strangers learn, and what happens while mail cannot be sent.
import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { minutes, seconds } from '../../../src/clock.ts'
import { Account, Registered } from '../../../src/contract/accounts.ts'
import { ServerInfo } from '../../../src/contract/server.ts'
import { logIn, logInBody, registration } from '../../support/accounts.ts'
import { createDatabase, engines, type TestDatabase } from '../../support/database.ts'
import { freePort } from '../../support/free-port.ts'
import { type MailServer, mailFrom, startMailServer, tokenIn } from '../../support/mail.ts'
import { operatorOf } from '../../support/operator.ts'
import { bodyOf, outcomeOf, send } from '../../support/requests.ts'
import { readRows } from '../../support/rows.ts'
import { addTotp } from '../../support/second-factors.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'
import { newToken } from '../../support/tokens.ts'

const day = minutes(24 * 60)

describe.each(engines)('e-mail on %s', (engine) => {
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function start(
    settings: {
      verification?: 'required' | 'off'
      refuse?: string[]
      database?: TestDatabase
      clock?: TestClock
      mail?: MailServer
      port?: number
    } = {},
  ) {
    const mail = settings.mail ?? (await startMailServer(settings))
    if (!settings.mail) closing.push(() => mail.close())
    const clock = settings.clock ?? new TestClock()
    const server = await startServer(engine, {
      clock,
      ...(settings.database && { database: settings.database }),
      environment: {
        ...mail.settings,
        EMAIL_VERIFICATION: settings.verification ?? 'required',
      },
    })
    closing.push(() => server.close())
    return { clock, mail, server }
  }

  const register = (server: TestServer, changes: object = {}) =>
    send(server, { method: 'POST', path: '/api/v1/register', body: { ...registration(), ...changes } })

  const post = (server: TestServer, path: string, body: object) =>
    send(server, { method: 'POST', path: `/api/v1/email/${path}`, body })

  const attempt = async (server: TestServer, body: ReturnType<typeof registration>) =>
    outcomeOf(await send(server, { method: 'POST', path: '/api/v1/login', body: logInBody(body) }))

  it('confirms an address by the link in the mail, before which nobody gets in', async () => {
    const { mail, server } = await start()
    const body = registration()
    expect((await register(server, body)).status).toBe(201)
    const received = await mail.next()
    expect(received).toMatchObject({
      from: mailFrom,
      to: [body.email],
      subject: 'Confirm your e-mail address',
    })
    expect(received.text).toContain(`${server.url}/confirm#`)
    // There is no account yet, and whether the password fits tells nothing.
    expect(await attempt(server, body)).toBe('401 invalid-credentials')
    const token = tokenIn(received)
    expect((await post(server, 'confirm', { token })).status).toBe(204)
    expect((await post(server, 'confirm', { token })).status).toBe(204)
    const session = await logIn(server, body)
    const account = await send(server, { path: '/api/v1/account', token: session.token })
    expect(bodyOf(Account, account).emailVerified).toBe(true)
    expect(JSON.stringify(await readRows(server.database))).not.toContain(token)
    for (const secret of [token, body.email]) expect(server.log()).not.toContain(secret)
  })

  it('takes no link that is too old, changed, or of another account', async () => {
    const { clock, mail, server } = await start()
    await register(server)
    const mine = tokenIn(await mail.next())
    await register(server)
    const other = tokenIn(await mail.next())
    const changed = [mine.slice(0, 29) + other.slice(29), `${mine[0] === 'A' ? 'B' : 'A'}${mine.slice(1)}`]
    for (const token of changed)
      expect(outcomeOf(await post(server, 'confirm', { token }))).toBe('403 invalid-confirmation')
    clock.advance(day - 1)
    expect((await post(server, 'confirm', { token: other })).status).toBe(204)
    clock.advance(1)
    expect(outcomeOf(await post(server, 'confirm', { token: mine }))).toBe('403 invalid-confirmation')
  })

  it('sends the confirmation again to whoever needs it, and tells nobody who that is', async () => {
    const { mail, server } = await start()
    const body = registration()
    await register(server, body)
    await mail.next()
    const answers = [
      await post(server, 'resend', { email: body.email }),
      await post(server, 'resend', { email: `${randomUUID()}@example.com` }),
      await post(server, 'hint', { email: body.email }),
      await post(server, 'hint', { email: `${randomUUID()}@example.com` }),
    ]
    for (const { status, text } of answers) expect([status, text]).toEqual([202, ''])
    const again = await mail.next()
    expect(again.to).toEqual([body.email])
    expect((await post(server, 'confirm', { token: tokenIn(again) })).status).toBe(204)
    // Neither the unknown address nor the hint of an address that was not confirmed: the next mail is another one.
    await register(server)
    expect((await mail.next()).subject).toBe('Confirm your e-mail address')
    expect(mail.received.length).toBe(3)
  })

  it('answers a registration alike whether the address has an account; its owner is told by mail', async () => {
    const { mail, server } = await start()
    const body = registration()
    const first = await register(server, body)
    await post(server, 'confirm', { token: tokenIn(await mail.next()) })
    const second = registration()
    const again = await register(server, { ...second, email: body.email })
    const [one, two] = [bodyOf(Registered, first), bodyOf(Registered, again)]
    expect([again.status, Object.keys(two), again.text.length]).toEqual([
      first.status,
      Object.keys(one),
      first.text.length,
    ])
    expect(await mail.next()).toMatchObject({ to: [body.email], subject: 'You have an account already' })
    for (const tried of [{ ...second, email: body.email }, body])
      expect(await attempt(server, tried)).toBe(tried === body ? '200' : '401 invalid-credentials')
  })

  it('sends the hint to the confirmed address alone, and shows it nowhere', async () => {
    const { mail, server } = await start()
    const hint = 'the usual, with a snail'
    const body = { ...registration(), hint }
    await register(server, body)
    await post(server, 'confirm', { token: tokenIn(await mail.next()) })
    expect((await post(server, 'hint', { email: body.email })).status).toBe(202)
    const received = await mail.next()
    expect(received).toMatchObject({ to: [body.email], subject: 'Your password hint' })
    expect(received.text).toContain(hint)
    expect(server.log()).not.toContain(hint)
  })

  it('tells the owner of a device that was not there before, once', async () => {
    const { mail, server } = await start()
    const body = registration()
    await register(server, body)
    await post(server, 'confirm', { token: tokenIn(await mail.next()) })
    await logIn(server, body)
    const login = logInBody(body)
    const withDevice = { ...login, device: { ...login.device, name: 'a strange phone' } }
    for (let time = 0; time < 2; time++)
      expect((await send(server, { method: 'POST', path: '/api/v1/login', body: withDevice })).status).toBe(
        200,
      )
    const received = await mail.next()
    expect(received.subject).toBe('A new device logged in')
    expect(received.text).toContain('"a strange phone"')
    await post(server, 'hint', { email: body.email })
    expect((await mail.next()).subject).toBe('Your password hint')
  })

  it('tells the owner what was changed, in case it was somebody else', async () => {
    const { clock, mail, server } = await start()
    const body = registration()
    await register(server, body)
    await post(server, 'confirm', { token: tokenIn(await mail.next()) })
    const owner = { ...body, ...(await logIn(server, body)) }
    const { id } = await addTotp(server, owner, clock.now())
    const path = `/api/v1/account/second-factors/${id}`
    const removed = { method: 'DELETE', path, token: owner.token, body: { authKey: owner.authKey } }
    expect((await send(server, removed)).status).toBe(204)
    await newToken(server, owner)
    // Asking for the hint wakes the mailer, which otherwise looks every few seconds.
    await post(server, 'hint', { email: body.email })
    const mails = [await mail.next(), await mail.next(), await mail.next(), await mail.next()]
    const changes = mails.filter(({ subject }) => subject === 'Your account was changed')
    expect(changes.map(({ text }) => text.split(/[:.]/)[0]).sort()).toEqual([
      'A personal access token was made, with which a script uses the account',
      'A second factor was added',
      'A second factor was removed',
    ])
  })

  it('keeps what cannot be sent, through a restart, and holds up nobody meanwhile', async () => {
    const port = await freePort()
    const database = await createDatabase(engine)
    closing.push(() => database.remove())
    const clock = new TestClock()
    const environment = {
      SMTP_URL: `smtp://127.0.0.1:${port}`,
      MAIL_FROM: mailFrom,
      SMTP_ALLOW_PLAINTEXT: 'on',
    }
    const before = await startServer(engine, { clock, database, environment })
    const body = registration()
    expect((await register(before, body)).status).toBe(201)
    await logIn(before, body)
    await expect.poll(() => before.log()).toContain('"mail waits"')
    expect(before.log()).toContain('ESOCKET')
    clock.advance(minutes(2))
    // Strangers are told nothing of it: it would tell who has an account.
    expect((await send(before, { path: '/readyz' })).text).toBe('{"status":"ok"}')
    // Its operator is.
    const examined = await operatorOf(database, environment).run('doctor')
    expect(examined.stdout).toContain('warning  outbox: 1 mail waits to be sent')
    await before.stop()
    // However often it has tried by now, it tries again every hour.
    clock.advance(minutes(60))
    const mail = await startMailServer({ port })
    closing.push(() => mail.close())
    const { server } = await start({ clock, database, mail, verification: 'off' })
    const received = await mail.next()
    expect(received.to).toEqual([body.email])
    // Its link is as old as the mail, and not as the registration.
    clock.advance(day - seconds(1))
    expect((await post(server, 'confirm', { token: tokenIn(received) })).status).toBe(204)
    await expect.poll(async () => (await readRows(database)).outbox).toEqual([])
  })

  it('gives up mail to an address that does not exist', async () => {
    const body = registration()
    const { server } = await start({ refuse: [body.email] })
    await register(server, body)
    await expect.poll(() => server.log()).toContain('"mail given up"')
    expect(server.log()).toContain('550')
    expect(server.log()).not.toContain(body.email)
    expect((await readRows(server.database)).outbox).toEqual([])
  })

  it('goes to a mail server by TLS alone, unless the operator says otherwise', async () => {
    const plain = await startMailServer()
    closing.push(() => plain.close())
    const refusing = await startServer(engine, {
      environment: { ...plain.settings, SMTP_ALLOW_PLAINTEXT: 'off' },
    })
    closing.push(() => refusing.close())
    await register(refusing)
    await expect.poll(() => refusing.log()).toContain('"ETLS"')
    expect(refusing.log()).toContain('"mail waits"')
    expect(plain.received).toEqual([])

    const { mail, server } = await start({ mail: await startMailServer({ tls: true }) })
    closing.push(() => mail.close())
    await register(server)
    expect((await mail.next()).secure).toBe(true)
  })

  it('is sent once where several processes share a database', async () => {
    const { clock, mail, server } = await start({ verification: 'off' })
    const { server: other } = await start({ verification: 'off', database: server.database, clock, mail })
    const bodies = Array.from({ length: 12 }, registration)
    await Promise.all(bodies.map((body, index) => register(index % 2 ? server : other, body)))
    for (const _body of bodies) await mail.next()
    await expect.poll(async () => (await readRows(server.database)).outbox).toEqual([])
    expect(mail.received.flatMap(({ to }) => to).sort()).toEqual(bodies.map(({ email }) => email).sort())
  })

  it('lets no header be injected, by address or by name', async () => {
    const { mail, server } = await start({ verification: 'off' })
    for (const email of [
      'ada@example.com\r\nBcc: eve@example.com',
      'ada@example.com,eve@example.com',
      'a b@example.com',
    ])
      expect(outcomeOf(await register(server, { email }))).toBe('400 malformed-request')
    for (const email of ['ada,eve@example.com', '<eve@example.com', 'ada@example.com>'])
      expect(outcomeOf(await register(server, { email })), email).toBe('400 malformed-request')
    const body = registration()
    const login = logInBody(body)
    await register(server, body)
    await mail.next()
    const device = { ...login.device, name: 'x\r\nBcc: eve@example.com' }
    const refused = await send(server, { method: 'POST', path: '/api/v1/login', body: { ...login, device } })
    expect(outcomeOf(refused)).toBe('400 malformed-request')
    expect(mail.received.map(({ raw }) => raw).join()).not.toMatch(/^bcc:/im)
  })

  it('limits what one address is sent, without saying so', async () => {
    const mail = await startMailServer()
    closing.push(() => mail.close())
    const server = await startServer(engine, {
      environment: { ...mail.settings, RATE_LIMITS: 'on' },
    })
    closing.push(() => server.close())
    const body = registration()
    await register(server, body)
    await mail.next()
    for (let time = 0; time < 10; time++)
      expect((await post(server, 'resend', { email: body.email })).status).toBe(202)
    for (let time = 0; time < 5; time++) await mail.next()
    await expect.poll(async () => (await readRows(server.database)).outbox).toEqual([])
    expect(mail.received.length).toBe(6)
  })

  it('is out of the way where there is none', async () => {
    const server = await startServer(engine)
    closing.push(() => server.close())
    const body = registration()
    await register(server, body)
    await logIn(server, body)
    expect(outcomeOf(await register(server, { email: body.email }))).toBe('409 email-taken')
    for (const path of ['resend', 'hint'])
      expect(outcomeOf(await post(server, path, { email: body.email }))).toBe('403 email-off')
    expect(bodyOf(ServerInfo, await send(server, { path: '/api/v1/server' })).emailVerification).toBe('off')
    expect((await readRows(server.database)).outbox).toEqual([])
  })
})
