// Reading items: one, pages of a list, and what changed. What writes them is in item-writes.ts, what they were in versions.ts.
import { and, asc, eq, getTableColumns, gt, lt, type SQL, sql } from 'drizzle-orm'
import { limits } from '../../contract/sizes.ts'
import type { Tables } from '../../store/schema.ts'
import { statement } from '../../store/statement.ts'
import type { Reader } from '../../store/store.ts'
import type { VaultCaller } from '../caller.ts'
import { notFound } from '../failure.ts'
import type { Position } from './cursor.ts'
import { bytesBefore, type Page, rowsFound, toPage } from './pages.ts'
import { type ItemRow, isStored, type StoredItem } from './rows.ts'
import { requireVault } from './vaults.ts'

const itemOfCallerStatement = statement(({ db, tables: { items, vaults } }: Reader) =>
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
  const [row] = await itemOfCallerStatement(reader).execute({ ...caller.owned(vaultId), itemId })
  if (!row || !isStored(row.item)) throw notFound()
  return row.item
}

/**
 * Makes the statement for pages of a vault's items: the first rows of `where`, bounded by number and by bytes, but at least
 * one.
 * @param by the order: `revision` for sync (and by id within a revision), or `id`
 */
const createPageStatement = (
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
        size: sql<number>`coalesce(octet_length(${items.data}), 0) + coalesce(octet_length(${items.attachments}), 0)`.as(
          'size',
        ),
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

const itemsAfterPositionStatement = createPageStatement(
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
  const found = await itemsAfterPositionStatement(reader).execute({
    vaultId,
    revision,
    itemId,
    candidates: limit + 1,
  })
  return toPage(found, limit)
}

const itemsInStateStatement = createPageStatement('items_in_state', 'id', (items) =>
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
  return toPage(
    await itemsInStateStatement(reader).execute({ vaultId, state, after, candidates: limit + 1 }),
    limit,
  )
}
