// What verify looks for in a whole database: rows that break the rules of the store, files and objects that are missing.
import { and, count, eq, gt, gte, isNotNull, isNull, ne, or, type SQL, sql } from 'drizzle-orm'
import { limits } from '../contract/sizes.ts'
import { countedUsage } from '../domain/quotas/usage.ts'
import { compareObjects } from '../domain/vaults/attachment-objects.ts'
import { createS3Store, type S3Settings } from '../objects/s3.ts'
import type { BulkConnection } from '../store/bulk.ts'
import { allTables, countOrphans } from '../store/shape.ts'
import { safeLine } from '../terminal/text.ts'

/**
 * What files and the rows that name them have to do with each other. The list of a row is looked at as a text: each id has 36
 * characters in it, and three more with its quotes and the comma or bracket behind it.
 */
async function brokenFiles({
  db,
  tables,
}: Pick<BulkConnection['tx'], 'db' | 'tables'>): Promise<[string, number][]> {
  const { attachmentChunks: chunks, attachments, items, itemVersions, sends } = tables
  const names = (list: SQL) => sql`${list} like '%"' || ${attachments.id} || '"%'`
  const inItem = sql`${attachments.vaultId} = ${items.vaultId} and ${attachments.itemId} = ${items.id}`
  const inVersion = sql`${attachments.vaultId} = ${itemVersions.vaultId} and ${attachments.itemId} = ${itemVersions.itemId}`
  const isKept = sql`${attachments.expiresAt} is null and ${attachments.receivedBytes} = ${attachments.bytes}`
  const missing = (list: SQL, inRow: SQL) =>
    sql`(length(${list}) - 1) / 39 <> (select count(*) from ${attachments} where ${inRow} and ${isKept} and ${names(list)})`
  const number = (rows: { count: number }[]) => rows[0]?.count ?? 0
  const [inItems, inVersions] = [sql`${items.attachments}`, sql`${itemVersions.attachments}`]
  const ofItems = await db.select({ count: count() }).from(items).where(missing(inItems, inItem))
  const ofVersions = await db
    .select({ count: count() })
    .from(itemVersions)
    .where(missing(inVersions, inVersion))
  const unnamed = await db
    .select({ count: count() })
    .from(attachments)
    .where(
      and(
        isNull(attachments.expiresAt),
        sql`not exists (select 1 from ${items} where ${inItem} and ${names(inItems)})`,
        sql`not exists (select 1 from ${itemVersions} where ${inVersion} and ${names(inVersions)})`,
        sql`not exists (select 1 from ${sends} where ${sends.accountId} = ${attachments.vaultId}
          and ${sends.id} = ${attachments.itemId} and ${sends.fileId} = ${attachments.id})`,
      ),
    )
  const ofFile = sql`${chunks.vaultId} = ${attachments.vaultId} and ${chunks.itemId} = ${attachments.itemId}
    and ${chunks.attachmentId} = ${attachments.id}`
  const stored = sql`(select coalesce(sum(octet_length(${chunks.data})), 0) from ${chunks} where ${ofFile})`
  const end = sql`(select coalesce(max(${chunks.offset} + octet_length(${chunks.data})), 0) from ${chunks} where ${ofFile})`
  const incomplete = await db
    .select({ count: count() })
    .from(attachments)
    .where(
      and(
        eq(attachments.place, 'database'),
        or(ne(attachments.receivedBytes, stored), ne(attachments.receivedBytes, end)),
      ),
    )
  return [
    ['items and versions that name files which are not there', number(ofItems) + number(ofVersions)],
    ['files that neither an item nor a version nor a send names and that do not run out', number(unnamed)],
    ['files with other bytes than they have received', number(incomplete)],
  ]
}

