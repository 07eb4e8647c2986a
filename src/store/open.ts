// From a database URL to a Store, and the first row that every database has.
import { randomBytes } from 'node:crypto'
import { openPostgres } from './postgres.ts'
import { openSqlite } from './sqlite.ts'
import type { OpenedStore, Tx } from './store.ts'

export type DatabaseUrl = { engine: 'sqlite'; file: string } | { engine: 'postgres'; url: string }

/** Gives a new database its epoch. A second process that starts at the same time keeps the first one's. */
const ensureEpoch = ({ db, tables: { instance } }: Tx) =>
  db
    .insert(instance)
    .values({ id: 1, epoch: randomBytes(16).toString('hex') })
    .onConflictDoNothing()
    .then(() => undefined)

/** Opens the database and applies the migrations that it does not have yet. */
export async function openStore(
  database: DatabaseUrl,
  options: { now: () => number; onIdleError: () => void },
): Promise<OpenedStore> {
  const opened =
    database.engine === 'sqlite'
      ? await openSqlite(database.file, options)
      : await openPostgres(database.url, options)
  try {
    await opened.store.write(ensureEpoch)
    return opened
  } catch (error) {
    await opened.store.close()
    throw error
  }
}
