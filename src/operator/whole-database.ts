// What backup, restore, verify and move do to a database as a whole: read all of it, fill an empty one, look for damage.

import { existsSync, rmSync } from 'node:fs'
import { and, count, eq, gt, gte, isNotNull, isNull, ne, or, type SQL, sql } from 'drizzle-orm'
import { limits } from '../contract/sizes.ts'
import { countedUsage } from '../domain/quotas/usage.ts'
import { compareObjects } from '../domain/vaults/attachment-objects.ts'
import { createS3Store, type S3Settings } from '../objects/s3.ts'
import { type BulkConnection, InUseError } from '../store/bulk.ts'
import { type Digest, encodeRow, RunningDigest } from '../store/digest.ts'
import { forgetMigrations, levelOf, tableNames } from '../store/migrate.ts'
import { connectBulk, type DatabaseUrl } from '../store/open.ts'
import { hasPartitions, partitionByVault } from '../store/partitions.ts'
import { allTables, countOrphans, countRows, dropTable, type Shape } from '../store/shape.ts'
import { StoreError } from '../store/store.ts'
import { CliError } from '../terminal/exit-codes.ts'
import type { Report } from '../terminal/progress.ts'
import { safeLine } from '../terminal/text.ts'
import type { Batch, Digests } from './backup-file.ts'
import { requireDatabase } from './command.ts'

/** How a database is called in a sentence: without user, password and options. */
export function nameOf(database: DatabaseUrl): string {
  if (database.engine === 'sqlite') return safeLine(database.file)
  const { host, pathname } = new URL(database.url)
  return safeLine(`postgres://${host}${pathname}`)
}

async function connectTo(database: DatabaseUrl): Promise<BulkConnection> {
  try {
    return await connectBulk(database)
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    throw new CliError(
      'unavailable',
      `The database ${nameOf(database)} cannot be opened (${error.code}). Is the address right, and is it running?`,
    )
  }
}

/** SQLite's and Postgres's codes for a full disk. */
const diskFull = new Set(['SQLITE_FULL', '53100'])

/** What went wrong, as a sentence where there is more to say than that the database cannot be used. */
function explained(error: unknown, database: DatabaseUrl): unknown {
  if (error instanceof InUseError)
    return new CliError(
      'conflict',
      `Another process has ${nameOf(database)} open. Stop its servers and other commands first. Nothing was changed.`,
    )
  return error instanceof StoreError && diskFull.has(error.code)
    ? new CliError('unavailable', `There is no space left for ${nameOf(database)}. Nothing was changed.`)
    : error
}

/** Connects, and closes again whatever happens. */
export async function withConnection<T>(
  database: DatabaseUrl,
  work: (connection: BulkConnection) => Promise<T>,
): Promise<T> {
  const connection = await connectTo(database)
  try {
    return await work(connection)
  } catch (error) {
    throw explained(error, database)
  } finally {
    await connection.close()
  }
}

const levelMistakes = {
  none: 'holds no data of Limpet',
  older:
    'lacks migrations of this version of Limpet. Use the version that serves it, or bring it up to date with "limpet-server migrate"',
  newer: 'was brought up to date by a newer version of Limpet. Use that version',
}

/** Throws unless the database has exactly the tables that this version knows. */
export async function requireCurrent(connection: BulkConnection, database: DatabaseUrl): Promise<void> {
  const level = await levelOf(connection.engine, connection)
  if (level !== 'current') throw new CliError('unexpected', `${nameOf(database)} ${levelMistakes[level]}.`)
}

/** Reads a database as it is at this moment, while servers go on with it. */
export async function onSnapshot<T>(
  database: DatabaseUrl,
  work: (snapshot: BulkConnection) => Promise<T>,
): Promise<T> {
  requireDatabase(database)
  return withConnection(database, async (connection) => {
    await connection.beginSnapshot()
    await requireCurrent(connection, database)
    return work(connection)
  })
}

/** The database to fill has something in it. */
export class NotEmptyError extends CliError {
  constructor(database: DatabaseUrl) {
    super(
      'conflict',
      `${nameOf(database)} is not empty. Nothing was changed. Choose an empty database, or a path where there is no file.`,
    )
  }
}

/** Throws a sentence where the database has anything in it; makes it one without tables otherwise. */
async function requireEmpty(connection: BulkConnection, database: DatabaseUrl): Promise<void> {
  if ((await levelOf(connection.engine, connection)) === 'newer')
    throw new CliError('unexpected', `${nameOf(database)} ${levelMistakes.newer}.`)
  const existing = new Set(await connection.texts(tableNames[connection.engine]))
  for (const table of allTables) {
    if (!existing.has(table.name) || table.filledByStart) continue
    const [rows] = await connection.texts(countRows(table))
    if (rows !== '0') throw new NotEmptyError(database)
  }
  for (const table of allTables.toReversed()) await connection.run(dropTable(table))
  await connection.run(forgetMigrations)
}

/**
 * Fills an empty database in one transaction: whatever happens, it then is complete or as it was. `work` finds no tables, and
 * begins with migrations. An SQLite file that was not there is not there after a failure. A database that was partitioned is so
 * afterwards.
 */
export async function fillEmpty<T>(
  database: DatabaseUrl,
  work: (connection: BulkConnection) => Promise<T>,
): Promise<T> {
  const isNew = database.engine === 'sqlite' && !existsSync(database.file)
  try {
    return await withConnection(database, async (connection) => {
      await connection.beginAlone()
      const isPartitioned = connection.engine === 'postgres' && (await hasPartitions(connection))
      await requireEmpty(connection, database)
      const result = await work(connection)
      if (isPartitioned) await partitionByVault(connection)
      await connection.run('commit')
      return result
    })
  } catch (error) {
    if (isNew) for (const end of ['', '-journal']) rmSync(`${database.file}${end}`, { force: true })
    throw error
  }
}

/** Tells how many of so many rows are done. */
export function rowCounter(total: number, report: Report): (rows: number) => void {
  const width = 24
  let done = 0
  return (rows) => {
    done += rows
    const part = total === 0 ? 1 : Math.min(done / total, 1)
    const full = Math.round(part * width)
    report(
      `[${'#'.repeat(full)}${'.'.repeat(width - full)}] ${Math.floor(part * 100)} %, ${done.toLocaleString('en')} rows`,
    )
  }
}

/** How many rows the tables have together. */
export async function countAll(connection: BulkConnection, tables: readonly Shape[]): Promise<number> {
  let total = 0
  for (const table of tables) total += Number((await connection.texts(countRows(table)))[0])
  return total
}

/** Every row of the tables, in their order, some at a time. */
export async function* readAll(connection: BulkConnection, tables: readonly Shape[]): AsyncIterable<Batch> {
  for (const table of tables) for await (const rows of connection.read(table)) yield { table, rows }
}

/** The digest of each table, and meanwhile `onRows` of what was read. */
export async function digestAll(
  connection: BulkConnection,
  tables: readonly Shape[],
  onRows: (rows: number) => void = () => {},
): Promise<Digests> {
  const digests: Record<string, Digest> = {}
  for (const table of tables) {
    const running = new RunningDigest()
    for await (const rows of connection.read(table)) {
      for (const row of rows) running.add(encodeRow(row))
      onRows(rows.length)
    }
    digests[table.name] = running.value
  }
  return digests
}

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
