// Reading items: one, pages of a list, what changed, and replaced versions. What writes them is in item-writes.ts.
import { and, asc, desc, eq, gt, gte, lt, type SQL, sql } from 'drizzle-orm'
import { days } from '../../clock.ts'
import { limits } from '../../contract/primitives.ts'
import type { Item, ItemVersion } from '../../contract/vaults.ts'
import { notFound } from '../../http/problem.ts'
import type { Tables } from '../../store/schema.ts'
import { statement } from '../../store/statement.ts'
import type { Reader, Tx } from '../../store/store.ts'
import type { VaultCaller } from '../caller.ts'
import type { Position } from './cursor.ts'
import { requireVault } from './repository.ts'
import { type ItemRow, toItem, toItemVersion } from './rows.ts'

/** How many replaced versions of an item are kept, and for how long. */
export const versionsKept = 20
export const versionDaysKept = 90

/** The replaced versions from before this time are gone. */
export const versionsSince = (now: number) => now - days(versionDaysKept)

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
): Promise<Item> {
  const [row] = await itemOfCaller(reader).execute({ ...caller.owned(vaultId), itemId })
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
  caller: VaultCaller,
  vaultId: string,
  options: { state: 'active' | 'trash'; limit: number; after: string | undefined },
): Promise<Page> {
  await requireVault(reader, caller, vaultId)
  const { state, limit, after = '' } = options
  return toPage(await itemsInState(reader).execute({ vaultId, state, after, candidates: limit + 1 }), limit)
}

/** The replaced versions of an item, newest first. */
export async function listVersions(
  reader: Reader,
  caller: VaultCaller,
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
