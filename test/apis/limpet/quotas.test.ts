// Quotas: what one account may pile up, exact under every write and in any number of processes; and that deleting is always possible.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { days } from '../../../src/clock.ts'
import { Account, SessionList } from '../../../src/contract/accounts.ts'
import { Problem } from '../../../src/contract/problems.ts'
import { Item } from '../../../src/contract/vaults.ts'
import { findDamage } from '../../../src/operator/database-damage.ts'
import { fillEmpty, onSnapshot } from '../../../src/operator/whole-database.ts'
import { migrate, migrationNames } from '../../../src/store/migrate.ts'
import { fakeEnvelope, logIn, newAccount, type RawAccount, randomKey } from '../../support/accounts.ts'
import { createDatabaseWithoutTables, engines } from '../../support/database.ts'
import { databaseOf } from '../../support/fresh-database.ts'
import { bodyOf, outcomeOf, type RawRequest, send } from '../../support/requests.ts'
import { readRows, runStatement } from '../../support/rows.ts'
import { startServer, TestClock, type TestServer } from '../../support/server.ts'
import { postToken } from '../../support/tokens.ts'

const mebibyte = 2 ** 20

const environment = {
  MAX_VAULTS: '3',
  MAX_ITEMS: '4',
  MAX_DELETED_ITEMS: '6',
  MAX_BYTES: '1M',
  MAX_TOKENS: '2',
  MAX_SESSIONS: '3',
}

