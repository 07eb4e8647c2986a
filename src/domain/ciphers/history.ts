// Replaced bodies of items, for an owner whose apps do not show them: the operator sees which there are, and brings one back.
import { and, desc, eq } from 'drizzle-orm'
import type { Reader, Tx } from '../../store/store.ts'
import { VaultCaller } from '../caller.ts'
import { notFound } from '../failure.ts'
import { noteBitwardenChange } from '../identity/bitwarden-accounts.ts'
import { bytesOf, type QuotaSettings } from '../quotas/usage.ts'
import { applyItemWrites } from '../vaults/item-writes.ts'
import { holdVault } from '../vaults/vault-row.ts'
import { keyIn, typeIn } from './content.ts'
import { getCipher } from './read.ts'
import { refused } from './rows.ts'

/** A replaced body, without what is in it. Times are milliseconds since 1970. */
export interface ReplacedBody {
  readonly itemId: string
  /** By which it is named. */
  readonly revision: number
  readonly writtenAt: number
  readonly replacedAt: number
  readonly bytes: number
}

/** The replaced bodies of an account's items, last replaced first. */
export async function listReplaced(
  { db, tables: { itemVersions } }: Reader,
  accountId: string,
  limit: number,
): Promise<ReplacedBody[]> {
  return db
    .select({
      itemId: itemVersions.itemId,
      revision: itemVersions.revision,
      writtenAt: itemVersions.createdAt,
      replacedAt: itemVersions.replacedAt,
      bytes: bytesOf(itemVersions.data),
    })
    .from(itemVersions)
    .where(eq(itemVersions.vaultId, accountId))
    .orderBy(desc(itemVersions.replacedAt), desc(itemVersions.revision), itemVersions.itemId)
    .limit(limit)
}

/**
 * Puts a replaced body in place of the present one, which is kept in turn. The owner's apps are told. Throws `not-found`,
 * `malformed-request` if the item could not be read with it, and `quota-exceeded`.
 */
export async function bringBack(
  tx: Tx,
  { accountId, itemId, revision }: { accountId: string; itemId: string; revision: number },
  { now, config }: { now: number; config: QuotaSettings },
): Promise<void> {
  if (!(await holdVault(tx, accountId))) throw notFound()
  const { attachments, ciphers, itemVersions } = tx.tables
  const current = await getCipher(tx, { accountId }, itemId)
  const [version] = await tx.db
    .select({ data: itemVersions.data })
    .from(itemVersions)
    .where(
      and(
        eq(itemVersions.vaultId, accountId),
        eq(itemVersions.itemId, itemId),
        eq(itemVersions.revision, revision),
      ),
    )
  if (!version) throw notFound()
  if (keyIn(version.data) !== keyIn(current.body)) {
    const [file] = await tx.db
      .select({ id: attachments.id })
      .from(attachments)
      .where(and(eq(attachments.vaultId, accountId), eq(attachments.itemId, itemId)))
      .limit(1)
    if (file) throw refused('The item has files, whose names are encrypted under the key that it has now.')
  }
  const revisionAt = await noteBitwardenChange(
    tx,
    { accountId, deviceIdentifier: null },
    { now, what: 'item-changed', id: itemId },
  )
  const put = { op: 'put', id: itemId, data: version.data, keyVersion: 1, expected: 'anything' } as const
  await applyItemWrites(tx, VaultCaller.forOwner(accountId), accountId, {
    writes: [put],
    now,
    allowed: config.quotas,
  })
  await tx.db
    .update(ciphers)
    .set({ type: typeIn(version.data), revisionAt })
    .where(and(eq(ciphers.vaultId, accountId), eq(ciphers.itemId, itemId)))
}
