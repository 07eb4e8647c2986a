// The database: whether it answers, fits this version, keeps what it is told, and has room.
import { existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { minutes, seconds, systemClock } from '../../clock.ts'
import { waitingMail } from '../../domain/mail/outbox.ts'
import type { Config } from '../../server/config.ts'
import type { BulkConnection } from '../../store/bulk.ts'
import { levelOf } from '../../store/migrate.ts'
import { readMark } from '../../store/move-mark.ts'
import { connectBulk } from '../../store/open.ts'
import { examinePostgres, hearsAnnouncements } from '../../store/postgres-examination.ts'
import { StoreError } from '../../store/store.ts'
import { counted } from '../../terminal/text.ts'
import { nameOf } from '../whole-database.ts'
import { error, type Finding, ok, warning } from './finding.ts'

const gibibyte = 1024 ** 3

export interface DatabaseCheckup {
  readonly findings: readonly Finding[]
  /** Of the OPAQUE setup; undefined where the database was not reached. */
  readonly fingerprint: string | null | undefined
}

async function checkState(connection: BulkConnection): Promise<Finding> {
  const mark = await readMark(connection.engine, connection)
  if (mark)
    return error(
      'migrations',
      `The database ${mark.state === 'moved' ? 'was moved' : 'is being moved'} to ${mark.destination}; no server starts on it.`,
      mark.state === 'moved'
        ? 'Set DATABASE_URL to where it was moved to.'
        : 'Run the same "limpet-server move" again.',
    )
  const level = await levelOf(connection.engine, connection)
  if (level === 'none')
    return warning(
      'migrations',
      'The database is empty.',
      'The first start fills it, or "limpet-server migrate".',
    )
  if (level === 'older')
    return warning(
      'migrations',
      'The database lacks migrations of this version.',
      'Back it up with the version that serves it; the next start, or "limpet-server migrate", brings it up to date.',
    )
  return level === 'newer'
    ? error(
        'migrations',
        'The database was brought up to date by a newer version of Limpet.',
        'Run that version, or restore the backup of before the upgrade into an empty database.',
      )
    : ok('migrations', 'The database has every migration of this version.')
}

async function fingerprintOf(connection: BulkConnection): Promise<string | null> {
  if ((await levelOf(connection.engine, connection)) !== 'current') return null
  const { db, tables } = connection.tx
  const [row] = await db.select().from(tables.instance)
  return row?.opaqueFingerprint ?? null
}

/** The number of mails that wait, which strangers are not told. */
async function mailFindings(connection: BulkConnection): Promise<Finding[]> {
  if ((await levelOf(connection.engine, connection)) !== 'current') return []
  const { waiting, since } = await waitingMail(connection.tx)
  if (since === null) return [ok('outbox', 'No mail waits.')]
  const text = `${counted(waiting, 'mail')} ${waiting === 1 ? 'waits' : 'wait'} to be sent, the oldest since ${new Date(since).toISOString()}.`
  return systemClock.now() - since > minutes(1)
    ? [
        warning(
          'outbox',
          text,
          'Look at what "mail" says here, and for "mail waits" in the log of the server.',
        ),
      ]
    : [ok('outbox', text)]
}

const differenceText = (ms: number) => `${(Math.abs(ms) / 1000).toFixed(1)} seconds`

/** @param difference in milliseconds */
export const checkClock = (check: string, whose: string, difference: number, exactTo: number): Finding =>
  Math.abs(difference) <= exactTo
    ? ok(check, `${whose} and the one of this machine agree.`)
    : warning(
        check,
        `${whose} and the one of this machine are ${differenceText(difference)} apart.`,
        'Let both be set over the network, by chrony or systemd-timesyncd: expiry and rate limits depend on it.',
      )

const privateHost = /^(localhost|127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|\[::1\]|\[f[cd]|[^.]+$)/

function checkEncryption(url: string): Finding {
  const { hostname, searchParams } = new URL(url)
  const mode = searchParams.get('sslmode')
  if (hostname === '' || privateHost.test(hostname) || (mode !== null && mode !== 'disable'))
    return ok('database-tls', 'The way to the database is private or encrypted.')
  return warning(
    'database-tls',
    'The way to the database goes over a network and is not encrypted.',
    'Add ?sslmode=verify-full to DATABASE_URL.',
  )
}

async function checkAnnouncements(url: string, listenUrl: string | undefined): Promise<Finding> {
  return (await hearsAnnouncements(url, listenUrl ?? url))
    ? ok(
        'announcements',
        'Servers on this database hear each other: streams of events tell at once what another server has written.',
      )
    : warning(
        'announcements',
        'Servers on this database do not hear each other: what ends on one of them is refused by the others a moment later, and clients that follow a stream of events on the others learn of a change up to a minute later.',
        listenUrl === undefined
          ? 'Set DATABASE_LISTEN_URL to Postgres itself, past the pooler.'
          : 'Is DATABASE_LISTEN_URL right? It has to name the same database, and no pooler.',
      )
}

async function checkPostgres(url: string, listenUrl: string | undefined): Promise<Finding[]> {
  const { clock, isPooled, keepsStatements, now, version } = await examinePostgres(url)
  const major = Number.parseInt(version, 10)
  const pooler = isPooled
    ? keepsStatements
      ? ok('pooler', 'A pooler is between Limpet and Postgres, and keeps prepared statements.')
      : error(
          'pooler',
          'A pooler is between Limpet and Postgres that forgets prepared statements between transactions: requests will fail.',
          'Use PgBouncer 1.21 or later with max_prepared_statements above 0, or pool_mode = session.',
        )
    : ok('pooler', 'Nothing is between Limpet and Postgres.')
  return [
    major >= 14
      ? ok('database-version', `Postgres ${version}.`)
      : warning(
          'database-version',
          `Postgres ${version} gets no corrections any more.`,
          'Use Postgres 14 or later.',
        ),
    checkEncryption(url),
    checkClock('database-clock', "The database's clock", clock - now, seconds(2)),
    pooler,
    await checkAnnouncements(url, listenUrl),
  ]
}

async function checkDisk(file: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(dirname(file))
  const free = bavail * bsize
  const text = `${(free / gibibyte).toFixed(1)} GiB are free where the database is.`
  if (free >= gibibyte) return ok('disk', text)
  const remedy = 'Make room: a full disk refuses every write.'
  return free < gibibyte / 8 ? error('disk', text, remedy) : warning('disk', text, remedy)
}

/** What PgBouncer says of a parameter that it does not know stands in the words of its error, which the store keeps for itself. */
const refusesParameters = (code: string) => code === '08P01'

function unreachable(config: Config, code: string): Finding {
  if (refusesParameters(code))
    return error(
      'database',
      `${nameOf(config.database)} refuses how Limpet connects (${code}), as PgBouncer does.`,
      "In pgbouncer.ini: ignore_startup_parameters = statement_timeout,idle_in_transaction_session_timeout. Set these two for the role instead: alter role … set statement_timeout = '30s'.",
    )
  return error(
    'database',
    `The database ${nameOf(config.database)} cannot be used (${code}).`,
    'Is DATABASE_URL right, and is the database running and writable?',
  )
}

export async function checkDatabase(config: Config): Promise<DatabaseCheckup> {
  const { database } = config
  if (database.engine === 'sqlite' && !existsSync(database.file))
    return {
      findings: [
        warning(
          'database',
          `There is no database at ${nameOf(database)} yet.`,
          'The first start makes it. If there should be one: run this with the environment and in the folder of the server.',
        ),
      ],
      fingerprint: undefined,
    }
  try {
    // First, because it connects exactly as the server does.
    const engine =
      database.engine === 'postgres'
        ? await checkPostgres(database.url, database.listenUrl)
        : [await checkDisk(database.file)]
    const connection = await connectBulk(database)
    try {
      await connection.beginSnapshot()
      const findings = [
        ok('database', `${nameOf(database)} answers.`),
        ...engine,
        await checkState(connection),
        ...(await mailFindings(connection)),
      ]
      return { findings, fingerprint: await fingerprintOf(connection) }
    } finally {
      await connection.close()
    }
  } catch (failure) {
    if (!(failure instanceof StoreError)) throw failure
    return { findings: [unreachable(config, failure.code)], fingerprint: undefined }
  }
}
