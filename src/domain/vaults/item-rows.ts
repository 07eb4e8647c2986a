// What writes of items read and write: statements for any number of items, which decide nothing (item-rules.ts).
import { and, eq, getTableColumns, inArray, sql } from 'drizzle-orm'
import { limits } from '../../contract/sizes.ts'
import { unnested } from '../../store/columns.ts'
import { eachStatement, textsStatement } from '../../store/statement.ts'
import type { RowWriter, Tx } from '../../store/store.ts'
import { formatFileSize } from '../../units.ts'
import { Failure } from '../failure.ts'
import type { Growth } from '../quotas/usage.ts'
import { type ItemColumns, itemColumns, itemOf } from './item-columns.ts'
import type { ItemRow } from './rows.ts'

/** Refuses a batch over items so large that its answer would fill the memory. */
export async function requireBounded(
  { db, tables: { items } }: Tx,
  vaultId: string,
  ids: string[],
): Promise<void> {
  const [row] = await db
    .select({
      bytes:
        sql`coalesce(sum(coalesce(octet_length(${items.data}), 0) + coalesce(octet_length(${items.attachments}), 0)), 0)`.mapWith(
          Number,
        ),
    })
    .from(items)
    .where(and(eq(items.vaultId, vaultId), inArray(items.id, ids)))
  if (row && row.bytes > limits.batchBodyBytes)
    throw new Failure(
      'too-large',
      `The items of this batch hold more than ${formatFileSize(limits.batchBodyBytes)}. Send smaller batches.`,
    )
}

type UsageColumns = [items: number, deletedItems: number, bytes: number, attachmentBytes: number]

type Nulls<Values extends unknown[]> = { [Index in keyof Values]: null }

const standingStatement = textsStatement<
  [...UsageColumns, ...ItemColumns] | [...UsageColumns, ...Nulls<ItemColumns>],
  Tx
>('standing_items', ({ db, tables }, { isGiven }) => {
  const { accounts, items } = tables
  return db
    .select({
      ...{ storedItems: accounts.storedItems, deletedItems: accounts.deletedItems },
      ...{ storedBytes: accounts.storedBytes, storedAttachmentBytes: accounts.storedAttachmentBytes },
      ...itemColumns(tables),
    })
    .from(accounts)
    .leftJoin(items, and(eq(items.vaultId, sql.placeholder('vaultId')), isGiven(items.id)))
    .where(eq(accounts.id, sql.placeholder('accountId')))
})

/** The items that stand under some ids, and what their account stores. */
export async function standingItems(
  tx: Tx,
  { accountId, vaultId }: { accountId: string; vaultId: string },
  ids: readonly string[],
): Promise<{ usage: Growth | undefined; items: Map<string, ItemRow> }> {
  const found = await standingStatement(tx, ids, { accountId, vaultId })
  const items = new Map<string, ItemRow>()
  let usage: Growth | undefined
  for (const [stored, tombstones, bytes, attachmentBytes, ...columns] of found) {
    usage = { items: stored, deletedItems: tombstones, bytes, attachmentBytes }
    if (columns[0] !== null) items.set(columns[0], itemOf(vaultId, columns))
  }
  return { usage, items }
}

const inPlace = ({ tables: { items } }: RowWriter) => ({
  target: [items.vaultId, items.id],
  set: {
    state: sql`excluded.state`,
    data: sql`excluded.data`,
    keyVersion: sql`excluded.key_version`,
    attachments: sql`excluded.attachments`,
    revision: sql`excluded.revision`,
    createdAt: sql`excluded.created_at`,
    updatedAt: sql`excluded.updated_at`,
    deletedAt: sql`excluded.deleted_at`,
  },
})

/** Puts rows of items into the table, in place of those that stand there. */
export const putItems = eachStatement<ItemRow>(
  'put_items',
  (handle) =>
    handle.db
      .insert(handle.tables.items)
      .values({
        vaultId: sql.placeholder('vaultId'),
        id: sql.placeholder('id'),
        state: sql.placeholder('state'),
        data: sql.placeholder('data'),
        keyVersion: sql.placeholder('keyVersion'),
        attachments: sql.placeholder('attachments'),
        revision: sql.placeholder('revision'),
        createdAt: sql.placeholder('createdAt'),
        updatedAt: sql.placeholder('updatedAt'),
        deletedAt: sql.placeholder('deletedAt'),
      })
      .onConflictDoUpdate(inPlace(handle)),
  (handle) =>
    handle.db
      .insert(handle.tables.items)
      .select(unnested(getTableColumns(handle.tables.items)))
      .onConflictDoUpdate(inPlace(handle)),
)
