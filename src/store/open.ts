// From a database URL to a Store, and the first row that every database has.
import { randomBytes } from 'node:crypto'
import type { BulkConnection } from './bulk.ts'
import type { OpenedStore, PostgresBounds, Tx } from './store.ts'

export type DatabaseUrl =
  | { engine: 'sqlite'; file: string }
  /** `listenUrl`: past a pooler, for the connection that hears what others announce; `url` unless it is given. */
  | { engine: 'postgres'; url: string; listenUrl?: string; bounds?: PostgresBounds }

const newEpoch = () => randomBytes(16).toString('hex')

/** Begins a new history: every cursor from before is refused, so that clients compare everything and put back what is missing. */
export async function renewEpoch({ db, tables: { instance } }: Tx): Promise<void> {
  await db.update(instance).set({ epoch: newEpoch() })
}

/** Gives a new database its epoch. A second process that starts at the same time keeps the first one's. */
const ensureEpoch = ({ db, tables: { instance } }: Tx) =>
  db
    .insert(instance)
    .values({ id: 1, epoch: newEpoch() })
    .onConflictDoNothing()
    .then(() => undefined)

// Only the engine that is used is loaded.
const openEngine = async (database: DatabaseUrl, options: Parameters<typeof openStore>[1]) =>
  database.engine === 'sqlite'
    ? (await import('./sqlite.ts')).openSqlite(database.file, options)
    : (await import('./postgres.ts')).openPostgres(database, options)

/** Opens the database and applies the migrations that it does not have yet. */
export async function openStore(
  database: DatabaseUrl,
  options: { now: () => number; onIdleError: () => void },
): Promise<OpenedStore> {
  const opened = await openEngine(database, options)
  try {
    await opened.store.write(ensureEpoch)
    return opened
  } catch (error) {
    await opened.store.close()
    throw error
  }
}

/** Connects for work on the whole database, and changes nothing yet; an SQLite file is made if there is none. */
export const connectBulk = async (database: DatabaseUrl): Promise<BulkConnection> =>
  database.engine === 'sqlite'
    ? (await import('./sqlite-bulk.ts')).connectSqliteBulk(database.file)
    : (await import('./postgres-bulk.ts')).connectPostgresBulk(database.url)