/** What rows of different tables have to have to do with each other, and how many do not. */
async function brokenRules({
  db,
  tables,
}: Pick<BulkConnection['tx'], 'db' | 'tables'>): Promise<[string, number][]> {
  const { accounts, instance, items, itemVersions, shareBodies, shares, vaults } = tables
  const number = (rows: { count: number }[]) => rows[0]?.count ?? 0
  const ofInstance = await db.select({ count: count() }).from(instance)
  const aheadOfVault = await db
    .select({ count: count() })
    .from(items)
    .innerJoin(vaults, eq(vaults.id, items.vaultId))
    .where(gt(items.revision, vaults.revision))
  const withoutContent = await db
    .select({ count: count() })
    .from(items)
    .where(
      or(
        // What is deleted has its marker at the most.
        and(eq(items.state, 'purged'), gt(sql`octet_length(${items.data})`, limits.sealedKeyBytes)),
        and(ne(items.state, 'purged'), isNull(items.data)),
      ),
    )
  const aheadOfItem = await db
    .select({ count: count() })
    .from(itemVersions)
    .innerJoin(items, and(eq(items.vaultId, itemVersions.vaultId), eq(items.id, itemVersions.itemId)))
    .where(gte(itemVersions.revision, items.revision))
  const readButThere = await db
    .select({ count: count() })
    .from(shareBodies)
    .innerJoin(shares, eq(shares.id, shareBodies.shareId))
    .where(or(isNotNull(shares.readAt), isNotNull(shares.revokedAt)))
  const counted = countedUsage(tables)
  const miscounted = await db
    .select({ count: count() })
    .from(accounts)
    .where(
      or(
        ne(accounts.storedItems, counted.storedItems),
        ne(accounts.deletedItems, counted.deletedItems),
        ne(accounts.storedBytes, counted.storedBytes),
        ne(accounts.storedAttachmentBytes, counted.storedAttachmentBytes),
      ),
    )
  return [
    ['accounts whose counts of items, bytes and files are not what they store', number(miscounted)],
    ['rows about the database itself beside the one', Math.abs(number(ofInstance) - 1)],
    ['items with a revision above that of their vault', number(aheadOfVault)],
    ['items that are deleted for good and have content, or are not and have none', number(withoutContent)],
    ['kept versions that are not older than their item', number(aheadOfItem)],
    ['shares that ended and still have their secret', number(readButThere)],
    ...(await brokenFiles({ db, tables })),
  ]
}

/** Looks for damage. @returns a sentence for each that was found */
export async function findDamage(connection: BulkConnection): Promise<string[]> {
  const damage: string[] = []
  if (connection.engine === 'sqlite') {
    const told = await connection.texts('pragma integrity_check')
    damage.push(...told.filter((line) => line !== 'ok').map((line) => `SQLite finds: ${safeLine(line)}`))
  }
  for (const table of allTables)
    for (const reference of table.references) {
      const [orphans = '0'] = await connection.texts(countOrphans(table, reference))
      if (orphans !== '0')
        damage.push(
          `${orphans} rows of ${table.name} refer to something in ${reference.parent} that is not there.`,
        )
    }
  for (const [what, number] of await brokenRules(connection.tx))
    if (number > 0) damage.push(`There are ${number} ${what}.`)
  return damage
}

/** How many files the database names that are not in it. */
export async function countFilesElsewhere({ tx: { db, tables } }: BulkConnection): Promise<number> {
  const { attachments } = tables
  const [row] = await db.select({ count: count() }).from(attachments).where(eq(attachments.place, 's3'))
  return row?.count ?? 0
}

/** Compares the files that are in the S3-compatible store with what the database says of them. @returns a sentence for each damage */
export async function findMissingObjects(
  connection: BulkConnection,
  s3: S3Settings | undefined,
): Promise<string[]> {
  const elsewhere = await countFilesElsewhere(connection)
  if (elsewhere === 0) return []
  if (!s3) return [`There are ${elsewhere} files in an S3-compatible store, and S3_URL is not set.`]
  try {
    const { missing, wrong } = await compareObjects(connection.tx, createS3Store(s3))
    return [
      ...(missing > 0 ? [`There are ${missing} files that are not in the S3-compatible store.`] : []),
      ...(wrong > 0 ? [`There are ${wrong} files with another length in the S3-compatible store.`] : []),
    ]
  } catch (error) {
    if (!(error instanceof Error && 'unavailable' in error)) throw error
    return [`The files in the S3-compatible store cannot be looked at: ${error.message}.`]
  }
}
