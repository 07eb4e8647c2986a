// Vaults and items: reading them, and making, changing and deleting vaults. What writes items is in item-writes.ts.
import { and, asc, count, desc, eq, gt, gte, inArray, lt, type SQL, sql } from 'drizzle-orm'
import { days } from '../../clock.ts'
import { limits } from '../../contract/primitives.ts'
import type { Item, ItemVersion, Vault } from '../../contract/vaults.ts'
import { notFound, problem } from '../../http/problem.ts'
import type { Tables } from '../../store/schema.ts'
import { statement } from '../../store/statement.ts'
import type { Reader, Tx } from '../../store/store.ts'
import type { Caller } from '../caller.ts'
import { fromBase64url } from '../encoding.ts'
import type { Position } from './cursor.ts'
import { type ItemRow, toItem, toItemVersion, toVault, type VaultRow } from './rows.ts'

/** How many replaced versions of an item are kept, and for how long. */
export const versionsKept = 20
export const versionDaysKept = 90

/** The replaced versions from before this time are gone. */
export const versionsSince = (now: number) => now - days(versionDaysKept)

const ownVault = ({ tables: { vaults } }: Reader, { accountId }: Caller, vaultId: string) =>
  and(eq(vaults.id, vaultId), eq(vaults.accountId, accountId))

/** The caller's vault, or `not-found`. */
async function getVaultRow(reader: Reader, caller: Caller, vaultId: string): Promise<VaultRow> {
  const [row] = await reader.db
    .select()
    .from(reader.tables.vaults)
    .where(ownVault(reader, caller, vaultId))
  if (!row) throw notFound()
  return row
}

const raise = statement(({ db, tables: { vaults } }: Tx) =>
  db
    .update(vaults)
    .set({ revision: sql`${vaults.revision} + 1` })
    .where(and(eq(vaults.id, sql.placeholder('vaultId')), eq(vaults.accountId, sql.placeholder('accountId'))))
    .returning()
    .prepare('raise_revision'),
)

/**
 * Raises the revision of the caller's vault by one, or throws `not-found`. Every write begins with this statement: it holds
 * the vault's row until the commit, so that writers come one after the other and the order of commits is that of revisions.
 */
export async function raiseRevision(tx: Tx, { accountId }: Caller, vaultId: string): Promise<VaultRow> {
  const [row] = await raise(tx).execute({ vaultId, accountId })
  if (!row) throw notFound()
  return row
}

async function countActive(
  { db, tables: { items } }: Reader,
  vaultIds: string[],
): Promise<Map<string, number>> {
  if (vaultIds.length === 0) return new Map()
  const rows = await db
    .select({ vaultId: items.vaultId, active: count() })
    .from(items)
    .where(and(inArray(items.vaultId, vaultIds), eq(items.state, 'active')))
    .groupBy(items.vaultId)
  return new Map(rows.map(({ vaultId, active }) => [vaultId, active]))
}

async function withItemCount(reader: Reader, rows: VaultRow[]): Promise<Vault[]> {
  const counts = await countActive(
    reader,
    rows.map(({ id }) => id),
  )
  return rows.map((row) => toVault(row, counts.get(row.id) ?? 0))
}

export async function listVaults(reader: Reader, { accountId }: Caller): Promise<Vault[]> {
  const { vaults } = reader.tables
  const rows = await reader.db
    .select()
    .from(vaults)
    .where(eq(vaults.accountId, accountId))
    .orderBy(asc(vaults.createdAt), asc(vaults.id))
  return withItemCount(reader, rows)
}

const withCount = async (reader: Reader, row: VaultRow): Promise<Vault> =>
  toVault(row, (await countActive(reader, [row.id])).get(row.id) ?? 0)

