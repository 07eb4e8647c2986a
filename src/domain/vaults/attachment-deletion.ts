// Deleting one file: an upload, or a file that an item names.
import { and, eq, isNotNull } from 'drizzle-orm'
import type { Clock } from '../../clock.ts'
import type { Store, Tx } from '../../store/store.ts'
import { Unchanged } from '../../store/store.ts'
import type { VaultCaller } from '../caller.ts'
import { notFound } from '../failure.ts'
import { addUsage, noGrowth, type QuotaSettings } from '../quotas/usage.ts'
import { freeFiles, type ItemPlace } from './attachment-naming.ts'
import { type AttachmentPlace, findAttachment } from './attachments.ts'
import { applyItemWrites } from './item-writes.ts'
import { type ItemRow, isStored, namedIn, naming } from './rows.ts'
import { holdOwnVault } from './vault-row.ts'

interface Needs {
  readonly clock: Clock
  readonly config: QuotaSettings
  readonly store: Store
}

/** How a file is deleted. */
interface Deletion {
  /** The revision that the item must be at; undefined for any. */
  readonly expected: number | undefined
  /** Also out of the versions that name it, so that its bytes go. */
  readonly permanent: boolean
}

/** The item is at another revision than the caller expects. Nothing was changed. */
interface ItemMoved {
  readonly current: ItemRow
}

/** Takes a file out of the versions of its item. */
export async function forgetInVersions(
  { db, tables: { itemVersions } }: Tx,
  { vaultId, itemId }: ItemPlace,
  attachmentId: string,
): Promise<void> {
  const ofItem = and(eq(itemVersions.vaultId, vaultId), eq(itemVersions.itemId, itemId))
  const versions = await db
    .select({ revision: itemVersions.revision, attachments: itemVersions.attachments })
    .from(itemVersions)
    .where(and(ofItem, isNotNull(itemVersions.attachments)))
  for (const version of versions) {
    const named = namedIn(version)
    if (!named.includes(attachmentId)) continue
    await db
      .update(itemVersions)
      .set({ attachments: naming(named.filter((id) => id !== attachmentId)) })
      .where(and(ofItem, eq(itemVersions.revision, version.revision)))
  }
}

async function deleteHeld(
  tx: Tx,
  caller: VaultCaller,
  { vaultId, itemId, attachmentId }: AttachmentPlace,
  { expected, permanent }: Deletion,
  { clock, config }: Needs,
): Promise<ItemMoved | undefined> {
  const { accountId } = await holdOwnVault(tx, caller, vaultId)
  if (permanent) caller.requireMayPurge()
  const file = await findAttachment(tx, { vaultId, itemId, attachmentId })
  if (!file) throw notFound()
  const { items } = tx.tables
  const [item] = await tx.db
    .select()
    .from(items)
    .where(and(eq(items.vaultId, vaultId), eq(items.id, itemId)))
  if (item && expected !== undefined && item.revision !== expected) return { current: item }
  if (item && isStored(item) && namedIn(item).includes(attachmentId)) {
    const attachments = namedIn(item).filter((id) => id !== attachmentId)
    const { data, keyVersion, revision: expected } = item
    const put = { op: 'put', id: itemId, data, keyVersion, attachments, expected } as const
    await applyItemWrites(tx, caller, vaultId, { writes: [put], now: clock.now(), allowed: config.quotas })
  }
  if (permanent) await forgetInVersions(tx, { vaultId, itemId }, attachmentId)
  // An upload that no item has named yet.
  if (permanent || file.expiresAt !== null) {
    const freed = await freeFiles(tx, { vaultId, itemId }, [attachmentId])
    await addUsage(tx, accountId, { ...noGrowth, attachmentBytes: -freed })
  }
  return undefined
}

/**
 * Deletes a file. An upload goes. A file that the item names is taken out of its list under a new revision, and stays as long as a
 * version names it; with `permanent` it goes from there too. Throws `not-found`, `insufficient-scope` and `quota-exceeded`.
 * @returns the item if it is at another revision than expected
 */
export const deleteAttachment = (
  needs: Needs,
  caller: VaultCaller,
  place: AttachmentPlace,
  deletion: Deletion,
): Promise<ItemMoved | undefined> =>
  needs.store.write(async (tx) => {
    const moved = await deleteHeld(tx, caller, place, deletion, needs)
    return moved ? new Unchanged<ItemMoved | undefined>(moved) : undefined
  })
