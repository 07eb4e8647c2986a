// Versions of items that were replaced: which are kept, for how long, and how they are read.
import { and, asc, desc, eq, getTableColumns, gte, inArray, lt, or, sql } from 'drizzle-orm'
import { days } from '../../clock.ts'
import { limits } from '../../contract/sizes.ts'
import { unnested } from '../../store/columns.ts'
import { eachStatement, textsStatement } from '../../store/statement.ts'
import type { Reader, Store, Tx } from '../../store/store.ts'
import type { VaultCaller } from '../caller.ts'
import { addUsage, bytesOf, noGrowth } from '../quotas/usage.ts'
import { freeUnnamedFiles } from './attachment-naming.ts'
import { type CleaningBounds, cleanVaults } from './cleaning.ts'
import { getItem } from './items.ts'
import { bytesBefore, type Page, rowsFound, toPage } from './pages.ts'
import type { VersionRow } from './rows.ts'
import { holdVault } from './vault-row.ts'

/** How many replaced versions of an item are kept, and for how long. */
export const versionsKept = 20
export const versionDaysKept = 90

/**
 * Of each of the last days, the version that stood when the day began is kept beside those, so that no number of writes pushes
 * out what was there before them. Days are those of UTC.
 */
export const versionsKeptDaily = 30

/** The replaced versions from before this time are gone. */
const versionsSince = (now: number) => now - days(versionDaysKept)

/** From here on there is one version of each day at the least on which an item was replaced. */
const dailyVersionsSince = (now: number) => now - days(versionsKeptDaily)

const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0)

/** Stands in SQL as it is: as a parameter Postgres would not know its type. */
const dayMs = sql.raw(String(days(1)))

type GoingColumns = [itemId: string, revision: number, bytes: number, attachments: string | null]

const goingColumns = ({ tables: { itemVersions } }: Reader) => ({
  itemId: itemVersions.itemId,
  revision: itemVersions.revision,
  bytes: bytesOf(itemVersions.data),
  attachments: itemVersions.attachments,
})

/**
 * What goes from an item once a version of it is added: what is over the depth unless it is the one that is kept of its day. What is
 * over the age goes with the next cleanup.
 */
const goingStatement = textsStatement<GoingColumns>('going_versions', (reader, { given }) => {
  const { itemVersions } = reader.tables
  // The vault's id stands in each part: that the rows are of the same vault would not tell Postgres in which partition they are.
  const vaultId = sql.placeholder('vaultId')
  // The version is not there yet, so that one fewer stays. It is looked for once for each item: of what is newer nothing more is read.
  const oldestKept = sql`(select given.text as item_id, (select newer.revision from ${itemVersions} newer
    where newer.vault_id = ${vaultId} and newer.item_id = given.text
    order by newer.revision desc limit 1 offset ${sql.raw(String(versionsKept - 1))}) as revision from ${given}) oldest_kept`
  // The first that was replaced on a day is what stood there when the day began. What was written in between is of that day, and goes.
  const isLaterOfDay = sql`exists (select 1 from ${itemVersions} earlier
    where earlier.vault_id = ${vaultId} and earlier.item_id = ${itemVersions.itemId}
    and earlier.revision < ${itemVersions.revision}
    and earlier.replaced_at / ${dayMs} = ${itemVersions.replacedAt} / ${dayMs})`
  return reader.db
    .select(goingColumns(reader))
    .from(oldestKept)
    .crossJoin(itemVersions)
    .where(
      and(
        eq(itemVersions.vaultId, vaultId),
        sql`${itemVersions.itemId} = oldest_kept.item_id and ${itemVersions.revision} <= oldest_kept.revision`,
        or(lt(itemVersions.replacedAt, sql.placeholder('dailySince')), isLaterOfDay),
      ),
    )
})

