// SQLite: one writing connection behind a queue whose waiting units are committed together, and another one for reads.
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import Driver from 'better-sqlite3'
import { fillPlaceholders, type Query } from 'drizzle-orm'
import { BetterSQLiteSession } from 'drizzle-orm/better-sqlite3/session'
import { BaseSQLiteDatabase, SQLiteSyncDialect } from 'drizzle-orm/sqlite-core'
import { AfterCommit, Announcements, checkLength } from './announcements.ts'
import { migrate, missingMigrations } from './migrate.ts'
import { refuseMoved } from './move-mark.ts'
import { sqliteTables } from './schema.ts'
import { Checkpoints } from './sqlite-checkpoints.ts'
import {
  guarded,
  type OpenedStore,
  type Reader,
  type RowWriter,
  refuseNested,
  type Store,
  StoreError,
  type Tx,
  Unchanged,
  unguarded,
  unwrap,
} from './store.ts'
import { type Outcome, settled, type Unit } from './units.ts'

/** How long a unit waits for another process that holds the write lock, and how often it looks. */
const lockWaitMs = 5000

const lockPollMs = 5

/** How often it is looked whether another process has written to the file. */
const watchMs = 500

/** Most units in one commit: bounds how long the first of them waits for the last, and how much one failure takes along. */
const unitsPerCommit = 128

// "Not now": locked by another process, the disk full, failing or not to be opened.
const unavailableCodes = /^SQLITE_(BUSY|LOCKED|FULL|IOERR|CANTOPEN|READONLY|NOMEM)/

/** What the driver threw as a StoreError; every other error (a Problem thrown by the work) as it is. */
export function storeError(error: unknown): unknown {
  const { cause, query } = unwrap(error)
  return cause instanceof Driver.SqliteError
    ? new StoreError(cause.code, query, unavailableCodes.test(cause.code))
    : error
}

const failed = (error: unknown): Outcome => ({ ok: false, error: storeError(error) })

/** Runs what may meet another process's lock until it succeeds or `lockWaitMs` have passed, without blocking the event loop. */
export async function retryWhileBusy<T>(attempt: () => T): Promise<T> {
  const deadline = performance.now() + lockWaitMs
  for (;;) {
    try {
      return attempt()
    } catch (error) {
      const locked = error instanceof Driver.SqliteError && error.code.startsWith('SQLITE_BUSY')
      if (!locked || performance.now() > deadline) throw error
    }
    await pause(lockPollMs)
  }
}

/** Another process that opens or closes the same file holds it for a moment; even a setting waits for that. */
export async function connect(file: string): Promise<Driver.Database> {
  // Made with its mode before SQLite would make it with another one; -wal and -shm take the mode of the database.
  closeSync(openSync(file, 'a', 0o600))
  // Waiting is done by `retryWhileBusy`, off the event loop; the driver's own would block it.
  const connection = new Driver(file, { timeout: 0 })
  // FULL: a commit is answered once it is on the disk, so that it survives a power cut. secure_delete: what was deleted is
  // overwritten with zeros instead of lying in free pages.
  for (const setting of [
    'synchronous = FULL',
    'foreign_keys = ON',
    'secure_delete = ON',
    'trusted_schema = OFF',
  ])
    await retryWhileBusy(() => connection.pragma(setting))
  return connection
}

/**
 * Writes parameters so that SQLite plans without their values. This build of it (SQLITE_ENABLE_STAT4) looks at the value of a bare `?`
 * where it might matter to the plan, and so compiles the statement anew after every binding, which takes longer than running it. What
 * `likely` returns is its argument; it costs nothing at run time (https://sqlite.org/lang_corefunc.html#likely).
 */
class Dialect extends SQLiteSyncDialect {
  override escapeParam(): string {
    return 'likely(?)'
  }
}

/** Drizzle's builder over a connection, as its own `drizzle` makes it but for the dialect. */
function drizzle(connection: Driver.Database) {
  const dialect = new Dialect()
  const session = new BetterSQLiteSession(connection, dialect, undefined)
  return new BaseSQLiteDatabase('sync', dialect, session, undefined)
}

