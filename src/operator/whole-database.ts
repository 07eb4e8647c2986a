// What backup, restore, verify and move do to a database as a whole: read all of it, fill an empty one, look for damage.

import { existsSync, rmSync } from 'node:fs'
import { type BulkConnection, InUseError } from '../store/bulk.ts'
import { type Digest, encodeRow, RunningDigest } from '../store/digest.ts'
import { forgetMigrations, levelOf, tableNames } from '../store/migrate.ts'
import { connectBulk, type DatabaseUrl } from '../store/open.ts'
import { hasPartitions, partitionByVault } from '../store/partitions.ts'
import { allTables, countRows, dropTable, type Shape } from '../store/shape.ts'
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
