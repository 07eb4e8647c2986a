// The connections on which servers listen to each other through Postgres.
import pg from 'pg'
import type { TestDatabase } from './database.ts'

/** @returns how many rows the statement was about */
async function asAdmin({ url }: TestDatabase, statement: string): Promise<number> {
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  try {
    return (await admin.query(statement)).rowCount ?? 0
  } finally {
    await admin.end()
  }
}

const listeners = `from pg_stat_activity where datname = current_database() and application_name = 'limpet listener'`

/** Resolves when as many servers listen. */
export async function listening(database: TestDatabase, servers: number): Promise<void> {
  while ((await asAdmin(database, `select 1 ${listeners} and query like 'listen%'`)) < servers);
}

/** Takes the connections away on which servers listen; they make new ones. @returns how many there were */
export const loseListeners = (database: TestDatabase): Promise<number> =>
  asAdmin(database, `select pg_terminate_backend(pid) ${listeners}`)