// The other of the project's two casts: drizzle's SQLite builder has the same methods, and its rows are those of `Tables`.
export const handle = (connection: Driver.Database): RowWriter => ({
  db: drizzle(connection) as unknown as RowWriter['db'],
  tables: sqliteTables,
  rows<Row extends unknown[]>(_name: string, prepared: { toSQL(): Query }) {
    const { sql, params } = prepared.toSQL()
    const statement = connection.prepare<unknown[], Row>(sql)
    if (statement.reader) {
      const reading = statement.raw()
      return async (values) => reading.all(...fillPlaceholders(params, values))
    }
    return async (values) => {
      statement.run(...fillPlaceholders(params, values))
      return []
    }
  },
  takesArrays: false,
})

export const migrationTarget = (connection: Driver.Database) => ({
  run: async (statement: string) => void connection.exec(statement),
  texts: async (query: string) => connection.prepare<[], string>(query).pluck().all(),
})

/** Applies missing migrations; a second process waits for the first and then finds nothing to do. */
async function migrateFile(connection: Driver.Database, now: number): Promise<number> {
  await retryWhileBusy(() => connection.pragma('journal_mode = WAL'))
  await retryWhileBusy(() => connection.exec('begin immediate'))
  try {
    await refuseMoved('sqlite', migrationTarget(connection))
    const applied = await migrate('sqlite', migrationTarget(connection), now)
    connection.exec('commit')
    return applied
  } catch (error) {
    if (connection.inTransaction) connection.exec('rollback')
    throw error
  }
}

/** The writing connection: runs units together in one transaction. */
class Writer {
  readonly #connection: Driver.Database
  readonly #rows: RowWriter
  readonly #announcements: Announcements
  readonly #statements

