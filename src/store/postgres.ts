// Postgres: a pool of connections, one transaction for each unit of work.
import { getTableName } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { AfterCommit, Announcements, checkLength } from './announcements.ts'
import { migrate, missingMigrations } from './migrate.ts'
import { refuseMoved } from './move-mark.ts'
import { createPostgresListener } from './postgres-listener.ts'
import { postgresTables } from './schema.ts'
import {
  guarded,
  type OpenedStore,
  type RowWriter,
  type Store,
  StoreError,
  type Tx,
  Unchanged,
  unguarded,
  unwrap,
} from './store.ts'

/** Taken while migrating, so that replicas that start together migrate one after the other. "limpet" in ASCII. */
export const migrationLock = 0x6c696d706574

/** How a server's connections are called in Postgres's own list of them. */
export const applicationName = 'limpet'

/** How often a unit is run again after Postgres chose it as the victim of a deadlock. */
const deadlockRetries = 3

// SQLSTATE classes: connection exceptions, insufficient resources, operator intervention (shutdown, time limits).
const unavailableCodes = /^(08|53|57)/

/** What the driver threw as a StoreError; every other error (a Problem thrown by the work) as it is. */
export function storeError(error: unknown): unknown {
  const { cause, query } = unwrap(error)
  if (cause instanceof StoreError) return cause
  if (cause instanceof pg.DatabaseError) {
    const code = cause.code ?? 'without a code'
    return new StoreError(code, query, unavailableCodes.test(code))
  }
  // A statement that failed without an answer from the server: the connection was lost, refused or not to be had.
  return query === undefined ? error : new StoreError('no connection', query, true)
}

/** Runs one of the transaction's own statements, for which every failure is the connection's. */
export async function control<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw error instanceof pg.DatabaseError || error instanceof StoreError
      ? storeError(error)
      : new StoreError('no connection', undefined, true)
  }
}

/** Whole numbers as numbers, which the driver returns as text: every one of ours is within ±2^53. */
const wholeNumbers: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format),
}

const isDeadlock = (error: unknown) =>
  error instanceof StoreError && (error.code === '40P01' || error.code === '40001')

export const migrationTarget = (client: pg.ClientBase | pg.Pool) => ({
  run: async (statement: string) => void (await client.query(statement)),
  texts: async (query: string) =>
    (await client.query<[string], []>({ text: query, rowMode: 'array' })).rows.map(([text]) => text),
})

/** Runs `work` between begin and commit on a connection of its own. */
async function inTransaction<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T | Unchanged<T>>,
): Promise<T> {
  const client = await control(() => pool.connect())
  try {
    await control(() => client.query('begin'))
    const result = await work(client)
    if (result instanceof Unchanged) {
      await control(() => client.query('rollback'))
      client.release()
      return result.result
    }
    await control(() => client.query('commit'))
    client.release()
    return result
  } catch (error) {
    const rolledBack = await client.query('rollback').then(
      () => true,
      () => false,
    )
    // A connection that cannot even roll back is thrown away; Postgres rolls back what it left.
    client.release(!rolledBack)
    throw storeError(error)
  }
}

const migrateDatabase = (pool: pg.Pool, now: number): Promise<number> =>
  inTransaction(pool, async (client) => {
    await client.query('select pg_advisory_xact_lock($1)', [migrationLock])
    return migrate('postgres', migrationTarget(client), now)
  })

/** How a server connects. */
export const poolOptions = (url: string) => ({
  connectionString: url,
  application_name: applicationName,
  connectionTimeoutMillis: 5000,
  statement_timeout: 30_000,
  idle_in_transaction_session_timeout: 30_000,
  keepAlive: true,
})

/**
 * Connects to a database and brings it up to date.
 * @param database.url postgres://user:password@host:port/database
 * @param database.listenUrl the same, of a connection that no pooler is between: it listens for announcements
 * @param options.onIdleError called when an unused connection was lost; the pool opens another one by itself
 */
export async function openPostgres(
  { url, listenUrl = url }: { url: string; listenUrl?: string },
  options: { now: () => number; onIdleError: () => void },
): Promise<OpenedStore> {
  const pool = new pg.Pool({
    ...poolOptions(url),
    max: 10,
    // Also of a server that was idle while the database was moved away: whatever it does next needs a new connection.
    verify: (client, done) => void refuseMoved('postgres', migrationTarget(client)).then(() => done(), done),
  })
  pool.on('error', options.onIdleError)
  // A connection that is lost between two statements of a unit raises an error that, unheard, would end the process. The
  // unit's next statement fails.
  pool.on('connect', (client) => client.on('error', () => {}))

  const migrationsApplied = await migrateDatabase(pool, options.now()).catch(async (error: unknown) => {
    await pool.end()
    throw error
  })
  const reader = { db: drizzle(pool), tables: postgresTables }

  // One handle for each connection of the pool, as long as it lives.
  const handles = new WeakMap<pg.PoolClient, RowWriter>()
  const handleOf = (client: pg.PoolClient): RowWriter => {
    const known = handles.get(client)
    if (known) return known
    const handle = { db: drizzle(client), tables: postgresTables }
    handles.set(client, handle)
    return handle
  }

  const announcements = new Announcements()
  const listener = createPostgresListener(poolOptions(listenUrl), announcements)
  const newAfterCommit = () =>
    new AfterCommit((announcement) => {
      announcements.tell(announcement.message)
      listener.tellOthers(announcement)
    })
  const txOf = (client: pg.PoolClient, afterCommit: AfterCommit): Tx => ({
    ...handleOf(client),
    afterCommit: (work) => afterCommit.add(work),
    async announce(message) {
      checkLength(message)
      await client.query(listener.notification(message))
      afterCommit.add(() => announcements.tell(message))
    },
    announceSoon: (announcement) => afterCommit.announceSoon(announcement),
  })

  async function write<T>(work: (tx: Tx) => Promise<T | Unchanged<T>>): Promise<T> {
    for (let retries = 0; ; retries++) {
      try {
        let afterCommit = newAfterCommit()
        const result = await inTransaction(pool, async (client) => {
          const returned = await work(txOf(client, afterCommit))
          if (returned instanceof Unchanged) afterCommit = newAfterCommit()
          return returned
        })
        unguarded(() => afterCommit.run())
        return result
      } catch (error) {
        if (!isDeadlock(error) || retries === deadlockRetries) throw error
      }
    }
  }

  const store: Store = {
    read: (work) =>
      guarded(() =>
        work(reader).catch((error) => {
          throw storeError(error)
        }),
      ),
    write: (work) => guarded(() => write(work)),
    truncateWal: async () => {},
    counts: {
      table: getTableName(postgresTables.rateLimits),
      client: {
        query: (query) => guarded(() => control(() => pool.query({ ...query, types: wholeNumbers }))),
      },
    },
    listen(heard) {
      listener.start()
      return announcements.listen(heard)
    },
    load: () => ({ connections: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    isReady: () =>
      missingMigrations('postgres', migrationTarget(pool)).then(
        (missing) => missing.length === 0,
        () => false,
      ),
    async close() {
      await listener.close()
      await pool.end()
    },
  }
  return { store, migrationsApplied }
}
