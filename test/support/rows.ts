// The rows of a database, past the server.
import Driver from 'better-sqlite3'
import pg from 'pg'
import { z } from 'zod'
import type { TestDatabase } from './database.ts'

/** A value of a column; bytes as hex. */
const Cell = z
  .unknown()
  .transform((value) => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value))

const Rows = z.array(z.record(z.string(), Cell))
type Rows = z.infer<typeof Rows>

const Names = z.array(z.object({ name: z.string() }))

const sorted = (rows: Rows): Rows => rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))

function sqliteRows(file: string): Record<string, Rows> {
  const connection = new Driver(file, { readonly: true })
  try {
    const tables = Names.parse(
      connection.prepare("select name from sqlite_master where type = 'table'").all(),
    )
    return Object.fromEntries(
      tables.map(({ name }) => [
        name,
        sorted(Rows.parse(connection.prepare(`select * from "${name}"`).all())),
      ]),
    )
  } finally {
    connection.close()
  }
}

async function postgresRows(url: string): Promise<Record<string, Rows>> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows: tables } = await client.query(
      'select table_name as name from information_schema.tables where table_schema = current_schema()',
    )
    const found: Record<string, Rows> = {}
    for (const { name } of Names.parse(tables))
      found[name] = sorted(Rows.parse((await client.query(`select * from "${name}"`)).rows))
    return found
  } finally {
    await client.end()
  }
}

/** Every row of every table, by table; bytes as hex. */
export const readRows = async ({ url }: TestDatabase): Promise<Record<string, Rows>> =>
  url.startsWith('file:') ? sqliteRows(url.slice('file:'.length)) : postgresRows(url)

/** The same without the security logs, into which the logins of a moment ago are written in the background. */
export async function readRowsBesideLogs(database: TestDatabase): Promise<Record<string, Rows>> {
  const { account_events: _logs, started_logins: _starts, ...rows } = await readRows(database)
  return rows
}

/** Runs one statement on the database, past the server. */
export async function runStatement({ url }: TestDatabase, statement: string): Promise<void> {
  if (url.startsWith('file:')) {
    const connection = new Driver(url.slice('file:'.length))
    connection.exec(statement)
    connection.close()
    return
  }
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(statement).finally(() => client.end())
}

/** Lets every budget that servers on the database share begin anew. */
export const forgetCounts = (database: TestDatabase): Promise<void> =>
  runStatement(database, 'delete from rate_limits')
