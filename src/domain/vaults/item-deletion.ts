// Deleting items without a trace, for vaults whose ids the server makes: no client repeats a creation of one under its id, so none of
// them needs a tombstone.
import { and, eq, inArray } from 'drizzle-orm'
import type { Tx } from '../../store/store.ts'
import { bytesOf, type Growth } from '../quotas/usage.ts'
import { freeFilesOf } from './attachment-naming.ts'
import { forgetVersions } from './versions.ts'

/**
 * Deletes items with their versions and files. The vault is held.
 * @param ids some hundreds at the most
 * @returns what that takes from the account's usage, which is still to be counted
 */
export async function deleteItems(tx: Tx, vaultId: string, ids: readonly string[]): Promise<Growth> {
  const { items } = tx.tables
  const freed = await freeFilesOf(tx, vaultId, ids)
  const forgotten = await forgetVersions(tx, vaultId, ids)
  const deleted = await tx.db
    .delete(items)
    .where(and(eq(items.vaultId, vaultId), inArray(items.id, [...ids])))
    .returning({ bytes: bytesOf(items.data) })
  const bytes = deleted.reduce((sum, row) => sum + row.bytes, 0)
  return { items: -deleted.length, deletedItems: 0, bytes: -bytes - forgotten, attachmentBytes: -freed }
}
