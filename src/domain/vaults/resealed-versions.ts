// Versions of items that were sealed anew while the vault's key is changed.
import { and, eq, getTableColumns, inArray, sql } from 'drizzle-orm'
import type { Allowed } from '../../contract/quotas.ts'
import { unnested } from '../../store/columns.ts'
import { eachStatement } from '../../store/statement.ts'
import { type RowWriter, type Store, type Tx, Unchanged } from '../../store/store.ts'
import type { VaultCaller } from '../caller.ts'
import { allowedToReseal, bytesOf, noGrowth, type QuotaSettings, spendQuota } from '../quotas/usage.ts'
import { freeUnnamedFiles, nameFiles } from './attachment-naming.ts'
import type { SealedContent } from './item-rules.ts'
import type { LeftVersion } from './rotation-left.ts'
import { type KeyChanged, namedIn, naming, rotationOf, type VersionRow } from './rows.ts'
import { raiseRevision } from './vault-row.ts'
import { keyChanged } from './vaults.ts'

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