/** Makes a vault. The same again changes nothing (`created: false`); an id in use for something else is `id-taken`. */
export async function createVault(
  tx: Tx,
  caller: Caller,
  vault: { id: string; key: string; data: string },
  now: number,
): Promise<{ vault: Vault; created: boolean }> {
  const { vaults } = tx.tables
  const [row] = await tx.db
    .insert(vaults)
    .values({
      id: vault.id,
      accountId: caller.accountId,
      key: fromBase64url(vault.key),
      data: fromBase64url(vault.data),
      revision: 1,
      createdAt: now,
      updatedAt: now,
    })
    .onConflictDoNothing()
    .returning()
  if (row) return { vault: toVault(row, 0), created: true }
  const [own] = await tx.db
    .select()
    .from(vaults)
    .where(ownVault(tx, caller, vault.id))
  const existing = own && (await withCount(tx, own))
  if (existing?.key !== vault.key || existing.data !== vault.data)
    throw problem('id-taken', 'There is a vault with this id already.')
  return { vault: existing, created: false }
}

/** Raises the revision from the one that the caller expects, or throws `revision-conflict` with the vault as it is. */
async function raiseFrom(
  tx: Tx,
  caller: Caller,
  vaultId: string,
  expected: number | undefined,
): Promise<VaultRow> {
  const row = await raiseRevision(tx, caller, vaultId)
  const before = row.revision - 1
  if (expected !== undefined && before !== expected)
    throw problem('revision-conflict', `The vault is at revision ${before}, not at ${expected}.`, {
      current: await withCount(tx, { ...row, revision: before }),
    })
  return row
}

/** @param expected the revision that the vault must be at, where the caller cares */
export async function replaceVault(
  tx: Tx,
  caller: Caller,
  vaultId: string,
  { data, expected, now }: { data: string; expected: number | undefined; now: number },
): Promise<Vault> {
  const { vaults } = tx.tables
  const raised = await raiseFrom(tx, caller, vaultId, expected)
  const replaced = { data: fromBase64url(data), updatedAt: now }
  await tx.db
    .update(vaults)
    .set(replaced)
    .where(ownVault(tx, caller, vaultId))
  return withCount(tx, { ...raised, ...replaced })
}

/** Deletes a vault with everything in it. */
export async function deleteVault(
  tx: Tx,
  caller: Caller,
  vaultId: string,
  expected: number | undefined,
): Promise<void> {
  await raiseFrom(tx, caller, vaultId, expected)
  await tx.db.delete(tx.tables.vaults).where(ownVault(tx, caller, vaultId))
}

const itemOfCaller = statement(({ db, tables: { items, vaults } }: Reader) =>
  db
    .select({ item: items })
    .from(items)
    .innerJoin(vaults, eq(vaults.id, items.vaultId))
    .where(
      and(
        eq(items.vaultId, sql.placeholder('vaultId')),
        eq(items.id, sql.placeholder('itemId')),
        eq(vaults.accountId, sql.placeholder('accountId')),
      ),
    )
    .prepare('item_of_caller'),
)

/** One item of the caller's vault, in the trash or not; `not-found` also for what was purged. */
export async function getItem(
  reader: Reader,
  { accountId }: Caller,
  { vaultId, itemId }: { vaultId: string; itemId: string },
): Promise<Item> {
  const [row] = await itemOfCaller(reader).execute({ accountId, vaultId, itemId })
  const item = row && toItem(row.item)
  if (!item) throw notFound()
  return item
}

export interface Page {
  readonly rows: ItemRow[]
  /** Whether there are further rows behind these. */
  readonly more: boolean
}

/**
 * Makes the statement for pages of a vault's items: the first rows of `where`, bounded by number and by bytes, but at least
 * one. Sizes are summed before any data is fetched, so that a page of large items never stands in memory as a whole.
 * @param by the order: `revision` for sync (and by id within a revision), or `id`
 */
