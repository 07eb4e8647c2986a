// Another e-mail address, another hint: with the password, confirmed at the new address, told to the old one.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PreloginAnswer, Session } from '../../../src/contract/accounts.ts'
import { logIn, logInBody, registration } from '../../support/accounts.ts'
import { engines } from '../../support/database.ts'
import { type MailServer, startMailServer, tokenIn } from '../../support/mail.ts'
import {
  choosePassword,
  makeRecordOld,
  newOpaqueAccount,
  opaqueLogin,
  opaqueRegistration,
  post,
  startProof,
} from '../../support/opaque.ts'
import { bodyOf, outcomeOf, send } from '../../support/requests.ts'
import { readRows } from '../../support/rows.ts'
import { client, quickRegistration, startServer, TestClock, type TestServer } from '../../support/server.ts'

const password = 'lamp orchid violin 47 harbour'
const newAddress = () => registration().email

describe.each(engines)('the address of an account on %s', (engine) => {
  let mail: MailServer
  let server: TestServer
  beforeAll(async () => {
    mail = await startMailServer()
    server = await startServer(engine, {
      clock: new TestClock(),
      environment: { ...mail.settings, EMAIL_VERIFICATION: 'required' },
    })
  })
  afterAll(async () => {
    await server.close()
    await mail.close()
  })

  async function nextTo(email: string) {
    for (;;) {
      const received = await mail.next()
      if (received.to.includes(email)) return received
    }
  }

  /** The next link that comes to an address; other mails are notices. */
  async function nextLink(email: string): Promise<string> {
    for (;;) {
      const token = tokenIn(await nextTo(email))
      if (token !== '') return token
    }
  }

  const confirm = async (token: string) => outcomeOf(await post(server, 'email/confirm', { token }))

  async function confirmed<Body extends { email: string }>(body: Body): Promise<Body> {
    await post(server, 'register', body)
    expect(await confirm(await nextLink(body.email))).toBe('204')
    return body
  }

  async function owner() {
    const body = await confirmed(registration())
    return { ...body, ...(await logIn(server, body)) }
  }

  const change = async ({ token, authKey }: { token: string; authKey: string }, email: string) =>
    outcomeOf(await post(server, 'account/email', { current: { authKey }, email }, token))

  it('changes once the new one is confirmed, and the old one is told', async () => {
    const ada = await owner()
    const email = newAddress()
    expect(await change(ada, email)).toBe('202')
    const link = await nextLink(email)
    expect(outcomeOf(await post(server, 'login', logInBody(ada)))).toBe('200')
    expect([await confirm(link), await confirm(link)]).toEqual(['204', '204'])
    expect(outcomeOf(await post(server, 'login', logInBody(ada)))).toBe('401 invalid-credentials')
    await logIn(server, { ...ada, email })
    await expect
      .poll(() =>
        mail.received.filter(({ to }) => to.includes(ada.email)).map(({ text }) => text.slice(0, 30)),
      )
      .toEqual(expect.arrayContaining(['A session of the account wants', 'The account has another e-mail']))
    // The session from before goes on, and the old address is free.
    expect((await send(server, { path: '/api/v1/account', token: ada.token })).status).toBe(200)
    await post(server, 'register', { ...registration(), email: ada.email })
    await expect
      .poll(() => mail.received.filter(({ to }) => to.includes(ada.email)).at(-1)?.subject)
      .toBe('Confirm your e-mail address')
    for (const secret of [link, email]) expect(server.log()).not.toContain(secret)
  })

  it('needs the password', async () => {
    const ada = await owner()
    const refused = await change({ ...ada, authKey: registration().authKey }, newAddress())
    expect(refused).toBe('401 invalid-credentials')
    expect((await readRows(server.database)).email_changes).toEqual([])
  })

  it('does not change to one that is taken, which only its owner learns', async () => {
    const [ada, eve] = [await owner(), await owner()]
    expect(await change(eve, ada.email)).toBe('202')
    expect((await nextTo(ada.email)).subject).toBe('You have an account already')
  })

  it('does not change where another account was quicker', async () => {
    const ada = await owner()
    const email = newAddress()
    await change(ada, email)
    const link = await nextLink(email)
    await confirmed({ ...registration(), email })
    expect(await confirm(link)).toBe('403 invalid-confirmation')
  })

  it('does not change by the link of an earlier change, nor after a new password', async () => {
    const ada = await owner()
    const [first, second] = [newAddress(), newAddress()]
    await change(ada, first)
    const old = await nextLink(first)
    await change(ada, second)
    expect(await confirm(old)).toBe('403 invalid-confirmation')
    const link = await nextLink(second)
    const { authKey, kdf, accountKey } = registration()
    const next = { current: { authKey: ada.authKey }, authKey, kdf, accountKey }
    expect((await post(server, 'account/password', next, ada.token)).status).toBeLessThan(300)
    expect(await confirm(link)).toBe('403 invalid-confirmation')
  })

  it.each(['from before identifiers were stored', 'with an identifier of its own'])(
    'changes without OPAQUE noticing, whatever becomes of the old one, of a record %s',
    async (age) => {
      const body = await confirmed(await opaqueRegistration(server, password))
      if (age.startsWith('from before')) await makeRecordOld(server.database, { ...body, password })
      const { accessToken: token } = bodyOf(Session, await opaqueLogin(server, body.email, password))
      const email = newAddress()
      const current = { opaque: await startProof(server, body.email, password) }
      expect(outcomeOf(await post(server, 'account/email', { current, email }, token))).toBe('202')
      expect(await confirm(await nextLink(email))).toBe('204')
      expect(outcomeOf(await opaqueLogin(server, email, password))).toBe('200')
      const salt = async (address: string) =>
        bodyOf(PreloginAnswer, await post(server, 'prelogin', { email: address })).kdf.salt
      expect(await salt(email)).toBe(body.kdf.salt)
      // The old one answers as an address without an account does: always the same, and nothing of the account.
      expect(await salt(body.email)).toBe(await salt(body.email))
      expect(await salt(body.email)).not.toBe(body.kdf.salt)
      const { authKey: _, ...other } = registration()
      const opaque = await choosePassword(server, { email: body.email }, 'another')
      await confirmed({ ...other, email: body.email, opaque })
      expect(outcomeOf(await opaqueLogin(server, body.email, 'another'))).toBe('200')
      expect(outcomeOf(await opaqueLogin(server, email, password))).toBe('200')
    },
  )
})

describe.each(engines)('the address of an account on %s, where no mail is sent,', (engine) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(engine)
  })
  afterAll(() => server.close())

  it('changes at once, in the SDK too, and a taken one is refused', async () => {
    const [email, next] = [newAddress(), newAddress()]
    const limpet = client(server)
    await limpet.register({ email, password, ...quickRegistration })
    const account = await limpet.login({ email, password })
    const taken = await newOpaqueAccount(server)
    await expect(account.changeEmail(password, taken.email)).rejects.toMatchObject({ code: 'email-taken' })
    expect(await account.changeEmail(password, next)).toEqual({ isConfirmationNeeded: false })
    await account.setHint(password, 'a snail')
    expect((await account.details()).email).toBe(next)
    await limpet.login({ email: next, password })
    const hint = async () => {
      const { accounts } = await readRows(server.database)
      return accounts?.find((row) => row.email === next)?.hint
    }
    expect(await hint()).toBe('a snail')
    await account.setHint(password, null)
    expect(await hint()).toBeNull()
    await expect(account.setHint('wrong', 'x')).rejects.toMatchObject({ code: 'invalid-credentials' })
  })
})