const allStatement = textsStatement<GoingColumns>('versions_of_items', (reader, { isGiven }) => {
  const { itemVersions } = reader.tables
  return reader.db
    .select(goingColumns(reader))
    .from(itemVersions)
    .where(and(eq(itemVersions.vaultId, sql.placeholder('vaultId')), isGiven(itemVersions.itemId)))
})

const forgetStatement = eachStatement<Pick<VersionRow, 'itemId' | 'revision'>>(
  'forget_versions',
  ({ db, tables: { itemVersions } }) =>
    db
      .delete(itemVersions)
      .where(
        and(
          eq(itemVersions.vaultId, sql.placeholder('vaultId')),
          eq(itemVersions.itemId, sql.placeholder('itemId')),
          eq(itemVersions.revision, sql.placeholder('revision')),
        ),
      ),
  ({ db, tables: { itemVersions } }) => {
    const { itemId, revision } = itemVersions
    return db
      .delete(itemVersions)
      .where(
        and(
          eq(itemVersions.vaultId, sql.placeholder('vaultId')),
          sql`(${itemId}, ${revision}) in (${unnested({ itemId, revision })})`,
        ),
      )
  },
)

const keepStatement = textsStatement<[], Tx>(
  'keep_versions',
  ({ db, tables: { items, itemVersions } }, { isGiven }) =>
    db.insert(itemVersions).select(
      db
        .select({
          vaultId: items.vaultId,
          itemId: items.id,
          revision: items.revision,
          data: sql`${items.data}`.as('data'),
          keyVersion: items.keyVersion,
          attachments: items.attachments,
          createdAt: items.updatedAt,
          replacedAt: sql`cast(${sql.placeholder('now')} as bigint)`.as('replaced_at'),
        })
        .from(items)
        .where(and(eq(items.vaultId, sql.placeholder('vaultId')), isGiven(items.id))),
    ),
)

/** A version that goes when its item is written. */
export interface GoingVersion {
  readonly itemId: string
  readonly revision: number
  readonly bytes: number
  readonly attachments: string | null
}

/**
 * The versions that go when items are written.
 * @param replaced the items of which a version is added
 * @param purged the items of which none stays
 */
export async function goingVersions(
  tx: Tx,
  vaultId: string,
  { replaced, purged, now }: { replaced: readonly string[]; purged: readonly string[]; now: number },
): Promise<GoingVersion[]> {
  const [some, all] = await Promise.all([
    replaced.length > 0 ? goingStatement(tx, replaced, { vaultId, dailySince: dailyVersionsSince(now) }) : [],
    purged.length > 0 ? allStatement(tx, purged, { vaultId }) : [],
  ])
  return [...some, ...all].map(([itemId, revision, bytes, attachments]) => ({
    itemId,
    revision,
    bytes,
    attachments,
  }))
}

/** Deletes versions that go when their items are replaced. */
export const forgetGoing = (tx: Tx, vaultId: string, going: readonly GoingVersion[]) =>
  forgetStatement(
    tx,
    going.map(({ itemId, revision }) => ({ itemId, revision })),
    { vaultId },
  )

/** Keeps what stands there of items as versions, before it is replaced. */
export const keepVersions = (tx: Tx, vaultId: string, itemIds: readonly string[], now: number) =>
  keepStatement(tx, itemIds, { vaultId, now })

/** The items whose versions named files. */
export const itemsWithFiles = (versions: readonly Pick<VersionRow, 'itemId' | 'attachments'>[]): string[] => [
  ...new Set(versions.flatMap(({ itemId, attachments }) => (attachments === null ? [] : [itemId]))),
]

/** Deletes every version of these items. @returns how many bytes they had */
export async function forgetVersions(
  { db, tables: { itemVersions } }: Tx,
  vaultId: string,
  itemIds: readonly string[],
): Promise<number> {
  if (itemIds.length === 0) return 0
  const forgotten = await db
    .delete(itemVersions)
    .where(and(eq(itemVersions.vaultId, vaultId), inArray(itemVersions.itemId, itemIds)))
    .returning({ bytes: bytesOf(itemVersions.data) })
  return sumOf(forgotten.map(({ bytes }) => bytes))
}

