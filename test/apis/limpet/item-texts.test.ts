// Lists of items are written as JSON text straight from the rows, with no object and no schema in between. That is, byte for byte, what
// the schema makes of the same rows.
import { randomBytes, randomUUID } from 'node:crypto'
import { and, asc, eq } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toItem, toItemState } from '../../../src/apis/limpet/vault-shapes.ts'
import { Changes, ItemPage } from '../../../src/contract/vaults.ts'
import { VaultCaller } from '../../../src/domain/caller.ts'
import { changesSince } from '../../../src/domain/vaults/changes.ts'
import { type ItemRow, isStored } from '../../../src/domain/vaults/rows.ts'
import { openStore } from '../../../src/store/open.ts'
import type { Store } from '../../../src/store/store.ts'
import { newAccount, type RawAccount } from '../../support/accounts.ts'
import { engines } from '../../support/database.ts'
import { databaseOf } from '../../support/fresh-database.ts'
import { bodyOf, send } from '../../support/requests.ts'
import { startServer, type TestServer } from '../../support/server.ts'

const envelope = (bytes: number) => Buffer.concat([Buffer.from([1]), randomBytes(bytes - 1)])

const lastTime = Date.parse('9999-12-31T23:59:59.999Z')

/** What there can be of each column, odd ones among it; every row has another combination. */
const choices = {
  state: ['active', 'trash', 'active', 'purged'],
  // Around the length up to which data is read with its row.
  data: [82, 83, 84, 400, 4095, 4096, 4097, 100_000, 262_144],
  keyVersion: [1, 2, 2 ** 31, Number.MAX_SAFE_INTEGER],
  attachments: [null, null, JSON.stringify([randomUUID()]), JSON.stringify([randomUUID(), randomUUID()])],
  createdAt: [0, 1, 1_700_000_000_000, lastTime],
  updatedAt: [1_700_000_000_000, 1_700_000_000_000, 999, lastTime],
  deletedAt: [null, 1_600_000_000_123],
} as const

const chosen = <T>(list: readonly T[], index: number): T => {
  const value = list[index % list.length]
  if (value === undefined) throw new Error('Nothing to choose from')
  return value
}

/** A row of these choices; of what was deleted for good there is a marker, or nothing. */
function oddRow(vaultId: string, index: number): ItemRow {
  const state = chosen(choices.state, index)
  const bytes = state === 'purged' ? (index % 8 < 4 ? undefined : 117) : chosen(choices.data, index)
  return {
    vaultId,
    id: randomUUID(),
    state,
    data: bytes === undefined ? null : envelope(bytes),
    keyVersion: chosen(choices.keyVersion, index >> 1),
    attachments: state === 'purged' ? null : chosen(choices.attachments, index >> 2),
    // Some share one.
    revision: 2 + Math.floor(index / 3),
    createdAt: chosen(choices.createdAt, index >> 3),
    updatedAt: chosen(choices.updatedAt, index >> 1),
    deletedAt: chosen(choices.deletedAt, index >> 4),
  }
}

describe.each(engines)('lists of items on %s', (engine) => {
  let server: TestServer
  let account: RawAccount
  let store: Store
  beforeAll(async () => {
    server = await startServer(engine)
    account = await newAccount(server)
    ;({ store } = await openStore(databaseOf(server.database), { now: Date.now, onIdleError: () => {} }))
    const rows = Array.from({ length: 600 }, (_, index) => oddRow(account.vaultId, index))
    await store.write(async ({ db, tables: { items, vaults } }) => {
      for (let from = 0; from < rows.length; from += 50)
        await db.insert(items).values(rows.slice(from, from + 50))
      await db.update(vaults).set({ revision: 500 }).where(eq(vaults.id, account.vaultId))
    })
  })
  afterAll(async () => {
    await store.close()
    await server.close()
  })

  const ask = (path: string) =>
    send(server, { method: 'GET', path: `/api/v1/vaults/${account.vaultId}${path}`, token: account.token })

  it('tell what changed as the schema of changes has it', async () => {
    const rows = await store.read(({ db, tables: { items } }) =>
      db
        .select()
        .from(items)
        .where(eq(items.vaultId, account.vaultId))
        .orderBy(asc(items.revision), asc(items.id)),
    )
    expect(rows).toHaveLength(600)
    let [told, pages] = [0, 0]
    for (let since = ''; ; ) {
      const answer = await ask(`/changes?limit=333${since}`)
      const { items, cursor, more } = bodyOf(Changes, answer)
      const expected = rows.slice(told, told + items.length).map(toItemState)
      expect(answer.text).toBe(JSON.stringify(Changes.parse({ items: expected, cursor, more })))
      told += items.length
      pages += 1
      if (!more) break
      since = `&since=${cursor}`
    }
    // Pages end by their bytes too, which large items have.
    expect([told, pages > 2]).toEqual([600, true])
  })

  it('tell what is active, and what is in the trash, as the schema of items has it', async () => {
    for (const state of ['active', 'trash'] as const) {
      const rows = await store.read(({ db, tables: { items } }) =>
        db
          .select()
          .from(items)
          .where(and(eq(items.vaultId, account.vaultId), eq(items.state, state)))
          .orderBy(asc(items.id)),
      )
      let told = 0
      for (let after = ''; ; ) {
        const answer = await ask(`/items?state=${state}${after}`)
        const { items, nextCursor } = bodyOf(ItemPage, answer)
        const expected = rows
          .slice(told, told + items.length)
          .filter(isStored)
          .map(toItem)
        expect(answer.text).toBe(JSON.stringify(ItemPage.parse({ items: expected, nextCursor })))
        told += items.length
        if (nextCursor === null) break
        after = `&cursor=${nextCursor}`
      }
      expect(told).toBe(rows.length)
    }
  })

  it('leave out a large item that changes while they are read, which comes again later', async () => {
    const other = await newAccount(server)
    const large = Array.from({ length: 12 }, (_, index) => ({
      ...oddRow(other.vaultId, 0),
      data: envelope(262_144),
      revision: 2 + index,
    }))
    const changing = large.at(-2)
    if (!changing) throw new Error('There is no item')
    await store.write(async ({ db, tables: { items, vaults } }) => {
      await db.insert(items).values(large)
      await db.update(vaults).set({ revision: 13 }).where(eq(vaults.id, other.vaultId))
    })
    const services = { store }
    const caller = VaultCaller.forOwner(other.accountId)
    const changesAfter = (since: string | undefined) =>
      changesSince(services, caller, other.vaultId, { since, limit: 1000 })
    const found = await changesAfter(undefined)
    if (found.kind !== 'page') throw new Error('That was no cursor')
    const ids: string[] = []
    let piece = await found.page.next()
    expect(piece.done).toBe(false)
    await store.write(async ({ db, tables: { items, vaults } }) => {
      await db
        .update(items)
        .set({ revision: 14 })
        .where(and(eq(items.vaultId, other.vaultId), eq(items.id, changing.id)))
      await db.update(vaults).set({ revision: 14 }).where(eq(vaults.id, other.vaultId))
    })
    for (; !piece.done; piece = await found.page.next()) ids.push(...piece.value.map(([id]) => id))
    ids.push(...piece.value.rows.map(([id]) => id))
    expect(ids).toEqual(large.filter((item) => item !== changing).map(({ id }) => id))
    const later = await changesAfter(piece.value.cursor)
    if (later.kind !== 'page') throw new Error('That was no cursor')
    const end = await later.page.next()
    if (!end.done) throw new Error('There is more than one piece')
    expect(end.value.rows.map(([id, revision]) => [id, revision])).toEqual([[changing.id, 14]])
  })
})
