// What is between Limpet and its Postgres, for `limpet-server doctor`.
import pg from 'pg'
import { poolOptions } from './postgres.ts'
import { control, storeError } from './postgres-errors.ts'

export interface PostgresExamination {
  /** Such as "17.2". */
  readonly version: string
  /** The database's clock, in milliseconds since 1970; and this process's, at the same time. */
  readonly clock: number
  readonly now: number
  /** Whether something else answers in the server's name, such as PgBouncer. */
  readonly isPooled: boolean
  /** Whether a prepared statement is still known in the next transaction, whichever connection that gets. */
  readonly keepsStatements: boolean
}

/** Connects as the server does, and looks around. Throws a StoreError. */
export async function examinePostgres(url: string): Promise<PostgresExamination> {
  const connect = async () => {
    const client = new pg.Client(poolOptions(url))
    client.on('error', () => {})
    await control(() => client.connect())
    return client
  }
  const [one, other] = [await connect(), await connect()]
  const text = async (client: pg.Client, query: string) => {
    const { rows } = await control(() => client.query<[string], []>({ text: query, rowMode: 'array' }))
    return rows[0]?.[0] ?? ''
  }
  try {
    const began = Date.now()
    const clock = Number(
      await text(one, 'select (extract(epoch from clock_timestamp()) * 1000)::bigint::text'),
    )
    const now = (began + Date.now()) / 2
    // A pooler gives out process ids of its own.
    const told = 'processID' in one ? one.processID : undefined
    const isPooled = (await text(one, 'select pg_backend_pid()::text')) !== String(told)
    return {
      version: await text(one, 'show server_version'),
      clock,
      now,
      isPooled,
      keepsStatements: await keepsStatements(one, other),
    }
  } finally {
    await Promise.allSettled([one.end(), other.end()])
  }
}

/** How long an announcement may take. */
const announcementMs = 2000

/**
 * Whether a connection hears what another one announces (LISTEN and NOTIFY): through a pooler it does not.
 * @param url of the connection that announces
 * @param listenUrl of the connection that listens
 */
export async function hearsAnnouncements(url: string, listenUrl: string): Promise<boolean> {
  const announcing = new pg.Client(poolOptions(url))
  const listening = new pg.Client(poolOptions(listenUrl))
  for (const client of [announcing, listening]) client.on('error', () => {})
  let timer: NodeJS.Timeout | undefined
  try {
    await Promise.all([announcing.connect(), listening.connect()])
    const heard = new Promise<boolean>((resolve) => {
      listening.once('notification', () => resolve(true))
      timer = setTimeout(() => resolve(false), announcementMs)
    })
    await listening.query('listen limpet_doctor')
    await announcing.query('notify limpet_doctor')
    return await heard
  } catch {
    return false
  } finally {
    clearTimeout(timer)
    await Promise.allSettled([announcing.end(), listening.end()])
  }
}

/** Prepares a statement, lets another client take the connection that it was prepared on, and runs it again. */
async function keepsStatements(one: pg.Client, other: pg.Client): Promise<boolean> {
  const prepared = { name: 'limpet_doctor', text: 'select 1 as one' }
  try {
    await one.query(prepared)
    await other.query('begin')
    await other.query('select 1')
    await one.query(prepared)
    await other.query('rollback')
    return true
  } catch (error) {
    // 26000: the statement does not exist; 42P05: another client's has its name.
    if (error instanceof pg.DatabaseError && (error.code === '26000' || error.code === '42P05')) return false
    throw storeError(error)
  }
}
