// Postgres: one connection for work on the whole database.
import pg from 'pg'
import { type BulkConnection, InUseError, rowsAtOnce } from './bulk.ts'
import { applicationName, handle, migrationLock, migrationTarget } from './postgres.ts'
import { control } from './postgres-errors.ts'
import { connectionOf } from './postgres-pieces.ts'
import { allTables, type Cell, columnList, type Row, rowFrom, selectAll } from './shape.ts'
import { withoutListeners } from './store.ts'

/** Others of Limpet's connections to this database. One that belongs to another user shows no name, and counts too. */
const others = `select pid::text from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
  and application_name = '${applicationName}'`

/** The tables of the schema that exist, as a list; null if none does. */
const existing = `select string_agg(quote_ident(table_name), ', ') from information_schema.tables
  where table_schema = current_schema() and table_name in (${allTables.map(({ name }) => `'${name}'`).join(', ')})`

export async function connectPostgresBulk(url: string): Promise<BulkConnection> {
  const client = new pg.Client({
    connectionString: url,
    application_name: applicationName,
    connectionTimeoutMillis: 5000,
    keepAlive: true,
  })
  // A connection that is lost between two statements; the next one fails.
  client.on('error', () => {})
  await control(() => client.connect())
  const target = migrationTarget(client)
  const run = (statement: string) => control(() => target.run(statement))
  const texts = (query: string) => control(() => target.texts(query))

  /** A whole database takes longer than any time limit that is set for requests. */
  async function begin(mode: string) {
    await run(`begin ${mode}`)
    await run('set local statement_timeout = 0')
    await run('set local idle_in_transaction_session_timeout = 0')
  }

  return {
    engine: 'postgres',
    run,
    texts,
    async beginSnapshot() {
      await begin('isolation level repeatable read, read only')
      // The snapshot is that of the first look.
      await texts('select version()')
    },
    async beginAlone() {
      // A moment before, a server may have ended whose connections are still listed.
      for (let looks = 0; (await texts(others)).length > 0; looks++) {
        if (looks === 10) throw new InUseError()
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      await begin('')
      // A server that connects now waits before it migrates or writes, and gives up after too long.
      await run("set local lock_timeout = '10s'")
      await run(`select pg_advisory_xact_lock(${migrationLock})`)
      const [tables] = await texts(existing)
      if (tables) await run(`lock table ${tables} in exclusive mode`)
    },
    async *read(shape) {
      await run(`declare bulk no scroll cursor for ${selectAll(shape)}`)
      for (;;) {
        const { rows } = await control(() =>
          client.query<unknown[], []>({ text: `fetch ${rowsAtOnce} from bulk`, rowMode: 'array' }),
        )
        if (rows.length > 0) yield rows.map((values): Row => rowFrom(shape, values))
        if (rows.length < rowsAtOnce) break
      }
      await run('close bulk')
    },
    async insert(shape, rows) {
      const width = shape.columns.length
      const tuples = rows.map(
        (_, row) => `(${shape.columns.map((_, column) => `$${row * width + column + 1}`).join(', ')})`,
      )
      const text = `insert into "${shape.name}" (${columnList(shape)}) values ${tuples.join(', ')}`
      await control(() => client.query<never, Cell[]>(text, rows.flat()))
    },
    tx: withoutListeners(handle(connectionOf(client))),
    // The server rolls back what was not committed.
    close: () => client.end(),
  }
}
