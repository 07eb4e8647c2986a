// Every write of items is a list of operations, applied all together or not at all; a single one is a list of one.
import { and, eq, inArray, sql } from 'drizzle-orm'
import type { Clock } from '../../clock.ts'
import type { Allowed } from '../../contract/quotas.ts'
import { limits } from '../../contract/sizes.ts'
import {
  entryPlaceholder,
  entryPlaceholders,
  entryValues,
  listStatement,
  together,
} from '../../store/statement.ts'
import { type Store, type Tx, Unchanged } from '../../store/store.ts'
import { formatFileSize } from '../../units.ts'
import type { VaultCaller } from '../caller.ts'
import { Failure, notFound } from '../failure.ts'
import { allowedToReseal, type Growth, noGrowth, type QuotaSettings, spendQuota } from '../quotas/usage.ts'
import { freeFilesOf, freeUnnamedFiles, nameFiles } from './attachment-naming.ts'
import {
  type ItemRow,
  isSameData,
  isStored,
  type KeyChanged,
  namedIn,
  naming,
  rotationOf,
  type StoredItem,
  takesKey,
  type VaultRow,
} from './rows.ts'
import { keyChanged, raiseRevision } from './vaults.ts'
import { forgetVersions, keepVersions } from './versions.ts'

/** What must stand under the id: this revision; `nothing`, which creates; or `anything`, as long as there is something. */
type Expected = number | 'nothing' | 'anything'

/** An envelope, and the version of the vault's key that seals it. */
interface SealedData {
  readonly data: Uint8Array
  readonly keyVersion: number
}

/** The content of an item, or of a version of it. */
export interface SealedContent extends SealedData {
  /** The ids of its files; undefined for those that it has. */
  readonly attachments?: readonly string[] | undefined
}

/** What is to become of one item. */
export type ItemWrite =
  | ({ op: 'put'; id: string; expected: Expected } & SealedContent)
  /** Puts the same content under the key that is to follow: state and times stay, and no version is kept. */
  | ({ op: 'reseal'; id: string; expected: number } & SealedContent)
  | { op: 'trash' | 'restore'; id: string; expected: Expected }
  | { op: 'purge'; id: string; expected: Expected; marker?: SealedData | undefined }

/** A write that met something else than it expects; `current` is null if nothing stands under the id. */
interface ItemConflict {
  readonly id: string
  readonly current: ItemRow | null
}

/** What became of a list of writes. `rows` stand in the order of the writes, `revision` is the vault's. */
export type WriteOutcome =
  | { kind: 'applied'; revision: number; rows: ItemRow[] }
  | { kind: 'conflict'; conflicts: ItemConflict[] }
  | KeyChanged

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
  if (op === 'reseal' && current.data === null) return false
  if (current.state === 'purged' && (op === 'trash' || op === 'restore')) return false
  return expected === 'anything' || current.revision === expected
}

/** The columns that content fills. */
const contentBy = ({ data, keyVersion, attachments }: SealedContent) => ({
  data,
  keyVersion,
  ...(attachments && { attachments: naming(attachments) }),
})

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
      return { ...row, ...contentBy(write), updatedAt: now }
    case 'reseal':
      // Of a tombstone only the marker is sealed.
      return current?.state === 'purged'
        ? { ...current, data: write.data, keyVersion: write.keyVersion, revision }
        : { ...row, ...contentBy(write) }
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
            data: write.marker?.data ?? null,
            keyVersion: write.marker?.keyVersion ?? row.keyVersion,
            attachments: null,
            deletedAt: now,
          }
  }
}

/** The envelope that a write brings. @returns undefined if it brings none */
function sealedBy(write: ItemWrite): SealedData | undefined {
  switch (write.op) {
    case 'put':
    case 'reseal':
      return write
    case 'purge':
      return write.marker
    default:
      return undefined
  }
}

