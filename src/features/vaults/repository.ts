// Vaults and items: reading them, and making, changing and deleting vaults. What writes items is in item-writes.ts.
import { and, asc, count, desc, eq, gt, gte, inArray, lt, type SQL, sql } from 'drizzle-orm'
import { days } from '../../clock.ts'
import { limits } from '../../contract/primitives.ts'
import type { Item, ItemVersion, Vault } from '../../contract/vaults.ts'
import { notFound, problem } from '../../http/problem.ts'
import type { Reader, Tx } from '../../store/store.ts'
import { fromBase64url } from '../encoding.ts'
import type { Caller } from '../route.ts'
import { type ItemRow, toItem, toItemVersion, toVault, type VaultRow } from './rows.ts'

/** How many replaced versions of an item are kept, and for how long. */
export const versionsKept = 20
export const versionDaysKept = 90

/** The replaced versions from before this time are gone. */
export const versionsSince = (now: number) => now - days(versionDaysKept)

const ownVault = ({ tables: { vaults } }: Reader, { accountId }: Caller, vaultId: string) =>
  and(eq(vaults.id, vaultId), eq(vaults.accountId, accountId))

/** The caller's vault, or `not-found`. */
export async function getVaultRow(reader: Reader, caller: Caller, vaultId: string): Promise<VaultRow> {
  const [row] = await reader.db
    .select()
    .from(reader.tables.vaults)
    .where(ownVault(reader, caller, vaultId))
  if (!row) throw notFound()
  return row
}

/**
 * Raises the revision of the caller's vault by one, or throws `not-found`. Every write begins with this statement: it holds
 * the vault's row until the commit, so that writers come one after the other and the order of commits is that of revisions.
 */
export async function raiseRevision(tx: Tx, caller: Caller, vaultId: string): Promise<VaultRow> {
  const { vaults } = tx.tables
  const [row] = await tx.db
    .update(vaults)
    .set({ revision: sql`${vaults.revision} + 1` })
    .where(ownVault(tx, caller, vaultId))
    .returning()
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

/** One item of the caller's vault, in the trash or not; `not-found` also for what was purged. */
export async function getItem(
  { db, tables: { items, vaults } }: Reader,
  { accountId }: Caller,
  { vaultId, itemId }: { vaultId: string; itemId: string },
): Promise<Item> {
  const [row] = await db
    .select({ item: items })
    .from(items)
    .innerJoin(vaults, eq(vaults.id, items.vaultId))
    .where(and(eq(items.vaultId, vaultId), eq(items.id, itemId), eq(vaults.accountId, accountId)))
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
 * The first rows of `where` in the order of `by`, bounded by number and by bytes, but at least one: sizes are summed before
 * any data is fetched, so that a page of large items never stands in memory as a whole.
 * @param by `revision` for sync (and by id within a revision), or `id`
 */
export async function pageOfItems(
  { db, tables: { items } }: Reader,
  vaultId: string,
  options: { where: SQL | undefined; by: 'revision' | 'id'; limit: number },
): Promise<Page> {
  const { where, by, limit } = options
  const order = by === 'revision' ? [asc(items.revision), asc(items.id)] : [asc(items.id)]
  const candidates = db
    .select({
      id: items.id,
      revision: items.revision,
      size: sql<number>`coalesce(octet_length(${items.data}), 0)`.as('size'),
    })
    .from(items)
    .where(and(eq(items.vaultId, vaultId), where))
    .orderBy(...order)
    .limit(limit + 1)
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
  const rows = await db
    .select({ item: items, found: summed.found })
    .from(items)
    .innerJoin(summed, eq(items.id, summed.id))
    .where(and(eq(items.vaultId, vaultId), lt(summed.bytesBefore, limits.pageBytes)))
    .orderBy(...order)
  const page = rows.slice(0, limit)
  return { rows: page.map(({ item }) => item), more: (rows[0]?.found ?? 0) > page.length }
}

/** A page of a vault's items, in the order of their ids. */
export async function listItems(
  reader: Reader,
  caller: Caller,
  vaultId: string,
  options: { state: 'active' | 'trash'; limit: number; after: string | undefined },
): Promise<Page> {
  const { items } = reader.tables
  await getVaultRow(reader, caller, vaultId)
  const { state, limit, after } = options
  return pageOfItems(reader, vaultId, {
    where: and(eq(items.state, state), after === undefined ? undefined : gt(items.id, after)),
    by: 'id',
    limit,
  })
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
