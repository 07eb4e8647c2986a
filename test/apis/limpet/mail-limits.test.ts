// What one address is sent of each kind of mail, however much of it was caused.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { days } from '../../../src/clock.ts'
import type { MailKind } from '../../../src/store/tables/mail.ts'
import { registration } from '../../support/accounts.ts'
import { engines } from '../../support/database.ts'
import { type MailServer, startMailServer, tokenIn } from '../../support/mail.ts'
import { post } from '../../support/opaque.ts'
import { outcomeOf } from '../../support/requests.ts'
import { readRows, runStatement } from '../../support/rows.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'

/** More than any kind may have in an hour. */
const caused = 32

/** What a row of the outbox is about. */
interface Caused {
  readonly account?: string
  readonly registration?: string
  readonly email?: string
  readonly detail?: string
}

const quoted = (text: string | undefined) => (text === undefined ? 'null' : `'${text}'`)

describe.each(engines)('mail to one address on %s', (engine) => {
  const clock = new TestClock()
  let mail: MailServer
  let server: TestServer
  beforeAll(async () => {
    mail = await startMailServer()
    const environment = { ...mail.settings, EMAIL_VERIFICATION: 'required', RATE_LIMITS: 'on' }
    server = await startServer(engine, { clock, environment })
  })
  afterAll(async () => {
    await server.close()
    await mail.close()
  })

  async function register() {
    const body = registration()
    expect(outcomeOf(await post(server, 'register', body))).toBe('201')
    return { ...body, link: tokenIn(await mail.next()) }
  }

  it('is bounded, of every kind there is', async () => {
    const [owner, one, two] = [await register(), await register(), await register()]
    expect(outcomeOf(await post(server, 'email/confirm', { token: owner.link }))).toBe('204')
    const { accountId: account } = owner
    const [newEmail, goneEmail] = [registration().email, registration().email]
    const soon = clock.now() + days(1)
    await runStatement(
      server.database,
      `insert into email_changes values ('${account}', '${newEmail}', ${soon})`,
    )
    await runStatement(server.database, `insert into account_deletions values ('${account}', ${soon})`)
    const nonce = engine === 'postgres' ? String.raw`'\x00'` : "x'00'"
    await runStatement(
      server.database,
      `insert into mailed_codes values ('${account}', 'proof', ${nonce}, null, 0, ${soon})`,
    )
    const reader = registration().email
    await runStatement(
      server.database,
      `insert into mailed_codes values ('${account}', 'send an-id ${reader}', ${nonce}, null, 0, ${soon})`,
    )
    // A kind that is new has to be put here, with where it goes and how it begins.
    const kinds: Record<MailKind, Caused & { readonly to: string; readonly subject: string }> = {
      confirm: { registration: one.accountId, to: one.email, subject: 'Confirm your e-mail address' },
      'confirm-again': { registration: two.accountId, to: two.email, subject: 'Confirm your e-mail address' },
      'confirm-change': {
        account,
        email: newEmail,
        to: newEmail,
        subject: 'Confirm your new e-mail address',
      },
      hint: { account, to: owner.email, subject: 'Your password hint' },
      'new-device': { account, detail: 'a phone', to: owner.email, subject: 'A new device logged in' },
      'account-changed': {
        account,
        detail: 'hint-changed',
        to: owner.email,
        subject: 'Your account was changed',
      },
      'delete-account': { account, to: owner.email, subject: 'Delete your account?' },
      'deletion-started': { account, to: owner.email, subject: 'Your account will be deleted' },
      'deletion-cancelled': { account, to: owner.email, subject: 'Your account stays' },
      'account-deleted': { email: goneEmail, to: goneEmail, subject: 'Your account was deleted' },
      code: { account, detail: 'proof', to: owner.email, subject: 'Your code' },
      'send-code': {
        account,
        email: reader,
        detail: 'an-id',
        to: reader,
        subject: 'Your code for a Send',
      },
    }
    const now = clock.now()
    const rows = Object.entries(kinds).flatMap(([kind, { account, registration, email, detail }]) =>
      Array.from(
        { length: caused },
        () =>
          `('${randomUUID()}', ${quoted(account)}, ${quoted(registration)}, ${quoted(email)}, '${kind}', ${quoted(detail)}, ${now}, 0, ${now})`,
      ),
    )
    await runStatement(
      server.database,
      `insert into outbox (id, account_id, registration_id, email, kind, detail, created_at, attempts, next_attempt_at) values ${rows.join(', ')}`,
    )
    // Wakes the mailer.
    await post(server, 'register', registration())
    await expect.poll(async () => (await readRows(server.database)).outbox, { timeout: 60_000 }).toEqual([])
    for (const [kind, { to, subject }] of Object.entries(kinds)) {
      const sent = mail.received.filter((one) => one.to.includes(to) && one.subject === subject).length
      expect({ kind, isSent: sent > 0, isBounded: sent <= 30 }).toEqual({
        kind,
        isSent: true,
        isBounded: true,
      })
    }
  })
})
