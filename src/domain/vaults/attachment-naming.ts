// Which files items name. A file belongs to its item from the write that names it, and stays as long as the item or one of its
// replaced versions does. All of it is decided while the vault's row is held.
import { and, eq, inArray, isNotNull, isNull, lt } from 'drizzle-orm'
import type { Tx } from '../../store/store.ts'
import { Failure } from '../failure.ts'
import { forgetObjects } from './attachment-objects.ts'
import { namedIn } from './rows.ts'

/** Where an item is. */
export interface ItemPlace {
  readonly vaultId: string
  readonly itemId: string
}

/**
 * Makes uploads the item's files: from here on they do not run out. Throws `attachment-missing` unless each is here, whole and of
 * this item.
 */
export async function nameFiles(
  { db, tables: { attachments } }: Tx,
  { vaultId, itemId }: ItemPlace,
  ids: readonly string[],
): Promise<void> {
  if (ids.length === 0) return
  const named = await db
    .update(attachments)
    .set({ expiresAt: null })
    .where(
      and(
        eq(attachments.vaultId, vaultId),
        eq(attachments.itemId, itemId),
        inArray(attachments.id, [...ids]),
        eq(attachments.receivedBytes, attachments.bytes),
      ),
    )
    .returning({ id: attachments.id })
  const found = new Set(named.map(({ id }) => id))
  const missing = ids.filter((id) => !found.has(id))
  if (missing.length > 0)
    throw new Failure(
      'attachment-missing',
      `The item names files that are not here as a whole: ${missing.length} of ${ids.length} new ones.`,
      { attachments: missing },
    )
}

const sumOfBytes = (rows: readonly { readonly bytes: number }[]) =>
  rows.reduce((sum, { bytes }) => sum + bytes, 0)

/** Deletes these files of an item, with their bytes. @returns how many bytes that frees */
export async function freeFiles(
  tx: Tx,
  { vaultId, itemId }: ItemPlace,
  ids: readonly string[],
): Promise<number> {
  if (ids.length === 0) return 0
  const { attachments } = tx.tables
  const freed = await tx.db
    .delete(attachments)
    .where(
      and(
        eq(attachments.vaultId, vaultId),
        eq(attachments.itemId, itemId),
        inArray(attachments.id, [...ids]),
      ),
    )
    .returning()
  await forgetObjects(tx, freed)
  return sumOfBytes(freed)
}

/** Deletes all files of items that are deleted for good, and what is being uploaded for them. @returns how many bytes that frees */
export async function freeFilesOf(tx: Tx, vaultId: string, itemIds: readonly string[]): Promise<number> {
  if (itemIds.length === 0) return 0
  const { attachments } = tx.tables
  const freed = await tx.db
    .delete(attachments)
    .where(and(eq(attachments.vaultId, vaultId), inArray(attachments.itemId, [...itemIds])))
    .returning()
  await forgetObjects(tx, freed)
  return sumOfBytes(freed)
}

/**
 * Deletes the files of a vault that lie under an older key than this one, uploads included. @returns how many bytes that frees
 */
export async function freeFilesUnder(tx: Tx, vaultId: string, keyVersion: number): Promise<number> {
  const { attachments } = tx.tables
  const freed = await tx.db
    .delete(attachments)
    .where(and(eq(attachments.vaultId, vaultId), lt(attachments.keyVersion, keyVersion)))
    .returning()
  await forgetObjects(tx, freed)
  return sumOfBytes(freed)
}

/** Deletes the files of an item that neither it nor a version of it names any more. @returns how many bytes that frees */
export async function freeUnnamedFiles(tx: Tx, place: ItemPlace): Promise<number> {
  const { db, tables } = tx
  const { attachments, items, itemVersions } = tables
  const { vaultId, itemId } = place
  const kept = await db
    .select({ id: attachments.id })
    .from(attachments)
    .where(
      and(eq(attachments.vaultId, vaultId), eq(attachments.itemId, itemId), isNull(attachments.expiresAt)),
    )
  if (kept.length === 0) return 0
  const rows = [
    ...(await db
      .select({ attachments: items.attachments })
      .from(items)
      .where(and(eq(items.vaultId, vaultId), eq(items.id, itemId)))),
    ...(await db
      .select({ attachments: itemVersions.attachments })
      .from(itemVersions)
      .where(
        and(
          eq(itemVersions.vaultId, vaultId),
          eq(itemVersions.itemId, itemId),
          isNotNull(itemVersions.attachments),
        ),
      )),
  ]
  const named = new Set(rows.flatMap(namedIn))
  return freeFiles(
    tx,
    place,
    kept.flatMap(({ id }) => (named.has(id) ? [] : [id])),
  )
}
