// Changing the key of a vault, in stages: it begins with the new key beside the old one, clients seal everything anew while others read
// and write, and it finishes once nothing lies under an older key. The server opens nothing: it looks at versions, and that none is
// left behind.
import {
  and,
  asc,
  type Column,
  eq,
  getTableColumns,
  gte,
  inArray,
  isNotNull,
  isNull,
  lt,
  type SQL,
  sql,
} from 'drizzle-orm'
import type { Allowed } from '../../contract/quotas.ts'
import { countedLeft, type LeftCounts } from '../../contract/rotation.ts'
import { unnested } from '../../store/columns.ts'
import { eachStatement } from '../../store/statement.ts'
import { type Reader, type RowWriter, type Store, type Tx, Unchanged } from '../../store/store.ts'
import type { VaultCaller } from '../caller.ts'
import {
  addUsage,
  allowedToReseal,
  bytesOf,
  noGrowth,
  type QuotaSettings,
  spendQuota,
} from '../quotas/usage.ts'
import { freeFilesUnder, freeUnnamedFiles, nameFiles } from './attachment-naming.ts'
import type { SealedContent } from './item-rules.ts'
import {
  type ItemRow,
  isSameData,
  type KeyChanged,
  namedIn,
  naming,
  type Rotation,
  rotationOf,
  type Vault,
  type VaultRow,
  type VersionRow,
} from './rows.ts'
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

/** What of a vault lies under an older key than this one. The conditions are those of indexes. */
const olderThan = (
  { items, itemVersions, attachments }: Reader['tables'],
  vaultId: string,
  keyVersion: number,
) => ({
  items: and(eq(items.vaultId, vaultId), lt(items.keyVersion, keyVersion), isNotNull(items.data)),
  versions: and(eq(itemVersions.vaultId, vaultId), lt(itemVersions.keyVersion, keyVersion)),
  /** Uploads that nothing names are no part of it: they go at the end. */
  attachments: and(
    eq(attachments.vaultId, vaultId),
    lt(attachments.keyVersion, keyVersion),
    isNull(attachments.expiresAt),
  ),
})

/** Whether a file is still named when the versions under older keys than this one are dropped. */
const outlivesOlder = (
  { items, itemVersions, attachments }: Reader['tables'],
  vaultId: string,
  keyVersion: number,
) => {
  const isNamedBy = (names: Column) => sql`${names} like '%' || ${attachments.id} || '%'`
  return sql`(exists (select 1 from ${items} where ${items.vaultId} = ${vaultId}
      and ${items.id} = ${attachments.itemId} and ${isNamedBy(items.attachments)})
    or exists (select 1 from ${itemVersions} where ${itemVersions.vaultId} = ${vaultId}
      and ${itemVersions.itemId} = ${attachments.itemId} and ${itemVersions.keyVersion} >= ${keyVersion}
      and ${isNamedBy(itemVersions.attachments)}))`
}

/** The files that have to be sealed anew. */
const leftFiles = ({ tables }: Reader, vaultId: string, { keyVersion, versions }: Rotation) =>
  and(
    olderThan(tables, vaultId, keyVersion).attachments,
    versions === 'keep' ? undefined : outlivesOlder(tables, vaultId, keyVersion),
  )

/** How much lies under an older key than the one that is to follow. */
async function countLeft(
  reader: Reader,
  { id, dataKeyVersion }: VaultRow,
  rotation: Rotation,
): Promise<LeftCounts> {
  const { db, tables } = reader
  const { keyVersion, versions } = rotation
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
    attachments: await countUpTo('attachments', leftFiles(reader, id, rotation)),
    vaultData: dataKeyVersion < keyVersion ? 1 : 0,
  }
}

interface LeftItem {
  readonly id: string
  readonly revision: number
}

interface LeftVersion {
  readonly itemId: string
  readonly revision: number
}

/** What is left to seal anew. */
export interface Left {
  readonly kind: 'left'
  readonly items: LeftItem[]
  readonly versions: LeftVersion[]
  readonly counts: LeftCounts
}