describe.each(engines)('quotas on %s', (engine) => {
  const clock = new TestClock()
  let server: TestServer
  let beside: TestServer
  let account: RawAccount
  beforeAll(async () => {
    server = await startServer(engine, { clock, environment })
    beside = await startServer(engine, {
      clock,
      database: server.database,
      environment: { ...environment, PUBLIC_URL: server.url },
    })
  })
  afterAll(async () => {
    await beside.close()
    await server.close()
  })
  beforeEach(async () => {
    account = await newAccount(server)
  })

  const call = (
    method: string,
    path: string,
    request: Omit<RawRequest, 'method' | 'path'> = {},
    at: TestServer = server,
  ) => send(at, { method, path: `/api/v1/${path}`, token: account.token, ...request })

  const quotas = async () => bodyOf(Account, await call('GET', 'account')).quotas

  const items = () => `vaults/${account.vaultId}/items`

  const put = (bytes = 120, vaultId = account.vaultId, at = server) =>
    call('POST', `vaults/${vaultId}/items`, { body: { data: fakeEnvelope(bytes) } }, at)

  const newVault = async (bytes = 120, at = server) => {
    const body = { id: randomUUID(), key: fakeEnvelope(), data: fakeEnvelope(bytes) }
    return { id: body.id, outcome: outcomeOf(await call('POST', 'vaults', { body }, at)) }
  }

  const exceeded = '403 quota-exceeded'

  /** What the counts on the account's row say is what its rows hold. */
  const damage = () => onSnapshot(databaseOf(server.database), findDamage)

  it('are shown to the owner, with what is used', async () => {
    expect(await quotas()).toEqual({
      vaults: { used: 1, allowed: 3 },
      items: { used: 0, allowed: 4 },
      deletedItems: { used: 0, allowed: 6 },
      bytes: { used: 120, allowed: mebibyte },
      attachmentBytes: { used: 0, allowed: 1024 * mebibyte },
      tokens: { used: 0, allowed: 2 },
      sessions: { used: 1, allowed: 3 },
      secondFactors: { used: 0, allowed: 20 },
    })
    const { id, revision } = bodyOf(Item, await put(200))
    const headers = { 'If-Match': `"${revision}"` }
    await call('PUT', `${items()}/${id}`, { headers, body: { data: fakeEnvelope(300) } })
    expect(await quotas()).toMatchObject({ items: { used: 1 }, bytes: { used: 120 + 200 + 300 } })
    await call('DELETE', `${items()}/${id}`)
    expect(await quotas()).toMatchObject({ items: { used: 1 }, bytes: { used: 120 + 200 + 300 } })
    await call('DELETE', `${items()}/${id}?permanent=true`)
    expect(await quotas()).toMatchObject({
      items: { used: 0 },
      deletedItems: { used: 1 },
      bytes: { used: 120 },
    })
    expect(await damage()).toEqual([])
  })

  it('refuse what is one too many, say of what and how much, and change nothing', async () => {
    for (let count = 0; count < 4; count++) expect((await put()).status).toBe(201)
    const before = await readRows(server.database)
    const refused = await put()
    expect(outcomeOf(refused)).toBe(exceeded)
    expect(bodyOf(Problem, refused)).toMatchObject({ resource: 'items', used: 4, allowed: 4 })
    expect(await readRows(server.database)).toEqual(before)
    // Of a batch all or nothing, and the trash frees nothing.
    const [first] = (before.items ?? []).filter((row) => row.vault_id === account.vaultId)
    const operations = [
      { op: 'trash', id: first?.id, revision: Number(first?.revision) },
      { op: 'put', id: randomUUID(), data: fakeEnvelope(), revision: null },
    ]
    expect(outcomeOf(await call('POST', `vaults/${account.vaultId}/batch`, { body: { operations } }))).toBe(
      exceeded,
    )
    expect(await readRows(server.database)).toEqual(before)
    await call('DELETE', `${items()}/${first?.id}?permanent=true`)
    expect((await put()).status).toBe(201)
    expect((await newVault()).outcome).toBe('201')
    expect((await newVault()).outcome).toBe('201')
    expect((await newVault()).outcome).toBe(exceeded)
    expect((await quotas()).vaults).toEqual({ used: 3, allowed: 3 })
    for (let count = 0; count < 2; count++)
      expect((await postToken(server, account, { name: 'x', scopes: ['read'] })).status).toBe(201)
    const third = await postToken(server, account, { name: 'x', scopes: ['read'] })
    expect(bodyOf(Problem, third)).toMatchObject({ code: 'quota-exceeded', resource: 'tokens', used: 2 })
    expect((await quotas()).tokens.used).toBe(2)
    expect(await damage()).toEqual([])
  })

  it('count bytes of vaults, items and versions together, and purging is possible beyond them', async () => {
    const large = 200 * 1024
    const first = bodyOf(Item, await put(large))
    let { revision } = first
    for (let count = 0; count < 3; count++) {
      const headers = { 'If-Match': `"${revision}"` }
      const answer = await call('PUT', `${items()}/${first.id}`, {
        headers,
        body: { data: fakeEnvelope(large) },
      })
      revision = bodyOf(Item, answer).revision
    }
    expect((await newVault(large)).outcome).toBe('201')
    const refused = await put(large)
    expect(bodyOf(Problem, refused)).toMatchObject({
      resource: 'bytes',
      used: 120 + 5 * large,
      allowed: mebibyte,
    })
    expect((await newVault(large)).outcome).toBe(exceeded)
    expect(
      outcomeOf(await call('PUT', `vaults/${account.vaultId}`, { body: { data: fakeEnvelope(large) } })),
    ).toBe(exceeded)
    // As after the operator lowered it.
    const overdrawn = `update accounts set stored_bytes = stored_bytes + ${10 * mebibyte} where id = '${account.accountId}'`
    await runStatement(server.database, overdrawn)
    expect(outcomeOf(await put())).toBe(exceeded)
    expect((await call('DELETE', `${items()}/${first.id}`)).status).toBe(200)
    expect((await call('POST', `${items()}/${first.id}/restore`)).status).toBe(200)
    expect(await damage()).toEqual([expect.stringContaining('1 accounts whose counts')])
    await runStatement(server.database, overdrawn.replace('+', '-'))
    expect((await call('DELETE', `${items()}/${first.id}?permanent=true`)).status).toBe(204)
    expect((await quotas()).bytes.used).toBe(120 + large)
    expect(await damage()).toEqual([])
  })

  it('bound what deleting for good leaves behind, also where a batch makes and purges at once', async () => {
    const cycle = async () => {
      const made = Array.from({ length: 4 }, () => ({
        op: 'put',
        id: randomUUID(),
        data: fakeEnvelope(),
        revision: null,
      }))
      const path = `vaults/${account.vaultId}/batch`
      const answer = await call('POST', path, { body: { operations: made } })
      if (answer.status !== 200) return outcomeOf(answer)
      const { revision } = JSON.parse(answer.text)
      const operations = made.map(({ id }) => ({ op: 'purge', id, revision }))
      return outcomeOf(await call('POST', path, { body: { operations } }))
    }
    expect([await cycle(), await cycle()]).toEqual(['200', '200'])
    const refused = await put()
    expect(bodyOf(Problem, refused)).toMatchObject({ resource: 'deletedItems', used: 8, allowed: 6 })
    // A tombstone's own id is no new row, and a vault takes its tombstones along.
    const { items: rows = [] } = await readRows(server.database)
    const tombstone = rows.find((row) => row.vault_id === account.vaultId)
    const back = { headers: { 'If-Match': `"${tombstone?.revision}"` }, body: { data: fakeEnvelope() } }
    expect(outcomeOf(await call('PUT', `${items()}/${tombstone?.id}`, back))).toMatch(/^20[01]$/)
    const { authKey } = account
    expect((await call('DELETE', `vaults/${account.vaultId}`, { body: { authKey } })).status).toBe(204)
    expect(await quotas()).toMatchObject({
      vaults: { used: 0 },
      items: { used: 0 },
      deletedItems: { used: 1 },
      bytes: { used: 0 },
    })
    expect(await damage()).toEqual([])
    // What is left of a vault is bounded in the same way, and deleting it is never refused.
    const outcomes: string[] = []
    for (let count = 0; count < 8; count++) {
      const { id, outcome } = await newVault()
      outcomes.push(outcome)
      if (outcome === '201') await call('DELETE', `vaults/${id}`, { body: { authKey } })
    }
    expect(outcomes).toEqual([...Array(6).fill('201'), exceeded, exceeded])
    expect((await quotas()).deletedItems.used).toBe(7)
    expect(await damage()).toEqual([])
  })

  it('hold to the last one when two processes write to two vaults at once', async () => {
    const { id: second } = await newVault()
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        put(120, index % 2 ? second : account.vaultId, index % 3 ? server : beside).then(outcomeOf),
      ),
    )
    expect(outcomes.filter((outcome) => outcome === '201')).toHaveLength(4)
    expect(outcomes.filter((outcome) => outcome === exceeded)).toHaveLength(8)
    const vaults = await Promise.all(
      Array.from({ length: 6 }, (_, index) => newVault(120, index % 2 ? server : beside)),
    )
    expect(vaults.filter(({ outcome }) => outcome === '201')).toHaveLength(1)
    const tokens = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        postToken(index % 2 ? server : beside, account, { name: 'x', scopes: ['read'] }).then(outcomeOf),
      ),
    )
    expect(tokens.filter((outcome) => outcome === '201')).toHaveLength(2)
    expect(await quotas()).toMatchObject({ items: { used: 4 }, vaults: { used: 3 }, tokens: { used: 2 } })
    expect(await damage()).toEqual([])
  })

  it('end the session that was unused for longest, and say so in the log', async () => {
    const list = async (token: string) =>
      bodyOf(SessionList, await call('GET', 'sessions', { token })).sessions.map(({ id }) => id)
    const logins = []
    for (let count = 0; count < 3; count++) {
      clock.advance(1000)
      logins.push(await logIn(server, account))
    }
    const [first, , last] = logins
    expect(await list(last?.token ?? '')).toHaveLength(3)
    expect(await list(last?.token ?? '')).not.toContain(account.sessionId)
    clock.advance(1000)
    expect(outcomeOf(await call('GET', 'account'))).toBe('401 not-authenticated')
    expect(outcomeOf(await call('GET', 'account', { token: first?.token ?? '' }))).toBe('200')
    const events = await call('GET', 'account/events', { token: last?.token ?? '' })
    expect(JSON.parse(events.text).events).toEqual(
      expect.arrayContaining([expect.objectContaining({ type: 'session-ended', reason: 'quota' })]),
    )
    expect(
      outcomeOf(await call('POST', 'login', { body: { email: account.email, authKey: randomKey() } })),
    ).toMatch(/^40/)
  })

  it('count what was there before there were counts', async () => {
    const database = await createDatabaseWithoutTables(engine)
    const first = migrationNames(engine).indexOf('0011_quotas')
    await fillEmpty(databaseOf(database), (connection) => migrate(engine, connection, 0, { first }))
    const blob = (bytes: number) => {
      const hex = '01'.repeat(bytes)
      return engine === 'sqlite' ? `x'${hex}'` : `'\\x${hex}'`
    }
    const rows = [
      `insert into accounts (id, email, email_verified, auth_method, auth_verifier, kdf_memory_kib, kdf_iterations,
        kdf_parallelism, kdf_salt, account_key, created_at)
        values ('a', 'a@example.com', false, 'authKey', '', 1, 1, 1, ${blob(16)}, ${blob(9)}, 0)`,
      ...['v', 'w'].map(
        (id) => `insert into vaults (id, account_id, key, data, revision, epoch, created_at, updated_at)
          values ('${id}', 'a', ${blob(9)}, ${blob(100)}, 9, 'e', 0, 0)`,
      ),
      ...[
        ['active', blob(30)],
        ['trash', blob(40)],
        ['purged', 'null'],
      ].map(
        ([state, data]) => `insert into items (vault_id, id, state, data, revision, created_at, updated_at)
          values ('v', '${state}', '${state}', ${data}, 9, 0, 0)`,
      ),
      `insert into item_versions (vault_id, item_id, revision, data, created_at, replaced_at)
        values ('v', 'active', 2, ${blob(7)}, 0, ${clock.now()})`,
    ]
    for (const row of rows) await runStatement(database, row)
    const later = await startServer(engine, { clock, database })
    const { accounts = [] } = await readRows(database)
    expect(
      accounts.map((row) => [row.stored_items, row.deleted_items, row.stored_bytes].map(Number)),
    ).toEqual([[2, 1, 277]])
    await later.stop()
    expect(await onSnapshot(databaseOf(database), findDamage)).toEqual([])
    await database.remove()
  })

  it('count versions that ran out no more', async () => {
    const first = bodyOf(Item, await put(500))
    const headers = { 'If-Match': `"${first.revision}"` }
    await call('PUT', `${items()}/${first.id}`, { headers, body: { data: fakeEnvelope(300) } })
    clock.advance(days(91))
    account = { ...account, ...(await logIn(server, account)) }
    expect((await quotas()).bytes.used).toBe(120 + 500 + 300)
    // Cleaning up is what every start begins with.
    const restarted = await startServer(engine, { clock, database: server.database, environment })
    await expect.poll(async () => (await quotas()).bytes.used, { timeout: 20_000 }).toBe(120 + 300)
    await restarted.close()
    expect(await damage()).toEqual([])
  })
})
