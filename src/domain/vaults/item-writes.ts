// Every write of items is a list of operations, applied all together or not at all; a single one is a list of one.
import { and, eq, inArray, sql } from 'drizzle-orm'
import type { Clock } from '../../clock.ts'
import type { Allowed } from '../../contract/quotas.ts'
import { limits } from '../../contract/sizes.ts'
import { entryPlaceholder, entryPlaceholders, entryValues, listStatement } from '../../store/statement.ts'
import { type Store, type Tx, Unchanged } from '../../store/store.ts'
import type { VaultCaller } from '../caller.ts'
import { Failure, notFound } from '../failure.ts'
import { type Growth, type QuotaSettings, spendQuota } from '../quotas/usage.ts'
import { freeFilesOf, freeUnnamedFiles, nameFiles } from './attachment-naming.ts'
import { type ItemRow, isSameData, isStored, namedIn, naming, type StoredItem } from './rows.ts'
import { raiseRevision } from './vaults.ts'
import { forgetVersions, keepVersions } from './versions.ts'

/** What must stand under the id: this revision; `nothing`, which creates; or `anything`, as long as there is something. */
type Expected = number | 'nothing' | 'anything'

/** What is to become of one item. */
export type ItemWrite =
  | {
      op: 'put'
      id: string
      data: Uint8Array
      /** The ids of its files; undefined for those that it has. */
      attachments?: readonly string[] | undefined
      expected: Expected
    }
  | { op: 'trash' | 'restore'; id: string; expected: Expected }
  | { op: 'purge'; id: string; expected: Expected; marker?: Uint8Array | undefined }

/** A write that met something else than it expects; `current` is null if nothing stands under the id. */
interface ItemConflict {
  readonly id: string
  readonly current: ItemRow | null
}

/** What became of a list of writes. `rows` stand in the order of the writes, `revision` is the vault's. */
export type WriteOutcome =
  | { kind: 'applied'; revision: number; rows: ItemRow[] }
  | { kind: 'conflict'; conflicts: ItemConflict[] }

/** What every row that a write touches is stamped with. */
interface Stamp {
  readonly vaultId: string
  readonly revision: number
  readonly now: number
}

/**
 * A tombstone is not nothing: a creation that is repeated late must not bring back what was deleted for good. A client that means to,
 * puts over the revision of the tombstone. Trashing and restoring do not find it, purging again does.
 */
function meets({ op, expected }: ItemWrite, current: ItemRow | undefined): boolean {
  if (expected === 'nothing') return current === undefined
  if (current === undefined) return false
  if (current.state === 'purged' && (op === 'trash' || op === 'restore')) return false
  return expected === 'anything' || current.revision === expected
}

/** The row after a write that `meets`; the same row if the write changes nothing. */
function rowAfter(
  write: ItemWrite,
  current: ItemRow | undefined,
  { vaultId, revision, now }: Stamp,
): ItemRow {
  const { id } = write
  const living = current?.state === 'purged' ? undefined : current
  const created = {
    vaultId,
    id,
    state: 'active',
    data: null,
    keyVersion: 1,
    attachments: null,
    createdAt: now,
    updatedAt: now,
    deletedAt: null,
  } as const
  const row: ItemRow = { ...(living ?? created), revision }
  switch (write.op) {
    case 'put':
      return {
        ...row,
        data: write.data,
        ...(write.attachments && { attachments: naming(write.attachments) }),
        updatedAt: now,
      }
    case 'trash':
      return current?.state === 'trash' ? current : { ...row, state: 'trash', deletedAt: now }
    case 'restore':
      return current?.state === 'active' ? current : { ...row, state: 'active', deletedAt: null }
    case 'purge':
      return current?.state === 'purged' && (current.data !== null || write.marker === undefined)
        ? current
        : {
            ...row,
            state: 'purged',
            data: write.marker ?? null,
            attachments: null,
            deletedAt: now,
          }
  }
}

