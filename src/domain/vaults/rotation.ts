// Changing the key of a vault, in stages: it begins with the new key beside the old one, clients seal everything anew while others read
// and write, and it finishes once nothing lies under an older key. The server opens nothing: it looks at versions, and that none is
// left behind.
import { and, asc, eq, inArray, isNotNull, isNull, lt, type SQL, sql } from 'drizzle-orm'
import type { Allowed } from '../../contract/quotas.ts'
import { countedLeft, type LeftCounts } from '../../contract/rotation.ts'
import { entryPlaceholder, entryValues, listStatement } from '../../store/statement.ts'
import { type Reader, type Store, type Tx, Unchanged } from '../../store/store.ts'
import type { VaultCaller } from '../caller.ts'
import {
  addUsage,
  allowedToReseal,
  bytesOf,
  noGrowth,
  type QuotaSettings,
  spendQuota,
} from '../quotas/usage.ts'
import type { SealedData } from './item-writes.ts'
import { isSameData, type KeyChanged, type Rotation, rotationOf, type Vault, type VaultRow } from './rows.ts'
import { getVault, keyChanged, raiseRevision, withCount } from './vaults.ts'

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
  const row = await raiseRevision(tx, caller, vaultId)
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

/** What of a vault lies under an older key than this one. The conditions are those of indexes. */
const olderThan = (
  { items, itemVersions, attachments }: Reader['tables'],
  vaultId: string,
  keyVersion: number,
) => ({
  items: and(eq(items.vaultId, vaultId), lt(items.keyVersion, keyVersion), isNotNull(items.data)),
  versions: and(eq(itemVersions.vaultId, vaultId), lt(itemVersions.keyVersion, keyVersion)),
  attachments: and(
    eq(attachments.vaultId, vaultId),
    lt(attachments.keyVersion, keyVersion),
    isNull(attachments.expiresAt),
  ),
})

/** How much lies under an older key than the one that is to follow. */
async function countLeft(
  reader: Reader,
  { id, dataKeyVersion }: VaultRow,
  { keyVersion, versions }: Rotation,
): Promise<LeftCounts> {
  const { db, tables } = reader
  const older = olderThan(tables, id, keyVersion)
  const countUpTo = async (table: 'items' | 'itemVersions' | 'attachments', where: SQL | undefined) => {
    const found = db
      .select({ one: sql`1`.as('one') })
      .from(tables[table])
      .where(where)
      .limit(countedLeft)
      .as('found')
    const [row] = await db.select({ count: sql`count(*)`.mapWith(Number) }).from(found)
    return row?.count ?? 0
  }
  return {
    items: await countUpTo('items', older.items),
    versions: versions === 'keep' ? await countUpTo('itemVersions', older.versions) : 0,
    attachments: await countUpTo('attachments', older.attachments),
    vaultData: dataKeyVersion < keyVersion ? 1 : 0,
  }
}

/** What is left to seal anew. */
export interface Left {
  readonly kind: 'left'
  readonly items: { readonly id: string; readonly revision: number }[]
  readonly versions: { readonly itemId: string; readonly revision: number }[]
  readonly counts: LeftCounts
}

/**
 * What lies under an older key while the key of a vault is being changed: items first, then versions if they are kept. Throws
 * `not-found`.
 * @param limit how many items and versions are named
 * @returns `key-changed` if no change is under way: it was finished
 */
export async function listLeft(
  reader: Reader,
  caller: VaultCaller,
  vaultId: string,
  limit: number,
): Promise<Left | KeyChanged> {
  const vault = await getVault(reader, caller, vaultId)
  const rotation = rotationOf(vault)
  if (!rotation) return { kind: 'key-changed', current: await withCount(reader, vault) }
  const { db, tables } = reader
  const older = olderThan(tables, vaultId, rotation.keyVersion)
  const items = await db
    .select({ id: tables.items.id, revision: tables.items.revision })
    .from(tables.items)
    .where(older.items)
    .orderBy(asc(tables.items.keyVersion), asc(tables.items.id))
    .limit(limit)
  const room = limit - items.length
  const { itemVersions } = tables
  const versions =
    rotation.versions === 'drop' || room === 0
      ? []
      : await db
          .select({ itemId: itemVersions.itemId, revision: itemVersions.revision })
          .from(itemVersions)
          .where(older.versions)
          .orderBy(asc(itemVersions.keyVersion), asc(itemVersions.itemId), asc(itemVersions.revision))
          .limit(room)
  return { kind: 'left', items, versions, counts: await countLeft(reader, vault, rotation) }
}

