// Reading items: one, pages of a list, and what changed. What writes them is in item-writes.ts, what they were in versions.ts.
import { and, asc, eq, gt, inArray, type SQL, sql } from 'drizzle-orm'
import type { Tables } from '../../store/schema.ts'
import { rowsStatement, statement } from '../../store/statement.ts'
import type { Reader, Store } from '../../store/store.ts'
import type { VaultCaller } from '../caller.ts'
import { notFound } from '../failure.ts'
import type { Position } from './cursor.ts'
import { type ItemColumns, itemColumns, itemOf } from './item-columns.ts'
import { ifSmall, isLarge, type PagePieces, pageInPieces, pageOf } from './pages.ts'
import { type ItemRow, isStored, type StoredItem } from './rows.ts'
import { requireVault } from './vault-row.ts'

const itemOfCallerStatement = rowsStatement<ItemColumns>('item_of_caller', ({ db, tables }) => {
  const { items, vaults } = tables
  return db
    .select(itemColumns(tables))
    .from(items)
    .innerJoin(vaults, eq(vaults.id, items.vaultId))
    .where(
      and(
        eq(items.vaultId, sql.placeholder('vaultId')),
        eq(items.id, sql.placeholder('itemId')),
        eq(vaults.accountId, sql.placeholder('accountId')),
      ),
    )
})

/** One item of the caller's vault, in the trash or not; `not-found` also for what was purged. */
export async function getItem(
  reader: Reader,
  caller: VaultCaller,
  { vaultId, itemId }: { vaultId: string; itemId: string },
): Promise<StoredItem> {
  const [row] = await itemOfCallerStatement(reader)({ ...caller.owned(vaultId), itemId })
  if (!row) throw notFound()
  const item = itemOf(vaultId, row)
  if (!isStored(item)) throw notFound()
  return item
}

/**
 * An item of a list, or what is left of one, as a statement gives it. It is an array, because to make an object of each of thousands takes
 * longer than to read them.
 */
export type ListedItem = [
  id: string,
  revision: number,
  state: ItemRow['state'],
  /** Null also if it is large and not read yet. */
  data: Uint8Array | null,
  keyVersion: number,
  attachments: string | null,
  createdAt: number,
  updatedAt: number,
  deletedAt: number | null,
  /** Of the data. */
  bytes: number,
]

const bytesOf = (item: ListedItem): number => item[9]

const isWhole = (item: ListedItem): boolean => !isLarge(bytesOf(item))

/** The columns of a ListedItem. */
function listedColumns({ items }: Tables, data: (bytes: SQL) => SQL) {
  const bytes = sql`coalesce(octet_length(${items.data}), 0)`
  return {
    id: items.id,
    revision: items.revision,
    state: items.state,
    data: data(bytes),
    keyVersion: items.keyVersion,
    attachments: items.attachments,
    createdAt: items.createdAt,
    updatedAt: items.updatedAt,
    deletedAt: items.deletedAt,
    bytes,
  }
}

/**
 * Makes the statement for the rows of a vault's items that follow others.
 * @param by the order: `revision` for sync (and by id within a revision), or `id`
 */
const createListStatement = (
  name: string,
  by: 'revision' | 'id',
  where: (items: Tables['items']) => SQL | undefined,
) =>
  statement((reader: Reader) => {
    const { db, tables } = reader
    const { items } = tables
    const list = db
      .select(listedColumns(tables, (bytes) => ifSmall(sql`${items.data}`, bytes)))
      .from(items)
      .where(and(eq(items.vaultId, sql.placeholder('vaultId')), where(items)))
      .orderBy(...(by === 'revision' ? [asc(items.revision), asc(items.id)] : [asc(items.id)]))
      .limit(sql.placeholder('count'))
    return reader.rows<ListedItem>(name, list)
  })

/** The items as they were listed, with their data; without those that have changed or gone since. */
async function withLargeData(reader: Reader, vaultId: string, listed: ListedItem[]): Promise<ListedItem[]> {
  const { db, tables } = reader
  const { items } = tables
  const ids = listed.flatMap((item) => (isWhole(item) ? [] : [item[0]]))
  const large = db
    .select(listedColumns(tables, () => sql`${items.data}`))
    .from(items)
    .where(and(eq(items.vaultId, vaultId), inArray(items.id, ids)))
  // The empty name is that of a statement which is not kept.
  const read = new Map((await reader.rows<ListedItem>('', large)({})).map((item) => [item[0], item]))
  return listed.flatMap((item) => {
    if (isWhole(item)) return [item]
    const found = read.get(item[0])
    return found?.[1] === item[1] ? [found] : []
  })
}

const itemsAfterPositionStatement = createListStatement(
  'items_after_position',
  'revision',
  (items) =>
    sql`(${items.revision}, ${items.id}) > (${sql.placeholder('revision')}, ${sql.placeholder('itemId')})`,
)

/** Whether anything was touched after a position. */
export async function isChangedAfter(reader: Reader, vaultId: string, position: Position): Promise<boolean> {
  const [found] = await itemsAfterPositionStatement(reader)({ vaultId, ...position, count: 1 })
  return found !== undefined
}

/** A page of what was touched after a position, tombstones included, in the order of revisions. */
export const listChangedItems = (
  services: { readonly store: Store },
  vaultId: string,
  { position, limit }: { position: Position; limit: number },
): PagePieces<ListedItem> =>
  pageInPieces(
    services,
    {
      bytesOf,
      isWhole,
      next(reader, last, count) {
        const after = last ? { revision: last[1], itemId: last[0] } : position
        return itemsAfterPositionStatement(reader)({ vaultId, ...after, count })
      },
      complete: (reader, listed) => withLargeData(reader, vaultId, listed),
    },
    pageOf(limit),
  )

const itemsInStateStatement = createListStatement('items_in_state', 'id', (items) =>
  and(eq(items.state, sql.placeholder('state')), gt(items.id, sql.placeholder('after'))),
)

/** A page of a vault's items, in the order of their ids. Throws `not-found`. */
export async function listItems(
  services: { readonly store: Store },
  caller: VaultCaller,
  vaultId: string,
  options: { state: 'active' | 'trash'; limit: number; after: string | undefined },
): Promise<PagePieces<ListedItem>> {
  await services.store.read((reader) => requireVault(reader, caller, vaultId))
  const { state, limit, after = '' } = options
  return pageInPieces(
    services,
    {
      bytesOf,
      isWhole,
      next: (reader, last, count) =>
        itemsInStateStatement(reader)({ vaultId, state, after: last?.[0] ?? after, count }),
      complete: (reader, listed) => withLargeData(reader, vaultId, listed),
    },
    pageOf(limit),
  )
}
