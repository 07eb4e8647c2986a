// Copies SQLite's write-ahead log into the file, in turns of the event loop of its own.
import Driver from 'better-sqlite3'

/** How many pages of the write-ahead log are copied into the database file at a time, or more of them. */
const checkpointPages = 1000

/**
 * Copies the write-ahead log into the database file once it is long: a checkpoint. A commit would do that itself and answer nobody
 * before it is done, so that all others waited for both of them (docs/decisions/long-transactions.md).
 */
export class Checkpoints {
  readonly #connection: Driver.Database
  readonly #log

  /** @param connection that writes */
  constructor(connection: Driver.Database) {
    this.#connection = connection
    connection.pragma('wal_autocheckpoint = 0')
    this.#log = connection
      .prepare<[], [busy: number, pages: number, copied: number]>('pragma wal_checkpoint(NOOP)')
      .raw()
  }

  /** @returns whether it had something to do */
  runIfDue(): boolean {
    try {
      const [, pages, copied] = this.#log.get() ?? [0, 0, 0]
      if (pages - copied < checkpointPages) return false
      // What a reader in another process still needs stays in the log; the next time comes.
      this.#connection.pragma('wal_checkpoint(PASSIVE)')
    } catch (error) {
      // Nothing is lost, as within a commit: what the file cannot take now, such as on a full disk, is in the log and stays there.
      if (!(error instanceof Driver.SqliteError)) throw error
    }
    return true
  }
}
