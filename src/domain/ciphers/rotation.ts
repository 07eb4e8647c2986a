// A new user key of an account: every item and folder is encrypted anew, with the names and keys of files, all at once or not at all. Replaced
// versions go, because nothing opens them any more.
import { and, eq, getTableColumns, isNotNull, isNull, sql } from 'drizzle-orm'
import type { Tx } from '../../store/store.ts'
import { addUsage } from '../quotas/usage.ts'
import { dropAnnouncedOf } from '../vaults/announced-files.ts'
import { replaceContents } from '../vaults/item-writes.ts'
import { inPieces } from './change.ts'
import { bodyOf } from './content.ts'
import { refusedMember } from './rows.ts'
import type { CipherWrite } from './writes.ts'

/** An item under the new key. Only what is encrypted counts: its place and its dates stay. */
export interface RotatedCipher extends Pick<CipherWrite, 'type' | 'encryptedFor' | 'files'> {
  readonly id: string
  readonly body: Uint8Array
}

/** What a client gives as an item under the new key. Throws `malformed-request` and `too-large`. */
export const rotatedCipher = (
  id: string,
  { type, content, encryptedFor, files }: CipherWrite,
): RotatedCipher => ({ id, type, encryptedFor, files, body: bodyOf(type, content) })

interface RotatedFolder {
  readonly id: string
  readonly name: string
}

interface Stamp {
  readonly now: number
  /** Of the vault, raised for this. */
  readonly revision: number
  /** Of the account. */
  readonly revisionAt: number
}

/** Throws `malformed-request` unless the request brings each of these once, and nothing else. */
function requireAll(
  path: string,
  given: readonly { readonly id: string }[],
  stored: ReadonlySet<string>,
): void {
  const ids = new Set(given.map(({ id }) => id))
  if (ids.size !== given.length || ids.size !== stored.size || [...ids].some((id) => !stored.has(id)))
    throw refusedMember(
      path,
      'The key changes for everything in the account at once, and this is not all of it. Sync, and try again.',
    )
}

const inAccount = (ids: readonly { readonly id: string }[]) => new Set(ids.map(({ id }) => id))

async function replaceFolders(
  { db, tables: { folders } }: Tx,
  accountId: string,
  given: readonly RotatedFolder[],
  { revisionAt }: Stamp,
): Promise<void> {
  const stored = await db.select({ id: folders.id }).from(folders).where(eq(folders.vaultId, accountId))
  requireAll('accountData.folders', given, inAccount(stored))
  for await (const piece of inPieces(given))
    await db
      .insert(folders)
      .values(piece.map(({ id, name }) => ({ vaultId: accountId, id, name, revisionAt })))
      .onConflictDoUpdate({
        target: [folders.vaultId, folders.id],
        set: { name: sql`excluded.name`, revisionAt: sql`excluded.revision_at` },
      })
}

/** Throws `malformed-request` if a file of an item is not among what the request brings: its content would be lost. */
async function replaceFileKeys(
  { db, tables: { attachments, ciphers } }: Tx,
  accountId: string,
  given: readonly RotatedCipher[],
): Promise<void> {
  const files = await db
    .select(getTableColumns(attachments))
    .from(attachments)
    .innerJoin(ciphers, and(eq(ciphers.vaultId, attachments.vaultId), eq(ciphers.itemId, attachments.itemId)))
    .where(
      and(eq(attachments.vaultId, accountId), isNotNull(attachments.fileName), isNull(attachments.expiresAt)),
    )
  const writes = new Map(given.map((item) => [item.id, item]))
  for (const { id, itemId } of files) {
    const renamed = writes.get(itemId)?.files.get(id)
    if (!renamed?.key)
      throw refusedMember(
        'accountData.ciphers',
        'The request leaves out the key of a file beside an item. Sync, and try again.',
      )
    await db
      .update(attachments)
      .set({ fileName: renamed.fileName, fileKey: renamed.key })
      .where(and(eq(attachments.vaultId, accountId), eq(attachments.itemId, itemId), eq(attachments.id, id)))
  }
}

/**
 * Puts all items and folders of an account under its new key. The vault and the row of `bitwarden_accounts` are held. Throws `malformed-request` unless
 * the request has each of them once, with all files, and nothing else.
 */
export async function replaceCiphers(
  tx: Tx,
  accountId: string,
  { ciphers: given, folders }: { ciphers: readonly RotatedCipher[]; folders: readonly RotatedFolder[] },
  stamp: Stamp,
): Promise<void> {
  const { ciphers } = tx.tables
  const stored = await tx.db
    .select({ id: ciphers.itemId, type: ciphers.type })
    .from(ciphers)
    .where(eq(ciphers.vaultId, accountId))
  requireAll('accountData.ciphers', given, inAccount(stored))
  const types = new Map(stored.map(({ id, type }) => [id, type]))
  if (given.some(({ id, type }) => types.get(id) !== type))
    throw refusedMember('accountData.ciphers', 'An item has another kind than here. Sync, and try again.')
  if (given.some(({ encryptedFor }) => encryptedFor !== undefined && encryptedFor !== accountId))
    throw refusedMember('accountData.ciphers', 'An item is encrypted for another account.')
  for await (const piece of inPieces(given)) {
    const bodies = new Map(piece.map(({ id, body }) => [id, body]))
    const growth = await replaceContents(tx, bodies, { ...stamp, vaultId: accountId })
    await addUsage(tx, accountId, growth)
  }
  await replaceFileKeys(tx, accountId, given)
  await dropAnnouncedOf(tx, { vaultId: accountId })
  await tx.db.update(ciphers).set({ revisionAt: stamp.revisionAt }).where(eq(ciphers.vaultId, accountId))
  await replaceFolders(tx, accountId, folders, stamp)
}