/** A page of the replaced versions of an item, newest first. */
export async function listVersions(
  reader: Reader,
  caller: VaultCaller,
  { vaultId, itemId }: { vaultId: string; itemId: string },
  { limit, before, now }: { limit: number; before: number | undefined; now: number },
): Promise<Page<VersionRow>> {
  const { itemVersions } = reader.tables
  await getItem(reader, caller, { vaultId, itemId })
  const ofItem = and(eq(itemVersions.vaultId, vaultId), eq(itemVersions.itemId, itemId))
  const candidates = reader.db
    .select({
      revision: itemVersions.revision,
      size: sql<number>`octet_length(${itemVersions.data}) + coalesce(octet_length(${itemVersions.attachments}), 0)`.as(
        'size',
      ),
    })
    .from(itemVersions)
    .where(
      and(
        ofItem,
        gte(itemVersions.replacedAt, versionsSince(now)),
        before === undefined ? undefined : lt(itemVersions.revision, before),
      ),
    )
    .orderBy(desc(itemVersions.revision))
    .limit(limit + 1)
    .as('candidates')
  const summed = reader.db
    .select({
      revision: candidates.revision,
      bytesBefore: bytesBefore(candidates.size, sql`${candidates.revision} desc`),
      found: rowsFound(),
    })
    .from(candidates)
    .as('summed')
  const found = await reader.db
    .select({ row: getTableColumns(itemVersions), found: summed.found })
    .from(itemVersions)
    .innerJoin(summed, eq(itemVersions.revision, summed.revision))
    .where(and(ofItem, lt(summed.bytesBefore, limits.pageBytes)))
    .orderBy(desc(itemVersions.revision))
  return toPage(found, limit)
}

/**
 * Forgets the versions of one vault that are too old, and frees the files that nothing names any more.
 * @returns how many versions
 */
async function forgetOldVersions(tx: Tx, vaultId: string, now: number): Promise<number> {
  // Held before any version is touched, as writers do.
  const vault = await holdVault(tx, vaultId)
  if (!vault) return 0
  const { db, tables } = tx
  const { itemVersions } = tables
  const deleted = await db
    .delete(itemVersions)
    .where(and(eq(itemVersions.vaultId, vaultId), lt(itemVersions.replacedAt, versionsSince(now))))
    .returning({
      itemId: itemVersions.itemId,
      bytes: bytesOf(itemVersions.data),
      attachments: itemVersions.attachments,
    })
  let attachmentBytes = 0
  for (const itemId of itemsWithFiles(deleted))
    attachmentBytes += await freeUnnamedFiles(tx, { vaultId, itemId })
  await addUsage(tx, vault.accountId, {
    ...noGrowth,
    bytes: -sumOf(deleted.map(({ bytes }) => bytes)),
    attachmentBytes: -attachmentBytes,
  })
  return deleted.length
}

/** Removes the versions that are too old in every vault; `listVersions` does not show them any more as it is. */
export function deleteOldVersions(
  { store }: { readonly store: Store },
  now: number,
  bounds: CleaningBounds = {},
): Promise<void> {
  const oldest = ({ db, tables: { itemVersions } }: Reader, rows: number) => {
    const old = db
      .select({ vaultId: itemVersions.vaultId })
      .from(itemVersions)
      .where(lt(itemVersions.replacedAt, versionsSince(now)))
      .orderBy(asc(itemVersions.replacedAt))
      .limit(rows)
      .as('old')
    return db.select({ vaultId: old.vaultId }).from(old).groupBy(old.vaultId)
  }
  return cleanVaults(store, { oldest, clean: (tx, vaultId) => forgetOldVersions(tx, vaultId, now) }, bounds)
}
