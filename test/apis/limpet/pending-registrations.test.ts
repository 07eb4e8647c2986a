// Registrations that wait for their address to be confirmed: nobody keeps anybody else out, and nothing of them is left.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { minutes } from '../../../src/clock.ts'
import { logIn, logInBody, registration } from '../../support/accounts.ts'
import { engines } from '../../support/database.ts'
import { type MailServer, startMailServer, tokenIn, tokensIn } from '../../support/mail.ts'
import { post } from '../../support/opaque.ts'
import { operatorOf } from '../../support/operator.ts'
import { outcomeOf } from '../../support/requests.ts'
import { readRows, runStatement } from '../../support/rows.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'

const hour = minutes(60)
const Code = z.object({ code: z.string() })

describe.each(engines)('registrations of an address on %s', (engine) => {
  const clock = new TestClock()
  let mail: MailServer
  let server: TestServer
  /** A second process on the same database. */
  let other: TestServer
  beforeAll(async () => {
    mail = await startMailServer()
    const environment = { ...mail.settings, EMAIL_VERIFICATION: 'required' }
    server = await startServer(engine, { clock, environment })
    other = await startServer(engine, { clock, environment, database: server.database })
  })
  afterAll(async () => {
    await other.close()
    await server.close()
    await mail.close()
  })

  const register = async (body: object, at = server) => outcomeOf(await post(at, 'register', body))
  const confirm = async (token: string, at = server) => outcomeOf(await post(at, 'email/confirm', { token }))
  const attempt = async (body: ReturnType<typeof registration>) =>
    outcomeOf(await post(server, 'login', logInBody(body)))

  /** The next mail with a link in it; others are notices. */
  async function nextLink(): Promise<string> {
    for (;;) {
      const token = tokenIn(await mail.next())
      if (token !== '') return token
    }
  }

  /** Registers, and takes the link out of the mail. */
  async function registered(changes: object = {}) {
    const body = { ...registration(), ...changes }
    expect(await register(body)).toBe('201')
    return { body, token: await nextLink() }
  }

  beforeEach(() => runStatement(server.database, 'delete from pending_registrations'))

  it('stand side by side, and the one that is confirmed ends the others', async () => {
    const stranger = await registered()
    const { email } = stranger.body
    const owner = await registered({ email })
    expect(await confirm(owner.token)).toBe('204')
    expect(await attempt(owner.body)).toBe('200')
    expect(await confirm(stranger.token)).toBe('403 invalid-confirmation')
    expect(await attempt(stranger.body)).toBe('401 invalid-credentials')
    // Once more, as after an answer that was lost.
    expect(await confirm(owner.token)).toBe('204')
    expect((await readRows(server.database)).pending_registrations).toEqual([])
  })

  it('become one account where two are confirmed at the same moment', async () => {
    const one = await registered()
    const two = await registered({ email: one.body.email })
    const outcomes = await Promise.all([confirm(one.token), confirm(two.token, other)])
    expect(outcomes.sort()).toEqual(['204', '403 invalid-confirmation'])
    expect([await attempt(one.body), await attempt(two.body)].sort()).toEqual([
      '200',
      '401 invalid-credentials',
    ])
  })

  it('become an account with everything that came with them', async () => {
    const { body, token } = await registered({ hint: 'a snail' })
    expect((await readRows(server.database)).accounts?.map(({ email }) => email)).not.toContain(body.email)
    await confirm(token)
    const { token: access } = await logIn(server, body)
    const rows = await readRows(server.database)
    expect(rows.accounts?.find(({ id }) => id === body.accountId)).toMatchObject({ hint: 'a snail' })
    expect(rows.vaults?.find(({ id }) => id === body.vault.id)).toMatchObject({ account_id: body.accountId })
    expect(access).toBeDefined()
  })

  it('run out', async () => {
    const { token } = await registered()
    clock.advance(24 * hour)
    expect(await confirm(token)).toBe('403 invalid-confirmation')
    const { body } = await registered()
    clock.advance(71 * hour)
    await post(server, 'email/resend', { email: body.email })
    const late = tokenIn(await mail.next())
    clock.advance(hour)
    expect(await confirm(late)).toBe('403 invalid-confirmation')
  })

  it('are five of one address at the most, the newest', async () => {
    const first = await registered()
    const { email } = first.body
    const second = await registered({ email })
    for (let count = 0; count < 4; count++) {
      clock.advance(1)
      await registered({ email })
    }
    expect((await readRows(server.database)).pending_registrations?.length).toBe(5)
    expect([await confirm(first.token), await confirm(second.token)].sort()).toEqual([
      '204',
      '403 invalid-confirmation',
    ])
  })

  it('are all in the mail that is asked for once more, each with its time', async () => {
    const one = await registered()
    clock.advance(hour)
    const two = await registered({ email: one.body.email })
    await post(server, 'email/resend', { email: one.body.email })
    const again = await mail.next()
    expect(tokensIn(again).length).toBe(2)
    expect(again.text.match(/Made on/g)?.length).toBe(2)
    // Newest first.
    expect(await confirm(tokenIn(again))).toBe('204')
    expect(await attempt(two.body)).toBe('200')
  })

  it('take no id that is in use, by an account or by another registration', async () => {
    const { body } = await registered()
    for (const taken of [{ accountId: body.accountId }, { vault: body.vault }])
      expect(await register({ ...registration(), ...taken })).toBe('409 id-taken')
    // The same once more is no other one, and its newer content counts.
    const changed = { ...body, authKey: registration().authKey }
    expect(await register(changed)).toBe('201')
    await confirm(await nextLink())
    expect(await attempt(changed)).toBe('200')
  })

  it('give the address to its owner where a stranger made an account for it in an older version', async () => {
    const { body: old, token } = await registered()
    await confirm(token)
    await runStatement(
      server.database,
      `update accounts set email_verified = false where id = '${old.accountId}'`,
    )
    const owner = await registered({ email: old.email })
    expect(await confirm(owner.token)).toBe('204')
    expect([await attempt(owner.body), await attempt(old)]).toEqual(['200', '401 invalid-credentials'])
  })

  it('leave an account alone that was used before addresses had to be confirmed', async () => {
    const { body, token } = await registered()
    await confirm(token)
    await logIn(server, body)
    await runStatement(
      server.database,
      `update accounts set email_verified = false where id = '${body.accountId}'`,
    )
    expect(await attempt(body)).toBe('403 email-unverified')
    await register({ ...registration(), email: body.email })
    const told = await mail.next()
    expect(told.subject).toBe('You have an account already')
    // Its owner can confirm it by that mail.
    expect(await confirm(tokenIn(told))).toBe('204')
    expect(await attempt(body)).toBe('200')
  })

  it('use an invite up when they are confirmed, once', async () => {
    const inviting = await startServer(engine, {
      clock,
      database: server.database,
      environment: { ...mail.settings, EMAIL_VERIFICATION: 'required', REGISTRATION: 'invite' },
    })
    try {
      const { code } = Code.parse(await operatorOf(server.database).json('invite', 'create'))
      const bodies = [registration(), registration()].map((body) => ({ ...body, invite: code }))
      const tokens: string[] = []
      for (const body of bodies) {
        expect(await register(body, inviting)).toBe('201')
        tokens.push(await nextLink())
      }
      const [one = '', two = ''] = tokens
      expect(await confirm(one, inviting)).toBe('204')
      expect(await confirm(two, inviting)).toBe('403 invalid-invite')
      expect(await register({ ...registration(), invite: code }, inviting)).toBe('403 invalid-invite')
      // One that came without an invite, before there had to be one.
      const open = await registered()
      expect(await confirm(open.token, inviting)).toBe('403 invite-required')
      expect(await confirm(open.token)).toBe('204')
    } finally {
      await inviting.close()
    }
  })
})
