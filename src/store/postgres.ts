// Postgres: a pool of connections, one transaction for each unit of work.
import { fillPlaceholders, getTableName, type Query } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { AfterCommit, Announcements, checkLength } from './announcements.ts'
import { migrate, missingMigrations } from './migrate.ts'
import { refuseMoved } from './move-mark.ts'
import { control, storeError } from './postgres-errors.ts'
import { createPostgresListener } from './postgres-listener.ts'
import {
  asking,
  type Connection,
  connectionOf,
  notSent,
  plain,
  sent,
  wholeNumbers,
} from './postgres-pieces.ts'
import { postgresTables } from './schema.ts'
import {
  guarded,
  type OpenedStore,
  type PostgresBounds,
  type RowWriter,
  refuseNested,
  type Store,
  StoreError,
  type Tx,
  Unchanged,
  unguarded,
} from './store.ts'
import { Lines, type Outcome, settled, type Unit } from './units.ts'

/** Taken while migrating, so that replicas that start together migrate one after the other. "limpet" in ASCII. */
export const migrationLock = 0x6c696d706574

/** How a server's connections are called in Postgres's own list of them. */
export const applicationName = 'limpet'

/** Most units in one commit: bounds how long the first of them waits for the last, and how many subtransactions one has. */
const unitsPerCommit = 32

/** How often a unit is run again. */
const mostRetries = 3

/**
 * What queries are written against.
 * @param client gets those of the builder
 * @param ask gets those whose rows come as arrays
 */
const handleOf = (client: pg.Pool | pg.Client, ask: Connection['ask']): RowWriter => ({
  db: drizzle(client),
  tables: postgresTables,
  rows<Row extends unknown[]>(name: string, statement: { toSQL(): Query }) {
    const { sql: text, params } = statement.toSQL()
    return async (values): Promise<Row[]> =>
      (await ask({ name, text, values: fillPlaceholders(params, values) })).rows
  },
  takesArrays: true,
})

/** The same, on one connection. */
export const handle = (connection: Connection): RowWriter =>
  handleOf(connection.client, connection.ask.bind(connection))

/**
 * Why a unit is run again: a deadlock that Postgres ended by it, a serialization failure, and a statement that found something else
 * than was read (`guard` in statement.ts), whose division Postgres refuses.
 */
const runAgainCodes = new Set(['40P01', '40001', '22012'])

const isToRunAgain = (error: unknown) => error instanceof StoreError && runAgainCodes.has(error.code)

export const migrationTarget = (client: pg.ClientBase | pg.Pool) => ({
  run: async (statement: string) => void (await client.query(statement)),
  texts: async (query: string) =>
    (await client.query<[string], []>({ text: query, rowMode: 'array' })).rows.map(([text]) => text),
})

/**
 * Runs `work` in a transaction on a connection of its own.
 * @param work gets the statements whose answers it does not wait for into `last`: they are sent together with the commit
 */
async function inTransaction<T>(
  pool: pg.Pool,
  work: (connection: Connection, last: Promise<unknown>[]) => Promise<T | Unchanged<T>>,
): Promise<T> {
  const client = await control(() => pool.connect())
  const connection = connectionOf(client)
  connection.begin()
  const last: Promise<unknown>[] = []
  try {
    const result = await work(connection, last)
    if (result instanceof Unchanged) {
      await connection.rollBack()
      client.release()
      return result.result
    }
    const committed = sent(connection.commit())
    await Promise.all(last)
    await committed
    client.release()
    return result
  } catch (error) {
    const rolledBack = await connection.rollBack().then(
      () => true,
      () => false,
    )
    // A connection that cannot even roll back is thrown away; Postgres rolls back what it left.
    client.release(!rolledBack)
    // What failed first says why; what was sent behind it was refused because of that.
    await Promise.all(last).catch((first: unknown) => {
      if (first !== notSent) throw storeError(first)
    })
    throw storeError(error)
  }
}

/** Has the unit's caller answered, and does what the unit leaves to be done before that. */
function settle(unit: Unit, outcome: Outcome): void {
  if (outcome.ok) unguarded(() => outcome.afterCommit.run())
  unit.settle(outcome)
}

const migrateDatabase = (pool: pg.Pool, now: number): Promise<number> =>
  inTransaction(pool, async ({ client }) => {
    // An index over a large table takes longer than any request may, and so does waiting for another process that makes it.
    await client.query('set local statement_timeout = 0')
    await client.query('select pg_advisory_xact_lock($1)', [migrationLock])
    return migrate('postgres', migrationTarget(client), now)
  })

/** Unless the operator sets others. */
const usualBounds: PostgresBounds = { connections: 10, statementMs: 30_000, waitMs: 5000 }

/** How a server connects. */
export const poolOptions = (url: string, { statementMs, waitMs } = usualBounds) => ({
  connectionString: url,
  application_name: applicationName,
  connectionTimeoutMillis: waitMs,
  statement_timeout: statementMs,
  idle_in_transaction_session_timeout: statementMs,
  keepAlive: true,
})

/**
 * Connects to a database and brings it up to date.
 * @param database.url postgres://user:password@host:port/database
 * @param database.listenUrl the same, of a connection that no pooler is between: it listens for announcements
 * @param database.bounds how much of it this process takes
 * @param options.onIdleError called when an unused connection was lost; the pool opens another one by itself
 */
