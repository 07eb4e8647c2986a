// What of a vault is still to be sealed anew while its key is changed.
import { and, asc, type Column, eq, gte, inArray, isNotNull, isNull, lt, type SQL, sql } from 'drizzle-orm'
import { countedLeft, type LeftCounts } from '../../contract/rotation.ts'
import type { Reader } from '../../store/store.ts'
import type { VaultCaller } from '../caller.ts'
import { type ItemRow, type KeyChanged, namedIn, type Rotation, rotationOf, type VaultRow } from './rows.ts'
import { withCount } from './vault-lists.ts'
import { getVault } from './vault-row.ts'

/** What of a vault lies under an older key than this one. The conditions are those of indexes. */
export const olderThan = (
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
export async function countLeft(
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

export interface LeftVersion {
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
