// The only door to the database: `read` and `write`, the same over both engines.
import { AsyncLocalStorage } from 'node:async_hooks'
import { DrizzleQueryError, type Query } from 'drizzle-orm'
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import type { Listener, TopicalAnnouncement } from './announcements.ts'
import type { Tables } from './schema.ts'

type Database = PgDatabase<PgQueryResultHKT>

/**
 * What a query is written against, whichever the engine: a builder typed as Postgres's, and the engine's own tables.
 * Await every builder; what is not a row (`rowCount`, `changes`) differs between engines and is not to be looked at.
 */
export interface Reader {
  readonly db: Pick<Database, 'select'>
  readonly tables: Tables
  /**
   * Prepares a statement whose rows come as arrays in the order of its columns, as the driver reads them: whole numbers as numbers, flags
   * as the engine has them. For what is done very often, and for thousands of rows: making each an object takes longer than reading it.
   * Prepare with `statement`.
   * @param name that no other statement has
   */
  rows<Row extends unknown[]>(name: string, statement: { toSQL(): Query }): RowsStatement<Row>
  /** Whether a statement may take a list as one array. Where it may not, running it for each entry costs no round trip. */
  readonly takesArrays: boolean
}

/** @param values of the placeholders, by their names */
type RowsStatement<Row> = (values: Record<string, unknown>) => Promise<Row[]>

/** A Reader that may also write rows. */
export interface RowWriter extends Reader {
  readonly db: Pick<Database, 'select' | 'insert' | 'update' | 'delete'>
}

/** What a unit of work gets from `Store.write`; it exists only inside. */
export interface Tx extends RowWriter {
  /**
   * Takes statements that are sent (`rows`; a builder sends nothing before something waits for it), and of which the unit needs no
   * answer: on Postgres they wait together with the commit. If one of them fails, nothing of the unit happens.
   */
  withCommit(sent: readonly Promise<unknown>[]): Promise<unknown>

  /**
   * Has this process do something once the unit is committed, before the caller of `write` is answered. Nothing is done if the
   * unit is rolled back or changes nothing.
   * @param work short, and must not throw
   */
  afterCommit(work: () => void): void

  /**
   * Tells every process that listens (`Store.listen`), once the unit is committed: this one before the caller of `write` is
   * answered, on Postgres all others right after. An announcement can be lost where a connection is, so nothing may depend on
   * it for longer than until it looks by itself.
   * @param message ids and revisions and nothing else; a few thousand bytes at most
   */
  announce(message: string): Promise<void>

  /**
   * Tells the same, and costs the unit nothing: on Postgres a statement of its own tells other processes what many units had to say
   * (docs/decisions/live.md). It is lost if this process ends at that moment.
   */
  announceSoon(announcement: TopicalAnnouncement): void
}

/** For work on the whole database, beside which no server runs: there is no listener to tell. */
export const withoutListeners = (rows: RowWriter): Tx => ({
  ...rows,
  withCommit: (sent) => Promise.all(sent),
  afterCommit: () => {},
  announce: async () => {},
  announceSoon: () => {},
})

/** Returned by a unit of work that turned out to have nothing to do: it is rolled back, and its result stands. */
export class Unchanged<T> {
  readonly result: T

  constructor(result: T) {
    this.result = result
  }
}

/** A table of counts, and what runs single statements on it. */
interface CountStore {
  readonly table: string
  readonly client: {
    query(query: { name?: string; text: string; values?: unknown[] }): Promise<{ rows: unknown[] }>
  }
}

export interface Store {
  /**
   * Runs queries that change nothing. Each statement sees a snapshot of its own, so what must not be newer than the rest is
   * read first.
   */
  read<T>(work: (reader: Reader) => Promise<T>): Promise<T>

  /**
   * How many rows of a long list are best read at a time: where a query costs little, few, so that little memory is held for long; where
   * each is a round trip, more.
   */
  readonly rowsAtOnce: number

  /**
   * Runs one unit of work in a transaction and answers once it is durable. All of it happens or, when `work` throws or returns
   * `Unchanged`, nothing. Nothing slow belongs inside: others wait. `work` is run again if the engine says that it has to be.
   * @param options.line units of one line begin by holding the same row, so that they wait for each other as it is; those of one
   *   process then share a commit
   */
  write<T>(work: (tx: Tx) => Promise<T | Unchanged<T>>, options?: { line: string }): Promise<T>

  /**
   * Takes what was deleted out of the files as well, as far as the engine lets itself be told: SQLite's write-ahead log keeps
   * it otherwise until it happens to be overwritten. On Postgres that is the work of its own vacuum.
   */
  truncateWal(): Promise<void>

  /**
   * For the rate limiter, which brings its statements itself. Only where several processes may share the database: on Postgres.
   */
  readonly counts?: CountStore

  /** Hears what units of work announce. @returns what ends that */
  listen(listener: Listener): () => void

  /** How busy it is at this moment. */
  load(): StoreLoad

  /** Whether the database answers and has every migration that this version knows. */
  isReady(): Promise<boolean>

  /** Waits for what is running, then closes. */
  close(): Promise<void>
}

interface StoreLoad {
  /** To the database. */
  readonly connections: number
  /** Of these, those that nothing uses. */
  readonly idle: number
  /** Units of work that wait for a connection, or for their turn to write. */
  readonly waiting: number
}

/** How much of a Postgres a process takes. */
export interface PostgresBounds {
  /** At most, for requests. One more hears what other processes announce. */
  readonly connections: number
  /** How long a statement may take, and a transaction may stand still, in milliseconds. */
  readonly statementMs: number
  /** How long a request waits for a connection, in milliseconds. */
  readonly waitMs: number
}

/** A database that was opened and brought up to date. */
export interface OpenedStore {
  readonly store: Store
  readonly migrationsApplied: number
}

/**
 * The database refused or could not be reached. Its message holds the statement's text and the engine's code, and never a
 * value: drivers put parameters and rows into theirs, which must not reach a log.
 */
export class StoreError extends Error {
  override name = 'StoreError'
  readonly code: string
  /** Whether the database is away, busy or full, so that trying again later makes sense. */
  readonly unavailable: boolean

  constructor(code: string, query: string | undefined, unavailable: boolean) {
    super(
      query === undefined ? `The database answered ${code}` : `The database answered ${code} to: ${query}`,
    )
    this.code = code
    this.unavailable = unavailable
  }
}

/** What a driver threw, out of drizzle's wrapping, with the statement that it was about. */
export function unwrap(error: unknown): { cause: unknown; query: string | undefined } {
  return error instanceof DrizzleQueryError
    ? { cause: error.cause, query: error.query }
    : { cause: error, query: undefined }
}

const running = new AsyncLocalStorage<true>()

/** Refuses a store call inside another: on SQLite it would wait for itself, on Postgres for a free connection. */
export function refuseNested(): void {
  if (running.getStore()) throw new Error('A store call inside a store call: hand the transaction on instead')
}

/** Runs a store call, inside which there is to be no other. */
export async function guarded<T>(call: () => Promise<T>): Promise<T> {
  refuseNested()
  return running.run(true, call)
}

/** Runs what a store call leaves to be done after it, which may call the store again. */
export const unguarded = (work: () => void): void => running.exit(work)