/** Refuses a batch over items so large that its answer would fill the memory. */
async function requireBounded({ db, tables: { items } }: Tx, vaultId: string, ids: string[]): Promise<void> {
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
      `The items of this batch hold more than ${limits.batchBodyBytes} bytes. Send smaller batches.`,
    )
}

const itemsByIdStatement = listStatement('items_by_id', ({ db, tables: { items } }: Tx, length) =>
  db
    .select()
    .from(items)
    .where(
      and(eq(items.vaultId, sql.placeholder('vaultId')), inArray(items.id, entryPlaceholders('id', length))),
    ),
)

async function currentRows(tx: Tx, vaultId: string, ids: string[]): Promise<Map<string, ItemRow>> {
  const values = entryValues(ids.map((id) => ({ id })))
  const rows = await itemsByIdStatement(tx, ids.length).execute({ vaultId, ...values })
  return new Map(rows.map((row) => [row.id, row]))
}

/** What rows of items count as. */
const contentOf = (rows: readonly ItemRow[]): Growth => ({
  items: rows.filter(({ state }) => state !== 'purged').length,
  deletedItems: rows.filter(({ state }) => state === 'purged').length,
  bytes: rows.reduce((sum, { data }) => sum + (data?.length ?? 0), 0),
  attachmentBytes: 0,
})

const upsertItemsStatement = listStatement('upsert_items', ({ db, tables: { items } }: Tx, length) =>
  db
    .insert(items)
    .values(
      Array.from({ length }, (_, index) => ({
        vaultId: sql.placeholder('vaultId'),
        id: entryPlaceholder('id', index),
        state: entryPlaceholder('state', index),
        data: entryPlaceholder('data', index),
        keyVersion: entryPlaceholder('keyVersion', index),
        attachments: entryPlaceholder('attachments', index),
        revision: entryPlaceholder('revision', index),
        createdAt: entryPlaceholder('createdAt', index),
        updatedAt: entryPlaceholder('updatedAt', index),
        deletedAt: entryPlaceholder('deletedAt', index),
      })),
    )
    .onConflictDoUpdate({
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
    }),
)

/** Makes uploads the files of the items that were put with them. Throws `attachment-missing`. */
async function nameFilesOf(
  tx: Tx,
  vaultId: string,
  writes: readonly ItemWrite[],
  current: ReadonlyMap<string, ItemRow>,
): Promise<void> {
  for (const write of writes) {
    if (write.op !== 'put' || !write.attachments) continue
    const row = current.get(write.id)
    const before = new Set(row ? namedIn(row) : [])
    const added = write.attachments.filter((id) => !before.has(id))
    await nameFiles(tx, { vaultId, itemId: write.id }, added)
  }
}

/**
 * Applies writes to a vault of the caller: all of them, under one new revision, or none. If none of them changes anything
 * the revision stays. Throws `not-found` for the vault, `insufficient-scope`, `too-large`, `attachment-missing` and
 * `quota-exceeded`.
 * @param writes at most `limits.batchOperations`, each id once
 */