/** Files whose items and versions are named in one answer: an item has some dozens of versions, and each names up to a hundred files. */
const filesAtOnce = 20

/** The items and versions that lie under the new key, and name files that do not. */
async function listNamingFiles(
  reader: Reader,
  vaultId: string,
  rotation: Rotation,
): Promise<{ items: LeftItem[]; versions: LeftVersion[] }> {
  const { db, tables } = reader
  const { attachments, items, itemVersions } = tables
  const files = await db
    .select({ id: attachments.id, itemId: attachments.itemId })
    .from(attachments)
    .where(leftFiles(reader, vaultId, rotation))
    .limit(filesAtOnce)
  if (files.length === 0) return { items: [], versions: [] }
  const isLeft = new Set(files.map(({ id }) => id))
  const namesSome = (row: Pick<ItemRow, 'attachments'>) => namedIn(row).some((id) => isLeft.has(id))
  const itemIds = files.map(({ itemId }) => itemId)
  const ofItems = await db
    .select({ id: items.id, revision: items.revision, attachments: items.attachments })
    .from(items)
    .where(and(eq(items.vaultId, vaultId), inArray(items.id, itemIds), isNotNull(items.attachments)))
  const ofVersions = await db
    .select({
      itemId: itemVersions.itemId,
      revision: itemVersions.revision,
      attachments: itemVersions.attachments,
    })
    .from(itemVersions)
    .where(
      and(
        eq(itemVersions.vaultId, vaultId),
        inArray(itemVersions.itemId, itemIds),
        isNotNull(itemVersions.attachments),
        rotation.versions === 'keep' ? undefined : gte(itemVersions.keyVersion, rotation.keyVersion),
      ),
    )
  return {
    items: ofItems.filter(namesSome).map(({ id, revision }) => ({ id, revision })),
    versions: ofVersions.filter(namesSome).map(({ itemId, revision }) => ({ itemId, revision })),
  }
}

/** What itself lies under an older key: items first, then versions if they are kept. */
async function listOlder(
  { db, tables }: Reader,
  vaultId: string,
  { keyVersion, versions: choice }: Rotation,
  limit: number,
): Promise<{ items: LeftItem[]; versions: LeftVersion[] }> {
  const { items, itemVersions } = tables
  const older = olderThan(tables, vaultId, keyVersion)
  const leftItems = await db
    .select({ id: items.id, revision: items.revision })
    .from(items)
    .where(older.items)
    .orderBy(asc(items.keyVersion), asc(items.id))
    .limit(limit)
  const room = limit - leftItems.length
  if (choice === 'drop' || room === 0) return { items: leftItems, versions: [] }
  const leftVersions = await db
    .select({ itemId: itemVersions.itemId, revision: itemVersions.revision })
    .from(itemVersions)
    .where(older.versions)
    .orderBy(asc(itemVersions.keyVersion), asc(itemVersions.itemId), asc(itemVersions.revision))
    .limit(room)
  return { items: leftItems, versions: leftVersions }
}

/**
 * What is left while the key of a vault is being changed: what lies under an older key, and once that is done what names files that
 * do. Throws `not-found`.
 * @param limit how many items and versions are named, together
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
  const older = await listOlder(reader, vaultId, rotation, limit)
  const isNothingOlder = older.items.length + older.versions.length === 0
  const { items, versions } = isNothingOlder ? await listNamingFiles(reader, vaultId, rotation) : older
  const named = {
    items: items.slice(0, limit),
    versions: versions.slice(0, Math.max(0, limit - items.length)),
  }
  return { kind: 'left', ...named, counts: await countLeft(reader, vault, rotation) }
}

/** A replaced version, sealed under the key that is to follow. */
export interface ResealedVersion extends SealedContent {
  readonly itemId: string
  readonly revision: number
}

const inPlace = ({ tables: { itemVersions } }: RowWriter) => ({
  target: [itemVersions.vaultId, itemVersions.itemId, itemVersions.revision],
  set: {
    data: sql`excluded.data`,
    keyVersion: sql`excluded.key_version`,
    attachments: sql`excluded.attachments`,
  },
})

