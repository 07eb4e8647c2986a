// A database of version 0.2 with rows in every table: after the upgrade everything is there, and works.
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { seconds } from '../../src/clock.ts'
import { Account, AccountEventList } from '../../src/contract/accounts.ts'
import { ItemPage } from '../../src/contract/vaults.ts'
import { hashSecret } from '../../src/domain/secret-hash.ts'
import { migrationNames } from '../../src/store/migrate.ts'
import { openStore } from '../../src/store/open.ts'
import { fakeEnvelope, logIn, logInBody, newAccount, registration } from '../support/accounts.ts'
import { createDatabase, createDatabaseWithoutTables, engines } from '../support/database.ts'
import { databaseOf } from '../support/fresh-database.ts'
import { startMailServer } from '../support/mail.ts'
import { copyAsBefore } from '../support/old-database.ts'
import { makeRecordOld, newOpaqueAccount, opaqueLogin, post } from '../support/opaque.ts'
import { bodyOf, outcomeOf, send } from '../support/requests.ts'
import { readRows, runStatement } from '../support/rows.ts'
import { addTotp, codeAt } from '../support/second-factors.ts'
import { startServer, TestClock } from '../support/server.ts'
import { newShare, randomClaim, reveal } from '../support/shares.ts'
import { newToken } from '../support/tokens.ts'

type Rows = Awaited<ReturnType<typeof readRows>>[string]

/** The rows with some columns only, in an order that depends on them alone. */
const withColumns = (rows: Rows = [], columns: readonly string[]) =>
  rows.map((row) => JSON.stringify(Object.fromEntries(columns.map((column) => [column, row[column]])))).sort()

