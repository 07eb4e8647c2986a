// Changing the key of a vault, in stages: it begins with the new key beside the old one, clients seal everything anew while others read
// and write, and it finishes once nothing lies under an older key. The server opens nothing: it looks at versions, and that none is
// left behind.
import { eq } from 'drizzle-orm'
import type { LeftCounts } from '../../contract/rotation.ts'
import type { Tx } from '../../store/store.ts'
import type { VaultCaller } from '../caller.ts'
import { addUsage, bytesOf, noGrowth } from '../quotas/usage.ts'
import { freeFilesUnder } from './attachment-naming.ts'
import { countLeft, olderThan } from './rotation-left.ts'
import { isSameData, type KeyChanged, type Rotation, rotationOf, type Vault, type VaultRow } from './rows.ts'
import { withCount } from './vault-lists.ts'
import { raiseRevision } from './vault-row.ts'
import { keyChanged } from './vaults.ts'

/** What a change of the key begins with. */
export interface NewKey {
  /** Sealed under the account key. */
  readonly key: Uint8Array
  readonly keyVersion: number
  readonly versions: Rotation['versions']
}

export type RotationStart =
  | { readonly kind: 'begun'; readonly vault: Vault }
  /** With this very key it is under way already. Nothing was changed. */
  | { readonly kind: 'same'; readonly vault: Vault }
  /** Another change is under way. Nothing was changed. */
  | { readonly kind: 'under-way'; readonly current: Vault }
  | KeyChanged

/** Begins to change the key of a vault; throws `not-found`. Everything but `begun` has to be rolled back. */
export async function startRotation(
  tx: Tx,
  caller: VaultCaller,
  vaultId: string,
  { key, keyVersion, versions, now }: NewKey & { readonly now: number },
): Promise<RotationStart> {
  const row = await raiseRevision(tx, caller.owned(vaultId))
  if (keyVersion !== row.keyVersion + 1) return keyChanged(tx, row)
  const rotation = rotationOf(row)
  if (rotation) {
    const { current } = await keyChanged(tx, row)
    const isSame = rotation.versions === versions && isSameData(rotation.key, key)
    return isSame ? { kind: 'same', vault: current } : { kind: 'under-way', current }
  }
  const started = { nextKey: key, rotationStartedAt: now, rotationVersions: versions }
  await updateVault(tx, row, started)
  return { kind: 'begun', vault: await withCount(tx, { ...row, ...started }) }
}

/** @param row held */
async function updateVault({ db, tables: { vaults } }: Tx, { id }: VaultRow, change: Partial<VaultRow>) {
  await db.update(vaults).set(change).where(eq(vaults.id, id))
}

export type RotationEnd =
  | { readonly kind: 'finished'; readonly vault: Vault }
  /** It was finished before. Nothing was changed. */
  | { readonly kind: 'same'; readonly vault: Vault }
  /** Something still lies under an older key. Nothing was changed. */
  | { readonly kind: 'incomplete'; readonly left: LeftCounts }
  | KeyChanged

/**
 * Puts the new key in place of the old one, if nothing lies under an older key; versions that are to be dropped go here. Throws
 * `not-found`. Everything but `finished` has to be rolled back.
 */
export async function endRotation(
  tx: Tx,
  caller: VaultCaller,
  vaultId: string,
  keyVersion: number,
): Promise<RotationEnd> {
  const row = await raiseRevision(tx, caller.owned(vaultId))
  const rotation = rotationOf(row)
  if (keyVersion === row.keyVersion) {
    const { current } = await keyChanged(tx, row)
    return { kind: 'same', vault: current }
  }
  if (keyVersion !== rotation?.keyVersion) return keyChanged(tx, row)
  const left = await countLeft(tx, row, rotation)
  if (Object.values(left).some((count) => count > 0)) return { kind: 'incomplete', left }
  const { itemVersions } = tx.tables
  const dropped = await tx.db
    .delete(itemVersions)
    .where(olderThan(tx.tables, vaultId, keyVersion).versions)
    .returning({ bytes: bytesOf(itemVersions.data) })
  const bytes = dropped.reduce((sum, version) => sum + version.bytes, 0)
  // Uploads that nothing names, and files that only the dropped versions named.
  const attachmentBytes = await freeFilesUnder(tx, vaultId, keyVersion)
  await addUsage(tx, row.accountId, { ...noGrowth, bytes: -bytes, attachmentBytes: -attachmentBytes })
  const ended = {
    key: rotation.key,
    keyVersion,
    nextKey: null,
    rotationStartedAt: null,
    rotationVersions: null,
  }
  await updateVault(tx, row, ended)
  return { kind: 'finished', vault: await withCount(tx, { ...row, ...ended }) }
}
