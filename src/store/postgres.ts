// Postgres: a pool of connections, one transaction for each unit of work.
import { fillPlaceholders, getTableName, type Query } from 'drizzle-orm'
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
  type PostgresBounds,
  type RowWriter,
  refuseNested,
  type Store,
  StoreError,
  type Tx,
  Unchanged,
  unguarded,
  unwrap,
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

/** What queries are written against. */
export const handle = (client: pg.Pool | pg.PoolClient | pg.Client): RowWriter => ({
  db: drizzle(client),
  tables: postgresTables,
  rows<Row extends unknown[]>(name: string, statement: { toSQL(): Query }) {
    const { sql: text, params } = statement.toSQL()
    return async (values) => {
      const query = { name, text, values: fillPlaceholders(params, values), types: wholeNumbers }
      const { rows } = await control(() => client.query<Row, unknown[]>({ ...query, rowMode: 'array' }))
      return rows
    }
  },
  takesArrays: true,
})

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
 * Sends what is asked for in one turn of the event loop in one piece. Each piece is a call of the system, which takes longer than all
 * else that is to be done for a short statement.
 */
function sendInOnePiece({ connection: { stream } }: pg.PoolClient): void {
  const uncork = stream.uncork.bind(stream)
  // The driver corks the stream for each statement.
  stream.uncork = () => process.nextTick(uncork)
}

/** A statement that was sent, and that nothing waits for yet. Until it is looked at, its failure is not an error that nobody takes. */
function sent<T>(answer: Promise<T>): Promise<T> {
  answer.catch(() => {})
  return answer
}

/** Sends what begins a transaction, together with what is sent next on the connection. */
function sendBegin(client: pg.PoolClient): Promise<unknown> {
  const { stream } = client.connection
  stream.cork()
  const begun = sent(control(() => client.query('begin')))
  stream.uncork()
  // Nothing more is to be done outside of a transaction.
  begun.catch(() => stream.destroy())
  return begun
}

/**
 * Runs `work` between begin and commit on a connection of its own.
 * @param work gets the statements whose answers it does not wait for into `last`: they are sent together with the commit
 * @param options.holdsFirst whether what it sends first, before it gets an answer, holds a row and changes nothing else. That is then
 *   sent together with the begin.
 */