/** A replaced version, sealed under the key that is to follow. */
export interface ResealedVersion extends SealedData {
  readonly itemId: string
  readonly revision: number
}

const replaceVersionsStatement = listStatement(
  'replace_versions',
  ({ db, tables: { itemVersions } }: Tx, length) =>
    db
      .insert(itemVersions)
      .values(
        Array.from({ length }, (_, index) => ({
          vaultId: sql.placeholder('vaultId'),
          itemId: entryPlaceholder('itemId', index),
          revision: entryPlaceholder('revision', index),
          data: entryPlaceholder('data', index),
          keyVersion: entryPlaceholder('keyVersion', index),
          createdAt: entryPlaceholder('createdAt', index),
          replacedAt: entryPlaceholder('replacedAt', index),
        })),
      )
      .onConflictDoUpdate({
        target: [itemVersions.vaultId, itemVersions.itemId, itemVersions.revision],
        set: { data: sql`excluded.data`, keyVersion: sql`excluded.key_version` },
      }),
)

type VersionsOutcome = { readonly kind: 'resealed'; readonly resealed: number } | KeyChanged

async function applyResealedVersions(
  tx: Tx,
  caller: VaultCaller,
  vaultId: string,
  { versions, allowed }: { versions: readonly ResealedVersion[]; allowed: Allowed },
): Promise<VersionsOutcome | Unchanged<VersionsOutcome>> {
  const vault = await raiseRevision(tx, caller, vaultId)
  const rotation = rotationOf(vault)
  if (!rotation || versions.some(({ keyVersion }) => keyVersion !== rotation.keyVersion))
    return new Unchanged<VersionsOutcome>(await keyChanged(tx, vault))
  const { itemVersions } = tx.tables
  // Of these items, which have some dozens of versions at the most, those of these revisions.
  const standing = await tx.db
    .select({
      itemId: itemVersions.itemId,
      revision: itemVersions.revision,
      createdAt: itemVersions.createdAt,
      replacedAt: itemVersions.replacedAt,
      bytes: bytesOf(itemVersions.data),
    })
    .from(itemVersions)
    .where(
      and(
        olderThan(tx.tables, vaultId, rotation.keyVersion).versions,
        inArray(
          itemVersions.itemId,
          versions.map(({ itemId }) => itemId),
        ),
        inArray(
          itemVersions.revision,
          versions.map(({ revision }) => revision),
        ),
      ),
    )
  const nameOf = ({ itemId, revision }: { itemId: string; revision: number }) => `${itemId} ${revision}`
  const byName = new Map(standing.map((version) => [nameOf(version), version]))
  const replaced = versions.flatMap((version) => {
    const stands = byName.get(nameOf(version))
    return stands ? [{ ...version, ...stands }] : []
  })
  if (replaced.length === 0) return new Unchanged<VersionsOutcome>({ kind: 'resealed', resealed: 0 })
  await replaceVersionsStatement(tx, replaced.length).execute({ vaultId, ...entryValues(replaced) })
  const bytes = replaced.reduce((sum, version) => sum + version.data.length - version.bytes, 0)
  await spendQuota(tx, vault.accountId, { ...noGrowth, bytes }, allowedToReseal(allowed))
  return { kind: 'resealed', resealed: replaced.length }
}

/**
 * Puts replaced versions under the key that is to follow; those that are gone, or that lie under it already, are passed over. Throws
 * `not-found` and `quota-exceeded`.
 * @param versions at most `limits.batchOperations`, each once
 */
export const resealVersions = (
  { config, store }: { config: QuotaSettings; store: Store },
  caller: VaultCaller,
  vaultId: string,
  versions: readonly ResealedVersion[],
): Promise<VersionsOutcome> =>
  store.write((tx) => applyResealedVersions(tx, caller, vaultId, { versions, allowed: config.quotas }))

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
  const row = await raiseRevision(tx, caller, vaultId)
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
  if (bytes > 0) await addUsage(tx, row.accountId, { ...noGrowth, bytes: -bytes })
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