/** Whether the vault takes what a write brings; a reseal is for the key that is to follow, and for no other. */
function takes(vault: VaultRow, write: ItemWrite): boolean {
  const sealed = sealedBy(write)
  if (!sealed) return true
  return write.op === 'reseal'
    ? sealed.keyVersion === rotationOf(vault)?.keyVersion
    : takesKey(vault, sealed.keyVersion)
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
      `The items of this batch hold more than ${formatFileSize(limits.batchBodyBytes)}. Send smaller batches.`,
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

/** The items that stand under these ids. Throws `too-large` if several hold too much together. */
async function boundedRows(tx: Tx, vaultId: string, ids: string[]): Promise<Map<string, ItemRow>> {
  if (ids.length > 1) await requireBounded(tx, vaultId, ids)
  return currentRows(tx, vaultId, ids)
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

/** Makes uploads the files of the items that are written with them. Throws `attachment-missing`. */
async function nameFilesOf(
  tx: Tx,
  vaultId: string,
  writes: readonly ItemWrite[],
  current: ReadonlyMap<string, ItemRow>,
): Promise<void> {
  for (const write of writes) {
    if ((write.op !== 'put' && write.op !== 'reseal') || !write.attachments) continue
    const row = current.get(write.id)
    if (write.op === 'reseal' && row?.state === 'purged') continue
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
  const ids = writes.map(({ id }) => id)
  // The vault is held first: no other transaction writes to it then, and what is read next still stands when it is replaced. Both
  // statements are sent together.
  const [vault, current] = await together(raiseRevision(tx, caller, vaultId), boundedRows(tx, vaultId, ids))
  const { revision } = vault
  if (writes.some(({ op }) => op === 'purge')) caller.requireMayPurge()
  if (writes.some(({ op }) => op === 'reseal')) caller.requireMayReseal()
  if (writes.some((write) => !takes(vault, write)))
    return new Unchanged<WriteOutcome>(await keyChanged(tx, vault))
  const stamp = { vaultId, revision, now }
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
  const replaced = [...current.values()].filter(({ id }) => put.has(id))
  const purged = [...idsOf('purge')]
  const [kept, forgotten] = await together(
    keepVersions(tx, replaced, stamp),
    forgetVersions(tx, vaultId, purged),
    upsertItemsStatement(tx, changed.length).execute({ vaultId, ...entryValues(changed) }),
  )
  const before = contentOf(changed.flatMap(({ id }) => current.get(id) ?? []))
  const after = contentOf(changed)
  let freed = await freeFilesOf(tx, vaultId, purged)
  // A reseal replaces files, and keeps no version that would name them.
  const replacing = writes.flatMap(({ op, id }) =>
    op === 'reseal' && typeof current.get(id)?.attachments === 'string' ? [id] : [],
  )
  for (const itemId of new Set([...kept.itemIds, ...replacing]))
    freed += await freeUnnamedFiles(tx, { vaultId, itemId })
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
    writes.every(({ op }) => op === 'reseal') ? allowedToReseal(allowed) : allowed,
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
  store.write(
    (tx) => applyItemWrites(tx, caller, vaultId, { writes, now: clock.now(), allowed: config.quotas }),
    { line: vaultId },
  )

/** What became of one write. */
export type ItemOutcome =
  | { readonly kind: 'written'; readonly row: ItemRow }
  | { readonly kind: 'conflict'; readonly current: ItemRow }
  | KeyChanged

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
  if (outcome.kind === 'key-changed') return outcome
  const current = outcome.conflicts[0]?.current
  if (!current || (write.expected === 'anything' && !isStored(current))) throw notFound()
  return { kind: 'conflict', current }
}

/** Creates an item. The same again changes nothing; any other item under the id is `id-taken`. */
export async function createItem(
  needs: Needs,
  caller: VaultCaller,
  vaultId: string,
  { id, ...content }: { id: string } & SealedContent,
): Promise<{ kind: 'created' | 'same'; item: StoredItem } | KeyChanged> {
  const outcome = await writeItem(needs, caller, vaultId, { op: 'put', id, ...content, expected: 'nothing' })
  if (outcome.kind === 'key-changed') return outcome
  const item = outcome.kind === 'written' ? outcome.row : outcome.current
  if (outcome.kind === 'written' && isStored(item)) return { kind: 'created', item }
  const { data, attachments } = content
  const hasSameFiles = attachments === undefined || item.attachments === naming(attachments)
  if (isStored(item) && hasSameFiles && isSameData(item.data, data)) return { kind: 'same', item }
  throw new Failure('id-taken', 'There is another item with this id in the vault.')
}

/**
 * Puts other content in place of that of items, and keeps none of what was there: nobody can open it any more. The vault is held.
 * @param contents some hundreds at the most, each of an item that is there
 * @param stamp.revision the vault's, which was raised for this
 * @returns what that adds to the account's usage, which is still to be counted
 */
export async function replaceContents(
  tx: Tx,
  contents: ReadonlyMap<string, Uint8Array>,
  stamp: Stamp,
): Promise<Growth> {
  const { vaultId, revision, now } = stamp
  const ids = [...contents.keys()]
  if (ids.length === 0) return noGrowth
  const forgotten = await forgetVersions(tx, vaultId, ids)
  const before = [...(await currentRows(tx, vaultId, ids)).values()]
  const after = before.map((row) => ({
    ...row,
    data: contents.get(row.id) ?? row.data,
    revision,
    updatedAt: now,
  }))
  await upsertItemsStatement(tx, after.length).execute({ vaultId, ...entryValues(after) })
  const { attachments } = tx.tables
  const withFiles = await tx.db
    .select({ itemId: attachments.itemId })
    .from(attachments)
    .where(and(eq(attachments.vaultId, vaultId), inArray(attachments.itemId, ids)))
    .groupBy(attachments.itemId)
  let freed = 0
  // Files that only versions named.
  for (const { itemId } of withFiles) freed += await freeUnnamedFiles(tx, { vaultId, itemId })
  const bytes = contentOf(after).bytes - contentOf(before).bytes - forgotten
  return { ...noGrowth, bytes, attachmentBytes: -freed }
}