/** Puts versions in place of those that stand there. */
const putVersions = eachStatement<VersionRow>(
  'put_versions',
  (handle) =>
    handle.db
      .insert(handle.tables.itemVersions)
      .values({
        vaultId: sql.placeholder('vaultId'),
        itemId: sql.placeholder('itemId'),
        revision: sql.placeholder('revision'),
        data: sql.placeholder('data'),
        keyVersion: sql.placeholder('keyVersion'),
        attachments: sql.placeholder('attachments'),
        createdAt: sql.placeholder('createdAt'),
        replacedAt: sql.placeholder('replacedAt'),
      })
      .onConflictDoUpdate(inPlace(handle)),
  (handle) =>
    handle.db
      .insert(handle.tables.itemVersions)
      .select(unnested(getTableColumns(handle.tables.itemVersions)))
      .onConflictDoUpdate(inPlace(handle)),
)

type VersionsOutcome = { readonly kind: 'resealed'; readonly resealed: number } | KeyChanged

async function applyResealedVersions(
  tx: Tx,
  caller: VaultCaller,
  vaultId: string,
  { versions, allowed }: { versions: readonly ResealedVersion[]; allowed: Allowed },
): Promise<VersionsOutcome | Unchanged<VersionsOutcome>> {
  const vault = await raiseRevision(tx, caller.owned(vaultId))
  const rotation = rotationOf(vault)
  if (!rotation || versions.some(({ keyVersion }) => keyVersion !== rotation.keyVersion))
    return new Unchanged<VersionsOutcome>(await keyChanged(tx, vault))
  const { itemVersions } = tx.tables
  // Of these items, which have some dozens of versions at the most, those of these revisions.
  const standing = await tx.db
    .select({
      itemId: itemVersions.itemId,
      revision: itemVersions.revision,
      keyVersion: itemVersions.keyVersion,
      attachments: itemVersions.attachments,
      createdAt: itemVersions.createdAt,
      replacedAt: itemVersions.replacedAt,
      bytes: bytesOf(itemVersions.data),
    })
    .from(itemVersions)
    .where(
      and(
        eq(itemVersions.vaultId, vaultId),
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
  const nameOf = ({ itemId, revision }: LeftVersion) => `${itemId} ${revision}`
  const byName = new Map(standing.map((version) => [nameOf(version), version]))
  const replaced = versions.flatMap(({ data, attachments, ...version }) => {
    const stands = byName.get(nameOf(version))
    if (!stands) return []
    const names = attachments ? naming(attachments) : stands.attachments
    const isDone = stands.keyVersion === version.keyVersion && stands.attachments === names
    return isDone ? [] : [{ ...stands, ...version, data, attachments: names, before: namedIn(stands) }]
  })
  if (replaced.length === 0) return new Unchanged<VersionsOutcome>({ kind: 'resealed', resealed: 0 })
  for (const { itemId, before, ...version } of replaced) {
    const added = namedIn(version).filter((id) => !before.includes(id))
    await nameFiles(tx, { vaultId, itemId }, added)
  }
  await putVersions(
    tx,
    replaced.map(({ before: _, bytes: __, ...version }) => ({ ...version, vaultId })),
  )
  const bytes = replaced.reduce((sum, version) => sum + version.data.length - version.bytes, 0)
  const withFiles = replaced.flatMap(({ itemId, before }) => (before.length > 0 ? [itemId] : []))
  let freed = 0
  for (const itemId of new Set(withFiles)) freed += await freeUnnamedFiles(tx, { vaultId, itemId })
  const growth = { ...noGrowth, bytes, attachmentBytes: -freed }
  await spendQuota(tx, vault.accountId, growth, allowedToReseal(allowed))
  return { kind: 'resealed', resealed: replaced.length }
}

/**
 * Puts replaced versions under the key that is to follow; those that are gone, or that lie under it already, are passed over. Throws
 * `not-found`, `attachment-missing` and `quota-exceeded`.
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
