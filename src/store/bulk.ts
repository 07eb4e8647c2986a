// Connections for work on a whole database: a snapshot of all its rows, or a transaction that runs alone.
import type { Engine } from './migrate.ts'
import type { Row, Shape } from './shape.ts'
import type { Tx } from './store.ts'

/** Another process has the database open. */
export class InUseError extends Error {
  override name = 'InUseError'

  constructor() {
    super('The database is in use by another process: a server, or another command.')
  }
}

/** One connection. Every failure of the database is a StoreError. */
export interface BulkConnection {
  readonly engine: Engine
  run(statement: string): Promise<void>
  /** Runs a query of one text column. */
  texts(query: string): Promise<string[]>
  /** Begins a transaction in which every query sees the database as it is now, while others go on writing. */
  beginSnapshot(): Promise<void>
  /**
   * Begins a transaction beside which no other process writes. Throws InUseError if another process has the database open: on
   * SQLite always, on Postgres where it has a connection.
   */
  beginAlone(): Promise<void>
  /** Every row of a table, some at a time. */
  read(shape: Shape): AsyncIterable<Row[]>
  insert(shape: Shape, rows: readonly Row[]): Promise<void>
  /** For the features' repositories, inside the transaction. */
  readonly tx: Tx
  close(): Promise<void>
}

/** How many rows are held in memory at a time. A row holds up to 256 KiB. */
export const rowsAtOnce = 100