  constructor(connection: Driver.Database, announcements: Announcements) {
    this.#connection = connection
    this.#rows = handle(connection)
    this.#announcements = announcements
    // Compiled once: they are run for every unit.
    this.#statements = {
      begin: connection.prepare('begin immediate'),
      commit: connection.prepare('commit'),
      savepoint: connection.prepare('savepoint unit'),
      rollbackToSavepoint: connection.prepare('rollback to unit'),
      release: connection.prepare('release unit'),
    }
  }

  /** No caller is answered before the commit. If the transaction is lost, every unit of it has failed. */
  async runTogether(units: Unit[]): Promise<Outcome[]> {
    const { begin, commit } = this.#statements
    try {
      await retryWhileBusy(() => begin.run())
      const outcomes: Outcome[] = []
      for (const unit of units) {
        const outcome = await this.#run(unit)
        outcomes.push(outcome)
        if (!this.#connection.inTransaction) {
          const lost = outcome.ok ? failed(new StoreError('SQLITE_ABORT', undefined, true)) : outcome
          return units.map(() => lost)
        }
      }
      commit.run()
      for (const outcome of outcomes) if (outcome.ok) unguarded(() => outcome.afterCommit.run())
      return outcomes
    } catch (error) {
      if (this.#connection.inTransaction) this.#connection.exec('rollback')
      return units.map(() => failed(error))
    }
  }

  #afterCommit(): AfterCommit {
    return new AfterCommit(({ message }) => this.#announcements.tell(message))
  }

  #txOf(afterCommit: AfterCommit): Tx {
    return {
      ...this.#rows,
      withCommit: (sent) => Promise.all(sent),
      afterCommit: (work) => afterCommit.add(work),
      // Other processes on the file see that it was written to (`watchFile`): it has no other way to tell them.
      announce: async (message) => {
        checkLength(message)
        afterCommit.add(() => this.#announcements.tell(message))
      },
      announceSoon: (announcement) => afterCommit.announceSoon(announcement),
    }
  }

  /** Runs one unit in a savepoint of the open transaction, so that its failure takes back nothing of the others'. */
  async #run(unit: Unit): Promise<Outcome> {
    const { savepoint, rollbackToSavepoint, release } = this.#statements
    savepoint.run()
    let outcome: Outcome
    let keep = false
    const afterCommit = this.#afterCommit()
    try {
      const result = await unit.work(this.#txOf(afterCommit))
      keep = !(result instanceof Unchanged)
      outcome = { ok: true, afterCommit: keep ? afterCommit : this.#afterCommit() }
    } catch (error) {
      outcome = failed(error)
    }
    // A full disk makes SQLite roll back the whole transaction by itself; then no savepoint is left.
    if (!this.#connection.inTransaction) return outcome
    if (!keep) rollbackToSavepoint.run()
    release.run()
    return outcome
  }
}

/**
 * Tells what other processes announce, as far as a file lets itself be asked: that something was written by them. Commits of the
 * connection itself do not count (`PRAGMA data_version`).
 * @returns what ends that
 */
function watchFile(connection: Driver.Database, announcements: Announcements): () => void {
  const dataVersion = connection.prepare<[], number>('pragma data_version').pluck()
  let known = dataVersion.get()
  const look = setInterval(() => {
    const found = dataVersion.get()
    if (found !== known) announcements.missed()
    known = found
  }, watchMs).unref()
  return () => clearInterval(look)
}

/**
 * Opens (and creates) a database file, and brings it up to date.
 * @param file path of the file; its folder is made when missing, readable by its owner only
 */
export async function openSqlite(file: string, options: { now: () => number }): Promise<OpenedStore> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const connection = await connect(file)
  const migrationsApplied = await migrateFile(connection, options.now()).catch((error: unknown) => {
    connection.close()
    throw error
  })
  const announcements = new Announcements()
  const writer = new Writer(connection, announcements)
  const checkpoints = new Checkpoints(connection)
  const readConnection = await connect(file)
  const reader: Reader = handle(readConnection)

  let stopWatching: (() => void) | undefined

  const waiting: Unit[] = []
  /** What has to run outside of a transaction. */
  const betweenCommits: (() => void)[] = []
  let draining: Promise<void> | undefined

  async function drain(): Promise<void> {
    // Lets every request of this turn of the event loop join the first commit.
    await nextTurn()
    while (waiting.length > 0 || betweenCommits.length > 0) {
      for (const task of betweenCommits.splice(0)) task()
      const units = waiting.splice(0, unitsPerCommit)
      const outcomes = await writer.runTogether(units)
      for (const [index, unit] of units.entries())
        unit.settle(outcomes[index] ?? failed(new Error('No outcome')))
      await nextTurn()
      if (checkpoints.runIfDue()) await nextTurn()
    }
    draining = undefined
  }

  const store: Store = {
    rowsAtOnce: 100,
    read: (work) =>
      guarded(() =>
        work(reader).catch((error) => {
          throw storeError(error)
        }),
      ),
    // Every unit waits for every other one here, whichever line it stands in.
    write: async (work) => {
      refuseNested()
      return settled(work, (unit) => {
        waiting.push(unit)
        draining ??= drain()
      })
    },
    truncateWal: () =>
      new Promise((resolve, reject) => {
        betweenCommits.push(() => {
          try {
            // A reader in another process keeps the log from being emptied; the next time comes.
            connection.pragma('wal_checkpoint(TRUNCATE)')
            resolve()
          } catch (error) {
            reject(storeError(error))
          }
        })
        draining ??= drain()
      }),
    listen(listener) {
      stopWatching ??= watchFile(connection, announcements)
      return announcements.listen(listener)
    },
    // One to write and one to read, which never wait for each other.
    load: () => ({ connections: 2, idle: draining ? 1 : 2, waiting: waiting.length }),
    isReady: () =>
      missingMigrations('sqlite', migrationTarget(readConnection)).then(
        (missing) => missing.length === 0,
        () => false,
      ),
    async close() {
      stopWatching?.()
      await draining
      readConnection.close()
      connection.close()
    },
  }
  return { store, migrationsApplied }
}