const pageStatement = (
  name: string,
  by: 'revision' | 'id',
  where: (items: Tables['items']) => SQL | undefined,
) =>
  statement(({ db, tables: { items } }: Reader) => {
    const order = by === 'revision' ? [asc(items.revision), asc(items.id)] : [asc(items.id)]
    const inVault = eq(items.vaultId, sql.placeholder('vaultId'))
    const candidates = db
      .select({
        id: items.id,
        revision: items.revision,
        size: sql<number>`coalesce(octet_length(${items.data}), 0)`.as('size'),
      })
      .from(items)
      .where(and(inVault, where(items)))
      .orderBy(...order)
      .limit(sql.placeholder('candidates'))
      .as('candidates')
    const candidateOrder =
      by === 'revision' ? sql`${candidates.revision}, ${candidates.id}` : sql`${candidates.id}`
    const summed = db
      .select({
        id: candidates.id,
        bytesBefore:
          sql<number>`sum(${candidates.size}) over (order by ${candidateOrder}) - ${candidates.size}`.as(
            'bytes_before',
          ),
        found: sql<number>`count(*) over ()`.mapWith(Number).as('found'),
      })
      .from(candidates)
      .as('summed')
    return db
      .select({ item: items, found: summed.found })
      .from(items)
      .innerJoin(summed, eq(items.id, summed.id))
      .where(and(inVault, lt(summed.bytesBefore, limits.pageBytes)))
      .orderBy(...order)
      .prepare(name)
  })

/** @param found the rows of a page statement that was asked for one candidate more than `limit` */
function toPage(found: { item: ItemRow; found: number }[], limit: number): Page {
  const rows = found.slice(0, limit).map(({ item }) => item)
  return { rows, more: (found[0]?.found ?? 0) > rows.length }
}

const itemsAfterPosition = pageStatement(
  'items_after_position',
  'revision',
  (items) =>
    sql`(${items.revision}, ${items.id}) > (${sql.placeholder('revision')}, ${sql.placeholder('itemId')})`,
)

/** A page of what was touched after a position, tombstones included, in the order of revisions. */
export async function listChangedItems(
  reader: Reader,
  vaultId: string,
  { position, limit }: { position: Position; limit: number },
): Promise<Page> {
  const { revision, itemId } = position
  const found = await itemsAfterPosition(reader).execute({ vaultId, revision, itemId, candidates: limit + 1 })
  return toPage(found, limit)
}

const itemsInState = pageStatement('items_in_state', 'id', (items) =>
  and(eq(items.state, sql.placeholder('state')), gt(items.id, sql.placeholder('after'))),
)

/** A page of a vault's items, in the order of their ids. */
export async function listItems(
  reader: Reader,
  caller: Caller,
  vaultId: string,
  options: { state: 'active' | 'trash'; limit: number; after: string | undefined },
): Promise<Page> {
  await getVaultRow(reader, caller, vaultId)
  const { state, limit, after = '' } = options
  return toPage(await itemsInState(reader).execute({ vaultId, state, after, candidates: limit + 1 }), limit)
}

/** The replaced versions of an item, newest first. */
export async function listVersions(
  reader: Reader,
  caller: Caller,
  { vaultId, itemId, now }: { vaultId: string; itemId: string; now: number },
): Promise<ItemVersion[]> {
  const { itemVersions } = reader.tables
  await getItem(reader, caller, { vaultId, itemId })
  const rows = await reader.db
    .select()
    .from(itemVersions)
    .where(
      and(
        eq(itemVersions.vaultId, vaultId),
        eq(itemVersions.itemId, itemId),
        gte(itemVersions.replacedAt, versionsSince(now)),
      ),
    )
    .orderBy(desc(itemVersions.revision))
    .limit(versionsKept)
  return rows.map(toItemVersion)
}

/** Removes the versions that are too old in every vault; `listVersions` does not show them any more as it is. */
export async function deleteOldVersions({ db, tables: { itemVersions } }: Tx, now: number): Promise<void> {
  await db.delete(itemVersions).where(lt(itemVersions.replacedAt, versionsSince(now)))
}