async function inTransaction<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient, last: Promise<unknown>[]) => Promise<T | Unchanged<T>>,
  { holdsFirst }: { holdsFirst: boolean },
): Promise<T> {
  const client = await control(() => pool.connect())
  const last: Promise<unknown>[] = []
  try {
    const begun = sendBegin(client)
    if (!holdsFirst) await begun
    const result = await work(client, last)
    if (result instanceof Unchanged) {
      await control(() => client.query('rollback'))
      client.release()
      return result.result
    }
    const committed = sent(control(() => client.query('commit')))
    await Promise.all([begun, ...last])
    const { command } = await committed
    // Postgres answers so, and with no error, if a statement failed of whose failure nobody has taken notice.
    if (command !== 'COMMIT') throw new StoreError('a rollback', undefined, false)
    client.release()
    return result
  } catch (error) {
    const rolledBack = await client.query('rollback').then(
      () => true,
      () => false,
    )
    // A connection that cannot even roll back is thrown away; Postgres rolls back what it left.
    client.release(!rolledBack)
    // What failed first says why; what was sent behind it was refused because of that.
    await Promise.all(last).catch((first: unknown) => {
      throw storeError(first)
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
  inTransaction(
    pool,
    async (client) => {
      // An index over a large table takes longer than any request may, and so does waiting for another process that makes it.
      await client.query('set local statement_timeout = 0')
      await client.query('select pg_advisory_xact_lock($1)', [migrationLock])
      return migrate('postgres', migrationTarget(client), now)
    },
    { holdsFirst: false },
  )

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
    // Statements that do not wait for each other's answers are sent together.
    pipeline: true,
    // Also of a server that was idle while the database was moved away: whatever it does next needs a new connection.
    verify: (client, done) => void refuseMoved('postgres', migrationTarget(client)).then(() => done(), done),
  })
  pool.on('error', options.onIdleError)
  // A connection that is lost between two statements of a unit raises an error that, unheard, would end the process. The
  // unit's next statement fails.
  pool.on('connect', (client) => {
    client.on('error', () => {})
    sendInOnePiece(client)
  })

  const migrationsApplied = await migrateDatabase(pool, options.now()).catch(async (error: unknown) => {
    await pool.end()
    throw error
  })
  const reader = handle(pool)

  // One handle for each connection of the pool, as long as it lives.
  const handles = new WeakMap<pg.PoolClient, RowWriter>()
  const handleOf = (client: pg.PoolClient): RowWriter => {
    const known = handles.get(client)
    if (known) return known
    const made = handle(client)
    handles.set(client, made)
    return made
  }

  const announcements = new Announcements()
  const listener = createPostgresListener(poolOptions(listenUrl, bounds), announcements)
  const newAfterCommit = () =>
    new AfterCommit((announcement) => {
      announcements.tell(announcement.message)
      listener.tellOthers(announcement)
    })
  const txOf = (client: pg.PoolClient, afterCommit: AfterCommit, withCommit: Tx['withCommit']): Tx => ({
    ...handleOf(client),
    withCommit,
    afterCommit: (work) => afterCommit.add(work),
    async announce(message) {
      checkLength(message)
      await client.query(listener.notification(message))
      afterCommit.add(() => announcements.tell(message))
    },
    announceSoon: (announcement) => afterCommit.announceSoon(announcement),
  })

  async function writeAlone(work: Unit['work'], options: { holdsFirst: boolean }): Promise<AfterCommit> {
    for (let retries = 0; ; retries++) {
      try {
        let afterCommit = newAfterCommit()
        await inTransaction(
          pool,
          async (client, last) => {
            const withCommit = async (statements: readonly Promise<unknown>[]) =>
              void last.push(...statements.map(sent))
            const returned = await work(txOf(client, afterCommit, withCommit))
            if (returned instanceof Unchanged) afterCommit = newAfterCommit()
            return returned
          },
          options,
        )
        return afterCommit
      } catch (error) {
        if (!isToRunAgain(error) || retries === mostRetries) throw error
      }
    }
  }

  const runAlone = (unit: Unit, options: { holdsFirst: boolean }): Promise<void> =>
    writeAlone(unit.work, options).then(
      (afterCommit) => settle(unit, { ok: true, afterCommit }),
      (error: unknown) => settle(unit, { ok: false, error }),
    )

  /**
   * Runs one unit in a savepoint of the open transaction, so that its failure takes back nothing of the others'.
   * @param send sends a statement that nothing waits for before the commit
   */
  async function runInSavepoint(
    client: pg.PoolClient,
    unit: Unit,
    send: (statement: string) => void,
  ): Promise<Outcome> {
    const rollBack = 'rollback to unit; release unit'
    send('savepoint unit')
    const afterCommit = newAfterCommit()
    try {
      const returned = await unit.work(txOf(client, afterCommit, (statements) => Promise.all(statements)))
      const isUnchanged = returned instanceof Unchanged
      send(isUnchanged ? rollBack : 'release unit')
      return { ok: true, afterCommit: isUnchanged ? newAfterCommit() : afterCommit }
    } catch (error) {
      send(rollBack)
      return { ok: false, error: storeError(error) }
    }
  }

  /** No caller is answered before the commit. If the transaction is lost, every unit of it has failed. */
  async function runTogether(units: readonly Unit[]): Promise<void> {
    const options = { holdsFirst: true }
    const [first, ...others] = units
    if (first && others.length === 0) return runAlone(first, options)
    try {
      const outcomes = await inTransaction(
        pool,
        async (client, last) => {
          const outcomes: [Unit, Outcome][] = []
          const send = (statement: string) => void last.push(sent(control(() => client.query(statement))))
          for (const unit of units) outcomes.push([unit, await runInSavepoint(client, unit, send)])
          return outcomes
        },
        options,
      )
      for (const [unit, outcome] of outcomes) {
        if (!outcome.ok && isToRunAgain(outcome.error)) await runAlone(unit, options)
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
      return settled(work, (unit) =>
        options ? lines.add(options.line, unit) : void runAlone(unit, { holdsFirst: false }),
      )
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
