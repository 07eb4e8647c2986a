// SQLite: one connection for work on the whole file.
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type BulkConnection, InUseError, rowsAtOnce } from './bulk.ts'
import { type Cell, columnList, type Row, rowFrom, selectAll } from './shape.ts'
import { connect, handle, migrationTarget, retryWhileBusy, storeError } from './sqlite.ts'
import { StoreError, withoutListeners } from './store.ts'

/** Flags are numbers here. */
const toDriver = (cell: Cell) => (typeof cell === 'boolean' ? Number(cell) : cell)

export async function connectSqliteBulk(file: string): Promise<BulkConnection> {
  /** Everything fails as a StoreError. */
  async function attempt<T>(run: () => T | Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      throw storeError(error)
    }
  }
  const connection = await attempt(() => {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    return connect(file)
  })
  const target = migrationTarget(connection)

  return {
    engine: 'sqlite',
    run: (statement) => attempt(() => target.run(statement)),
    texts: (query) => attempt(() => target.texts(query)),
    beginSnapshot: () =>
      attempt(() =>
        retryWhileBusy(() => {
          if (!connection.inTransaction) connection.exec('begin')
          // The snapshot is that of the first look.
          connection.prepare('select count(*) from sqlite_master').get()
        }),
      ),
    async beginAlone() {
      try {
        // Leaving the write-ahead log is refused as long as any other connection is open, also one that does nothing. It
        // also keeps a large transaction from being written twice. The next process that opens the file turns the log on again.
        await attempt(() => connection.pragma('journal_mode = DELETE'))
        await attempt(() => connection.exec('begin exclusive'))
      } catch (error) {
        if (error instanceof StoreError && error.code.startsWith('SQLITE_BUSY')) throw new InUseError()
        throw error
      }
    },
    async *read(shape) {
      let rows: Row[] = []
      try {
        for (const values of connection.prepare<[], unknown[]>(selectAll(shape)).raw().iterate()) {
          rows.push(rowFrom(shape, values))
          if (rows.length < rowsAtOnce) continue
          yield rows
          rows = []
        }
      } catch (error) {
        throw storeError(error)
      }
      if (rows.length > 0) yield rows
    },
    insert: (shape, rows) =>
      attempt(() => {
        const marks = shape.columns.map(() => '?').join(', ')
        const insert = connection.prepare(
          `insert into "${shape.name}" (${columnList(shape)}) values (${marks})`,
        )
        for (const row of rows) insert.run(row.map(toDriver))
      }),
    tx: withoutListeners(handle(connection)),
    async close() {
      if (connection.inTransaction) connection.exec('rollback')
      connection.close()
    },
  }
}
