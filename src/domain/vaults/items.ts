// Reading items: one, pages of a list, what changed, and replaced versions. What writes them is in item-writes.ts.
import { and, asc, desc, eq, getTableColumns, gt, gte, lt, type SQL, sql } from 'drizzle-orm'
import { days } from '../../clock.ts'
import { limits } from '../../contract/primitives.ts'
import type { Tables } from '../../store/schema.ts'
import { statement } from '../../store/statement.ts'
import type { Reader, Tx } from '../../store/store.ts'
import type { VaultCaller } from '../caller.ts'
import { notFound } from '../failure.ts'
import { addUsage, bytesOf, noGrowth } from '../quotas/usage.ts'
import type { Position } from './cursor.ts'
import { bytesBefore, type Page, rowsFound, toPage } from './pages.ts'
import { type ItemRow, isStored, type StoredItem, type VersionRow } from './rows.ts'
import { requireVault } from './vaults.ts'

/** How many replaced versions of an item are kept, and for how long. */
export const versionsKept = 20
export const versionDaysKept = 90

/**
 * Of each of the last days, the version that stood when the day began is kept beside those, so that no number of writes pushes
 * out what was there before them. Days are those of UTC.
 */
export const versionsKeptDaily = 30

/** The replaced versions from before this time are gone. */
export const versionsSince = (now: number) => now - days(versionDaysKept)

/** From here on there is one version of each day at the least on which an item was replaced. */
export const dailyVersionsSince = (now: number) => now - days(versionsKeptDaily)

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
  caller: VaultCaller,
  { vaultId, itemId }: { vaultId: string; itemId: string },
): Promise<StoredItem> {
  const [row] = await itemOfCaller(reader).execute({ ...caller.owned(vaultId), itemId })
  if (!row || !isStored(row.item)) throw notFound()
  return row.item
}

/**
 * Makes the statement for pages of a vault's items: the first rows of `where`, bounded by number and by bytes, but at least
 * one.
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
        bytesBefore: bytesBefore(candidates.size, candidateOrder),
        found: rowsFound(),
      })
      .from(candidates)
      .as('summed')
    return db
      .select({ row: getTableColumns(items), found: summed.found })
      .from(items)
      .innerJoin(summed, eq(items.id, summed.id))
      .where(and(inVault, lt(summed.bytesBefore, limits.pageBytes)))
      .orderBy(...order)
      .prepare(name)
  })

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
): Promise<Page<ItemRow>> {
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
  caller: VaultCaller,
  vaultId: string,
  options: { state: 'active' | 'trash'; limit: number; after: string | undefined },
): Promise<Page<ItemRow>> {
  await requireVault(reader, caller, vaultId)
  const { state, limit, after = '' } = options
  return toPage(await itemsInState(reader).execute({ vaultId, state, after, candidates: limit + 1 }), limit)
}

/** A page of the replaced versions of an item, newest first. */
export async function listVersions(
  reader: Reader,
  caller: VaultCaller,
  { vaultId, itemId }: { vaultId: string; itemId: string },
  { limit, before, now }: { limit: number; before: number | undefined; now: number },
): Promise<Page<VersionRow>> {
  const { itemVersions } = reader.tables
  await getItem(reader, caller, { vaultId, itemId })
  const ofItem = and(eq(itemVersions.vaultId, vaultId), eq(itemVersions.itemId, itemId))
  const candidates = reader.db
    .select({
      revision: itemVersions.revision,
      size: sql<number>`octet_length(${itemVersions.data})`.as('size'),
    })
    .from(itemVersions)
    .where(
      and(
        ofItem,
        gte(itemVersions.replacedAt, versionsSince(now)),
        before === undefined ? undefined : lt(itemVersions.revision, before),
      ),
    )
    .orderBy(desc(itemVersions.revision))
    .limit(limit + 1)
    .as('candidates')
  const summed = reader.db
    .select({
      revision: candidates.revision,
      bytesBefore: bytesBefore(candidates.size, sql`${candidates.revision} desc`),
      found: rowsFound(),
    })
    .from(candidates)
    .as('summed')
  const found = await reader.db
    .select({ row: getTableColumns(itemVersions), found: summed.found })
    .from(itemVersions)
    .innerJoin(summed, eq(itemVersions.revision, summed.revision))
    .where(and(ofItem, lt(summed.bytesBefore, limits.pageBytes)))
    .orderBy(desc(itemVersions.revision))
  return toPage(found, limit)
}

/** Removes the versions that are too old in every vault; `listVersions` does not show them any more as it is. */
export async function deleteOldVersions(tx: Tx, now: number): Promise<void> {
  const { db, tables } = tx
  const { itemVersions, vaults } = tables
  const deleted = await db
    .delete(itemVersions)
    .where(lt(itemVersions.replacedAt, versionsSince(now)))
    .returning({ vaultId: itemVersions.vaultId, bytes: bytesOf(itemVersions.data) })
  for (const [vaultId, versions] of Map.groupBy(deleted, (version) => version.vaultId)) {
    const [vault] = await db
      .select({ accountId: vaults.accountId })
      .from(vaults)
      .where(eq(vaults.id, vaultId))
    const bytes = versions.reduce((sum, version) => sum + version.bytes, 0)
    if (vault) await addUsage(tx, vault.accountId, { ...noGrowth, bytes: -bytes })
  }
}