export async function openPostgres(
  {
    url,
    listenUrl = url,
    bounds = usualBounds,
  }: { url: string; listenUrl?: string; bounds?: PostgresBounds },
  options: { now: () => number; onIdleError: () => void },
): Promise<OpenedStore> {
  const pool = new pg.Pool({
    ...poolOptions(url, bounds),
    max: bounds.connections,
    // What is sent does not wait for the answers to what was sent before.
    pipeline: true,
    // Also of a server that was idle while the database was moved away: whatever it does next needs a new connection.
    verify: (client, done) => void refuseMoved('postgres', migrationTarget(client)).then(() => done(), done),
  })
  pool.on('error', options.onIdleError)
  // A connection that is lost between two statements of a unit raises an error that, unheard, would end the process. The
  // unit's next statement fails.
  pool.on('connect', (client) => void client.on('error', () => {}))

  const migrationsApplied = await migrateDatabase(pool, options.now()).catch(async (error: unknown) => {
    await pool.end()
    throw error
  })
  const askOne: Connection['ask'] = async (asked) => {
    const client = await control(() => pool.connect())
    try {
      return await connectionOf(client).ask(asked)
    } finally {
      client.release()
    }
  }
  const reader = handleOf(asking(pool, { ask: askOne }), askOne)

  // One handle for each connection of the pool, as long as it lives.
  const handles = new WeakMap<Connection, RowWriter>()
  const handleOfTx = (connection: Connection): RowWriter => {
    const known = handles.get(connection)
    if (known) return known
    const made = handle(connection)
    handles.set(connection, made)
    return made
  }

  const announcements = new Announcements()
  const listener = createPostgresListener(poolOptions(listenUrl, bounds), announcements)
  const newAfterCommit = () =>
    new AfterCommit((announcement) => {
      announcements.tell(announcement.message)
      listener.tellOthers(announcement)
    })
  const txOf = (connection: Connection, afterCommit: AfterCommit, withCommit: Tx['withCommit']): Tx => ({
    ...handleOfTx(connection),
    withCommit,
    afterCommit: (work) => afterCommit.add(work),
    async announce(message) {
      checkLength(message)
      await connection.ask({ name: 'announce', ...listener.notification(message) })
      afterCommit.add(() => announcements.tell(message))
    },
    announceSoon: (announcement) => afterCommit.announceSoon(announcement),
  })

  async function writeAlone(work: Unit['work']): Promise<AfterCommit> {
    for (let retries = 0; ; retries++) {
      try {
        let afterCommit = newAfterCommit()
        await inTransaction(pool, async (connection, last) => {
          const withCommit = async (statements: readonly Promise<unknown>[]) =>
            void last.push(...statements.map(sent))
          const returned = await work(txOf(connection, afterCommit, withCommit))
          if (returned instanceof Unchanged) afterCommit = newAfterCommit()
          return returned
        })
        return afterCommit
      } catch (error) {
        if (!isToRunAgain(error) || retries === mostRetries) throw error
      }
    }
  }

  const runAlone = (unit: Unit): Promise<void> =>
    writeAlone(unit.work).then(
      (afterCommit) => settle(unit, { ok: true, afterCommit }),
      (error: unknown) => settle(unit, { ok: false, error }),
    )

  /**
   * Runs one unit in a savepoint of the open transaction, so that its failure takes back nothing of the others'.
   * @param send sends a statement that nothing waits for before the commit
   */
  async function runInSavepoint(
    connection: Connection,
    unit: Unit,
    send: (statement: string) => void,
  ): Promise<Outcome> {
    const rollBack = () => {
      send('rollback to unit')
      send('release unit')
    }
    send('savepoint unit')
    const afterCommit = newAfterCommit()
    try {
      const returned = await unit.work(txOf(connection, afterCommit, (statements) => Promise.all(statements)))
      const isUnchanged = returned instanceof Unchanged
      if (isUnchanged) rollBack()
      else send('release unit')
      return { ok: true, afterCommit: isUnchanged ? newAfterCommit() : afterCommit }
    } catch (error) {
      rollBack()
      return { ok: false, error: storeError(error) }
    }
  }

  /** No caller is answered before the commit. If the transaction is lost, every unit of it has failed. */
  async function runTogether(units: readonly Unit[]): Promise<void> {
    const [first, ...others] = units
    if (first && others.length === 0) return runAlone(first)
    try {
      const outcomes = await inTransaction(pool, async (connection, last) => {
        const outcomes: [Unit, Outcome][] = []
        const send = (statement: string) => void last.push(sent(connection.ask(plain(statement))))
        for (const unit of units) outcomes.push([unit, await runInSavepoint(connection, unit, send)])
        return outcomes
      })
      for (const [unit, outcome] of outcomes) {
        if (!outcome.ok && isToRunAgain(outcome.error)) await runAlone(unit)
        else settle(unit, outcome)
      }
    } catch (error) {
      for (const unit of units) unit.settle({ ok: false, error })
    }
  }
  const lines = new Lines(runTogether, unitsPerCommit)

  const store: Store = {
    rowsAtOnce: 250,
    read: (work) =>
      guarded(() =>
        work(reader).catch((error) => {
          throw storeError(error)
        }),
      ),
    write: async (work, options) => {
      refuseNested()
      return settled(work, (unit) => (options ? lines.add(options.line, unit) : void runAlone(unit)))
    },
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
    load: () => ({
      connections: pool.totalCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount + lines.waiting,
    }),
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
