// Versions of items that were replaced: which are kept, for how long, and how they are read.
import { and, desc, eq, getTableColumns, gte, inArray, lt, not, or, sql } from 'drizzle-orm'
import { days } from '../../clock.ts'
import { limits } from '../../contract/sizes.ts'
import {
  entryPlaceholder,
  entryPlaceholders,
  entryValues,
  listStatement,
  together,
} from '../../store/statement.ts'
import type { Reader, Store, Tx } from '../../store/store.ts'
import type { VaultCaller } from '../caller.ts'
import { addUsage, bytesOf, noGrowth } from '../quotas/usage.ts'
import { freeUnnamedFiles } from './attachment-naming.ts'
import { getItem } from './items.ts'
import { bytesBefore, type Page, rowsFound, toPage } from './pages.ts'
import type { ItemRow, VersionRow } from './rows.ts'
import { holdVault } from './vaults.ts'

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

const insertVersionsStatement = listStatement(
  'insert_versions',
  ({ db, tables: { itemVersions } }: Tx, length) =>
    db.insert(itemVersions).values(
      Array.from({ length }, (_, index) => ({
        vaultId: sql.placeholder('vaultId'),
        itemId: entryPlaceholder('itemId', index),
        revision: entryPlaceholder('revision', index),
        data: entryPlaceholder('data', index),
        keyVersion: entryPlaceholder('keyVersion', index),
        attachments: entryPlaceholder('attachments', index),
        createdAt: entryPlaceholder('createdAt', index),
        replacedAt: sql.placeholder('now'),
      })),
    ),
)

/** Forgets what is over the age, and what is over the depth unless it is the one that is kept of its day. */
const pruneVersionsStatement = listStatement(
  'prune_versions',
  ({ db, tables: { itemVersions } }: Tx, length) => {
    // The vault's id stands in each part: that the rows are of the same vault would not tell Postgres in which partition they are.
    const vaultId = sql.placeholder('vaultId')
    const newer = sql`(select count(*) from ${itemVersions} newer where newer.vault_id = ${vaultId}
    and newer.item_id = ${itemVersions.itemId} and newer.revision > ${itemVersions.revision})`
    // The first that was replaced on a day is what stood there when the day began: what was written in between is of that day.
    const isFirstOfDay = sql`not exists (select 1 from ${itemVersions} earlier
    where earlier.vault_id = ${vaultId} and earlier.item_id = ${itemVersions.itemId}
    and earlier.revision < ${itemVersions.revision}
    and earlier.replaced_at / ${dayMs} = ${itemVersions.replacedAt} / ${dayMs})`
    return db
      .delete(itemVersions)
      .where(
        and(
          eq(itemVersions.vaultId, vaultId),
          inArray(itemVersions.itemId, entryPlaceholders('itemId', length)),
          or(
            lt(itemVersions.replacedAt, sql.placeholder('since')),
            and(
              sql`${newer} >= ${versionsKept}`,
              or(lt(itemVersions.replacedAt, sql.placeholder('dailySince')), not(isFirstOfDay)),
            ),
          ),
        ),
      )
      .returning({
        itemId: itemVersions.itemId,
        bytes: bytesOf(itemVersions.data),
        attachments: itemVersions.attachments,
      })
  },
)

/** The items whose versions named files. */
const itemsWithFiles = (versions: readonly Pick<VersionRow, 'itemId' | 'attachments'>[]): string[] => [
  ...new Set(versions.flatMap(({ itemId, attachments }) => (attachments === null ? [] : [itemId]))),
]

/** What keeping a version has done to the others. */
interface Kept {
  /** Of versions that were added; negative if more were forgotten. */
  readonly bytes: number
  /** The items of which a version was forgotten that named files. */
  readonly itemIds: string[]
}

/** Keeps what stood there before data was replaced, and forgets what is too much. */
export async function keepVersions(
  tx: Tx,
  replaced: readonly ItemRow[],
  { vaultId, now }: { vaultId: string; now: number },
): Promise<Kept> {
  const versions = replaced.flatMap(({ id, state, revision, data, keyVersion, attachments, updatedAt }) =>
    data === null || state === 'purged'
      ? []
      : [{ itemId: id, revision, data, keyVersion, attachments, createdAt: updatedAt }],
  )
  if (versions.length === 0) return { bytes: 0, itemIds: [] }
  const values = {
    vaultId,
    now,
    since: versionsSince(now),
    dailySince: dailyVersionsSince(now),
    ...entryValues(versions),
  }
  const [, pruned] = await together(
    insertVersionsStatement(tx, versions.length).execute(values),
    pruneVersionsStatement(tx, versions.length).execute(values),
  )
  return {
    bytes: sumOf(versions.map(({ data }) => data.length)) - sumOf(pruned.map(({ bytes }) => bytes)),
    itemIds: itemsWithFiles(pruned),
  }
}

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

/** Forgets the versions of one vault that are too old, and frees the files that nothing names any more. */
async function forgetOldVersions(tx: Tx, vaultId: string, now: number): Promise<void> {
  // Held before any version is touched, as writers do.
  const vault = await holdVault(tx, vaultId)
  if (!vault) return
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
}

/** Removes the versions that are too old in every vault; `listVersions` does not show them any more as it is. */
export async function deleteOldVersions({ store }: { readonly store: Store }, now: number): Promise<void> {
  const vaults = await store.read(({ db, tables: { itemVersions } }) =>
    db
      .select({ vaultId: itemVersions.vaultId })
      .from(itemVersions)
      .where(lt(itemVersions.replacedAt, versionsSince(now)))
      .groupBy(itemVersions.vaultId),
  )
  for (const { vaultId } of vaults) await store.write((tx) => forgetOldVersions(tx, vaultId, now))
}