export async function applyItemWrites(
  tx: Tx,
  caller: VaultCaller,
  vaultId: string,
  { writes, now, allowed }: { writes: readonly ItemWrite[]; now: number; allowed: Allowed },
): Promise<WriteOutcome | Unchanged<WriteOutcome>> {
  // From here on no other transaction writes to the vault, so what is read below still stands when it is replaced.
  const { revision } = await raiseRevision(tx, caller, vaultId)
  if (writes.some(({ op }) => op === 'purge')) caller.requireMayPurge()
  const stamp = { vaultId, revision, now }
  const ids = writes.map(({ id }) => id)
  if (writes.length > 1) await requireBounded(tx, vaultId, ids)
  const current = await currentRows(tx, vaultId, ids)

  const unmet = writes.filter((write) => !meets(write, current.get(write.id)))
  if (unmet.length > 0) {
    const conflicts = unmet.map(({ id }) => ({ id, current: current.get(id) ?? null }))
    return new Unchanged<WriteOutcome>({ kind: 'conflict', conflicts })
  }

  const rows = writes.map((write) => rowAfter(write, current.get(write.id), stamp))
  const changed = rows.filter((row) => row.revision === revision)
  if (changed.length === 0)
    return new Unchanged<WriteOutcome>({ kind: 'applied', revision: revision - 1, rows })

  const idsOf = (op: ItemWrite['op']) =>
    new Set(writes.flatMap((write) => (write.op === op ? [write.id] : [])))
  await nameFilesOf(tx, vaultId, writes, current)
  const put = idsOf('put')
  const kept = await keepVersions(
    tx,
    [...current.values()].filter(({ id }) => put.has(id)),
    stamp,
  )
  const purged = [...idsOf('purge')]
  const forgotten = await forgetVersions(tx, vaultId, purged)
  await upsertItemsStatement(tx, changed.length).execute({ vaultId, ...entryValues(changed) })
  const before = contentOf(changed.flatMap(({ id }) => current.get(id) ?? []))
  const after = contentOf(changed)
  let freed = await freeFilesOf(tx, vaultId, purged)
  for (const itemId of kept.itemIds) freed += await freeUnnamedFiles(tx, { vaultId, itemId })
  const { accountId } = caller.owned(vaultId)
  await spendQuota(
    tx,
    accountId,
    {
      items: after.items - before.items,
      deletedItems: after.deletedItems - before.deletedItems,
      bytes: after.bytes - before.bytes + kept.bytes - forgotten,
      attachmentBytes: -freed,
    },
    allowed,
  )
  return { kind: 'applied', revision, rows }
}

interface Needs {
  readonly clock: Clock
  readonly config: QuotaSettings
  readonly store: Store
}

/** Writes a list of items, as `applyItemWrites` says. */
export const writeItems = (
  { clock, config, store }: Needs,
  caller: VaultCaller,
  vaultId: string,
  writes: readonly ItemWrite[],
): Promise<WriteOutcome> =>
  store.write((tx) =>
    applyItemWrites(tx, caller, vaultId, { writes, now: clock.now(), allowed: config.quotas }),
  )

/** What became of one write. */
export type ItemOutcome =
  | { readonly kind: 'written'; readonly row: ItemRow }
  | { readonly kind: 'conflict'; readonly current: ItemRow }

/** Writes one item. Throws like `writeItems`, and `not-found` if there is nothing to conflict with. */
export async function writeItem(
  needs: Needs,
  caller: VaultCaller,
  vaultId: string,
  write: ItemWrite,
): Promise<ItemOutcome> {
  const outcome = await writeItems(needs, caller, vaultId, [write])
  if (outcome.kind === 'applied') {
    const [row] = outcome.rows
    if (!row) throw new Error('A write of one item answered without it')
    return { kind: 'written', row }
  }
  const current = outcome.conflicts[0]?.current
  if (!current || (write.expected === 'anything' && !isStored(current))) throw notFound()
  return { kind: 'conflict', current }
}

/** Creates an item. The same again changes nothing (`created: false`); any other item under the id is `id-taken`. */
export async function createItem(
  needs: Needs,
  caller: VaultCaller,
  vaultId: string,
  { id, data, attachments }: { id: string; data: Uint8Array; attachments?: readonly string[] | undefined },
): Promise<{ item: StoredItem; created: boolean }> {
  const outcome = await writeItem(needs, caller, vaultId, {
    op: 'put',
    id,
    data,
    attachments,
    expected: 'nothing',
  })
  const item = outcome.kind === 'conflict' ? outcome.current : outcome.row
  const created = outcome.kind === 'written'
  const hasSameFiles = attachments === undefined || item.attachments === naming(attachments)
  if (isStored(item) && (created || (hasSameFiles && isSameData(item.data, data)))) return { item, created }
  throw new Failure('id-taken', 'There is another item with this id in the vault.')
}