describe.each(engines)('a database of version 0.2 on %s', (engine) => {
  const first = migrationNames(engine).indexOf('0007_second-factors') + 1

  it('keeps every row through the upgrade, and its accounts go on as if nothing had happened', async () => {
    const clock = new TestClock()
    const [source, target] = [await createDatabase(engine), await createDatabaseWithoutTables(engine)]
    const mail = await startMailServer()
    const closing = [() => mail.close(), () => target.remove(), () => source.remove()]
    try {
      // Rows that today's server makes, and what only an older one left behind.
      const today = await startServer(engine, { clock, database: source })
      const [ada, bob, cyd] = [await newAccount(today), await newAccount(today), await newAccount(today)]
      const otto = await newOpaqueAccount(today)
      await makeRecordOld(source, otto)
      const { secret } = await addTotp(today, bob, clock.now())
      const personal = await newToken(today, ada)
      const items = `/api/v1/vaults/${ada.vaultId}/items`
      const put = (id: string, headers: Record<string, string>) =>
        send(today, {
          method: 'PUT',
          path: `${items}/${id}`,
          token: ada.token,
          headers,
          body: { data: fakeEnvelope() },
        })
      const id = randomUUID()
      expect((await put(id, { 'If-None-Match': '*' })).status).toBe(201)
      expect((await put(id, { 'If-Match': '"2"' })).status).toBe(200)
      const [unread, read] = [await newShare(today), await newShare(today)]
      const claim = randomClaim()
      expect((await reveal(today, read, { claim })).status).toBe(200)
      await today.stop()
      const confirmed = [ada, bob, otto].map(({ accountId }) => `'${accountId}'`).join(', ')
      await runStatement(source, `update accounts set email_verified = true where id in (${confirmed})`)
      const now = clock.now()
      const waiting = (accountId: string, kind: string, detail: string | null = null) => ({
        id: randomUUID(),
        account_id: accountId,
        kind,
        detail,
        created_at: now,
        attempts: 0,
        next_attempt_at: now,
      })
      const invite = (code: string, used: object) => ({
        id: randomUUID(),
        code_hash: hashSecret(code),
        created_at: now,
        expires_at: now + seconds(3600),
        ...used,
      })
      const [openCode, usedCode] = [`lmi_${'A'.repeat(22)}`, `lmi_${'B'.repeat(21)}A`]
      await copyAsBefore({ source, target }, first, {
        outbox: [
          waiting(ada.accountId, 'account-changed', 'password-changed'),
          waiting(ada.accountId, 'new-device', 'an old phone'),
          waiting(ada.accountId, 'hint'),
          waiting(ada.accountId, 'already-registered'),
          waiting(cyd.accountId, 'confirm'),
        ],
        invites: [
          invite(openCode, { note: 'for Dee' }),
          invite(usedCode, { used_at: now, used_by: bob.accountId }),
        ],
        rate_limits: [{ key: 'k', points: 1, expire: now + seconds(60) }],
      })

      const before = await readRows(target)
      const { store, migrationsApplied } = await openStore(databaseOf(target), {
        now: () => now,
        onIdleError: () => {},
      })
      await store.close()
      expect(migrationsApplied).toBe(migrationNames(engine).length - first)
      const after = await readRows(target)
      for (const [table, rows] of Object.entries(before)) {
        if (table === 'limpet_migrations') continue
        expect({ table, rows: rows.length }).not.toEqual({ table, rows: 0 })
        // The one kind of mail that there is no more: a registration of today writes another one.
        const expected = rows.filter(({ kind }) => kind !== 'already-registered')
        const columns = Object.keys(rows[0] ?? {})
        expect(withColumns(after[table], columns)).toEqual(withColumns(expected, columns))
      }
      // What is stored is counted as it was when it was written.
      const counters = ['id', 'stored_items', 'deleted_items', 'stored_bytes']
      expect(withColumns(after.accounts, counters)).toEqual(
        withColumns((await readRows(source)).accounts, counters),
      )
      for (const row of after.outbox ?? []) expect(row).toMatchObject({ registration_id: null, email: null })
      for (const row of after.account_events ?? []) expect([Number(row.count), row.reason]).toEqual([1, null])

      const server = await startServer(engine, {
        clock,
        database: target,
        environment: { ...mail.settings, PUBLIC_URL: today.url, REGISTRATION: 'invite' },
      })
      closing.unshift(() => server.close())
      const sent = [await mail.next(), await mail.next(), await mail.next(), await mail.next()]
      const told = sent.map(({ to, subject }) => `${to.join()}: ${subject}`).sort()
      expect(told).toEqual(
        [
          `${ada.email}: Your account was changed`,
          `${ada.email}: A new device logged in`,
          `${ada.email}: Your password hint`,
          `${cyd.email}: Confirm your e-mail address`,
        ].sort(),
      )

      // Sessions and tokens go on.
      const account = await send(server, { path: '/api/v1/account', token: ada.token })
      expect(bodyOf(Account, account).id).toBe(ada.accountId)
      const { refreshToken } = ada
      expect(outcomeOf(await post(server, 'token/refresh', { refreshToken }))).toBe('200')
      const list = bodyOf(ItemPage, await send(server, { path: items, token: personal.token }))
      expect(list.items.map((item) => [item.id, item.revision])).toEqual([[id, 3]])
      const events = await send(server, { path: '/api/v1/account/events', token: ada.token })
      expect(bodyOf(AccountEventList, events).events.map(({ type }) => type)).toContain('login')

      // So do the ways in, by every method.
      await logIn(server, ada)
      expect(outcomeOf(await opaqueLogin(server, otto.email, otto.password))).toBe('200')
      clock.advance(seconds(60))
      expect(outcomeOf(await post(server, 'login', logInBody(bob)))).toBe('401 second-factor-required')
      const secondFactor = { type: 'totp', code: codeAt(secret, clock.now()) }
      expect(outcomeOf(await post(server, 'login', { ...logInBody(bob), secondFactor }))).toBe('200')

      // A used invite is used, the open one admits one, and shares are read once.
      const register = (code: string) => post(server, 'register', { ...registration(), invite: code })
      expect(outcomeOf(await register(usedCode))).toBe('403 invalid-invite')
      expect(outcomeOf(await register(openCode))).toBe('201')
      expect(outcomeOf(await register(openCode))).toBe('403 invalid-invite')
      expect(outcomeOf(await reveal(server, unread))).toBe('200')
      expect(outcomeOf(await reveal(server, read))).toBe('410 share-consumed')
    } finally {
      for (const close of closing) await close()
    }
  })
})
