// Deleting an account by its mailbox: it waits, the owner's login ends it, and afterwards the address is free.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { days, minutes } from '../../../src/clock.ts'
import { AccountEventList } from '../../../src/contract/accounts.ts'
import { DeletionStarted } from '../../../src/contract/email.ts'
import { ServerInfo } from '../../../src/contract/server.ts'
import { finishDeletions } from '../../../src/domain/identity/account-deletion.ts'
import { systemRandom } from '../../../src/random.ts'
import { openStore } from '../../../src/store/open.ts'
import { logIn, logInBody, registration } from '../../support/accounts.ts'
import { engines } from '../../support/database.ts'
import { databaseOf } from '../../support/fresh-database.ts'
import { type MailServer, startMailServer, tokenIn } from '../../support/mail.ts'
import { post } from '../../support/opaque.ts'
import { operatorOf } from '../../support/operator.ts'
import { bodyOf, outcomeOf, send } from '../../support/requests.ts'
import { readRows } from '../../support/rows.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'

const Listed = z.array(z.object({ email: z.string(), deletesAt: z.string().nullable() }))

describe.each(engines)('deletion by mail on %s', (engine) => {
  const clock = new TestClock()
  let mail: MailServer
  let server: TestServer
  beforeAll(async () => {
    mail = await startMailServer()
    server = await startServer(engine, {
      clock,
      environment: { ...mail.settings, EMAIL_VERIFICATION: 'required' },
    })
  })
  afterAll(async () => {
    await server.close()
    await mail.close()
  })

  const outcome = async (path: string, body: object, at = server) => outcomeOf(await post(at, path, body))

  async function nextAbout(subject: string) {
    for (;;) {
      const received = await mail.next()
      if (received.subject === subject) return received
    }
  }

  async function confirmed(body = registration()) {
    expect(await outcome('register', body)).toBe('201')
    const token = tokenIn(await nextAbout('Confirm your e-mail address'))
    expect(await outcome('email/confirm', { token })).toBe('204')
    return body
  }

  async function asked(email: string): Promise<string> {
    expect(await outcome('email/delete', { email })).toBe('202')
    return tokenIn(await nextAbout('Delete your account?'))
  }

  /** What every server process does each minute. */
  async function finish(processes = 1, accountDeletion: { wait: number } | undefined = { wait: days(7) }) {
    const surroundings = { now: () => clock.now(), onIdleError() {} }
    const { store } = await openStore(databaseOf(server.database), surroundings)
    const config = { accountDeletion, smtp: { url: '', from: '', allowPlaintext: false } }
    const services = { store, random: systemRandom, config }
    try {
      await Promise.all(Array.from({ length: processes }, () => finishDeletions(services, clock.now())))
    } finally {
      await store.close()
    }
  }

  const has = async (email: string) => {
    const { accounts } = await readRows(server.database)
    return accounts?.some((row) => row.email === email)
  }

  it('waits, tells the owner at both ends, and frees the address', async () => {
    const body = await confirmed()
    const { email } = body
    const token = await asked(email)
    const started = bodyOf(DeletionStarted, await post(server, 'email/delete/confirm', { token }))
    expect(Date.parse(started.deletesAt)).toBe(clock.now() + days(7))
    // A second click changes nothing.
    clock.advance(minutes(1))
    expect(bodyOf(DeletionStarted, await post(server, 'email/delete/confirm', { token }))).toEqual(started)
    expect((await nextAbout('Your account will be deleted')).text).toContain(started.deletesAt)
    const users = Listed.parse(await operatorOf(server.database).json('users', 'list'))
    expect(users.find((user) => user.email === email)?.deletesAt).toBe(started.deletesAt)

    clock.advance(days(7) - minutes(1) - 1)
    await finish()
    expect(await has(email)).toBe(true)
    clock.advance(1)
    await finish(3)
    expect(await has(email)).toBe(false)
    const rows = await readRows(server.database)
    expect(rows.vaults?.some(({ id }) => id === body.vault.id)).toBe(false)
    await confirmed({ ...registration(), email })
    expect(await outcome('login', logInBody(body))).toBe('401 invalid-credentials')
    const told = () => mail.received.filter(({ subject }) => subject === 'Your account was deleted')
    await expect.poll(() => told().map(({ to }) => to)).toEqual([[email]])
    for (const secret of [token, email]) expect(server.log()).not.toContain(secret)
  })

  it('is ended by a login of the owner, after which the link works no more', async () => {
    const body = await confirmed()
    const token = await asked(body.email)
    await outcome('email/delete/confirm', { token })
    // Not by a wrong password.
    await outcome('login', logInBody({ ...body, authKey: registration().authKey }))
    expect((await readRows(server.database)).account_deletions?.length).toBe(1)
    clock.advance(minutes(1))
    const { token: access } = await logIn(server, body)
    await nextAbout('Your account stays')
    expect(await outcome('email/delete/confirm', { token })).toBe('403 invalid-confirmation')
    const { events } = bodyOf(
      AccountEventList,
      await send(server, { path: '/api/v1/account/events', token: access }),
    )
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['deletion-started', 'deletion-cancelled']),
    )
    clock.advance(days(8))
    await finish()
    expect(await has(body.email)).toBe(true)
  })

  it('is ended by a click, and by a session that says so', async () => {
    const body = await confirmed()
    const { token } = await logIn(server, body)
    await outcome('email/delete/confirm', { token: await asked(body.email) })
    const keep = tokenIn(await nextAbout('Your account will be deleted'))
    // Each link is for its own purpose.
    expect(await outcome('email/delete/confirm', { token: keep })).toBe('403 invalid-confirmation')
    expect(await outcome('email/delete/cancel', { token: keep })).toBe('204')
    expect(await outcome('email/delete/cancel', { token: keep })).toBe('403 invalid-confirmation')

    await outcome('email/delete/confirm', { token: await asked(body.email) })
    const cancel = { method: 'DELETE', path: '/api/v1/account/deletion', token } as const
    expect(outcomeOf(await send(server, cancel))).toBe('204')
    expect((await readRows(server.database)).account_deletions).toEqual([])
  })

  it('is not for an address that waits for its confirmation, nor for a disabled account', async () => {
    const waiting = registration()
    await outcome('register', waiting)
    await nextAbout('Confirm your e-mail address')
    const disabled = await confirmed()
    const early = await asked(disabled.email)
    await operatorOf(server.database).json('users', 'disable', disabled.email)
    for (const email of [waiting.email, disabled.email, registration().email])
      expect(await outcome('email/delete', { email })).toBe('202')
    expect(await outcome('email/delete/confirm', { token: early })).toBe('403 invalid-confirmation')
    await asked((await confirmed()).email)
    const offers = mail.received.filter(({ subject }) => subject === 'Delete your account?')
    expect(offers.filter(({ to }) => to.includes(waiting.email))).toEqual([])
    expect(offers.filter(({ to }) => to.includes(disabled.email)).length).toBe(1)
  })

  it('is off where the operator says so, and what was started ends', async () => {
    const body = await confirmed()
    const token = await asked(body.email)
    await outcome('email/delete/confirm', { token })
    const environment = { ...mail.settings, ACCOUNT_DELETION_BY_MAIL: 'off' }
    const off = await startServer(engine, { clock, database: server.database, environment })
    try {
      const refused = '403 account-deletion-off'
      const offered = async (at: TestServer) =>
        bodyOf(ServerInfo, await send(at, { path: '/api/v1/server' })).accountDeletionByMail
      expect([await offered(server), await offered(off)]).toEqual(['on', 'off'])
      expect(await outcome('email/delete', { email: body.email }, off)).toBe(refused)
      expect(await outcome('email/delete/confirm', { token }, off)).toBe(refused)
    } finally {
      await off.close()
    }
    await finish(1, undefined)
    expect((await readRows(server.database)).account_deletions).toEqual([])
    expect(await has(body.email)).toBe(true)
  })
})
