// The operator's commands for backups: backup, restore, verify.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { systemClock } from '../clock.ts'
import { toTimestamp } from '../domain/encoding.ts'
import { fingerprintOf } from '../domain/identity/opaque-setup.ts'
import { type Config, readConfig } from '../server/config.ts'
import { presentOpaqueSetup } from '../server/own-secrets.ts'
import type { BulkConnection } from '../store/bulk.ts'
import { migrate, migrationNames } from '../store/migrate.ts'
import type { DatabaseUrl } from '../store/open.ts'
import { allTables, tablesInBackups } from '../store/shape.ts'
import { CliError } from '../terminal/exit-codes.ts'
import { writeNewFile } from '../terminal/new-file.ts'
import { pipe, print, printJson, printsToTerminal, remark } from '../terminal/output.ts'
import { type Report, withProgress } from '../terminal/progress.ts'
import { table } from '../terminal/table.ts'
import { counted, localTime, safeLine } from '../terminal/text.ts'
import { formatFileSize } from '../units.ts'
import { version } from '../version.ts'
import {
  type Backup,
  type Digests,
  encodeBackup,
  type Header,
  rowsOf,
  sameDigests,
  withBackup,
} from './backup-file.ts'
import { command, json } from './command.ts'
import { countFilesElsewhere, findDamage, findMissingObjects } from './database-damage.ts'
import { settleRestored } from './restore-steps.ts'
import { countAll, digestAll, fillEmpty, nameOf, onSnapshot, readAll, rowCounter } from './whole-database.ts'

/** What takes the bytes of a backup. @returns how many there were */
type Taker = (content: AsyncIterable<Uint8Array>) => Promise<number>

async function writeBackup(database: DatabaseUrl, take: Taker) {
  return onSnapshot(database, async (snapshot) => {
    const header: Header = {
      limpetBackup: 1,
      limpet: version,
      createdAt: toTimestamp(systemClock.now()),
      engine: snapshot.engine,
      migration: migrationNames(snapshot.engine).at(-1) ?? '',
      tables: tablesInBackups.map(({ name, columns }) => ({ name, columns: [...columns] })),
    }
    const total = await countAll(snapshot, tablesInBackups)
    let tables: Digests = {}
    const bytes = await withProgress('Backing up', (report) => {
      const content = encodeBackup(
        header,
        counting(readAll(snapshot, tablesInBackups), total, report),
        (digests) => {
          tables = digests
        },
      )
      return take(content)
    })
    const { createdAt, engine, migration } = header
    const filesElsewhere = await countFilesElsewhere(snapshot)
    return { bytes, createdAt, engine, migration, tables, filesElsewhere }
  })
}

/** The same batches, told of as they go by. */
async function* counting<Batch extends { rows: readonly unknown[] }>(
  batches: AsyncIterable<Batch>,
  total: number,
  report: Report,
): AsyncIterable<Batch> {
  const count = rowCounter(total, report)
  for await (const batch of batches) {
    yield batch
    count(batch.rows.length)
  }
}

export const backup = command({
  name: 'backup',
  operands: ['FILE'],
  summary: 'write the database as it is at this moment to one file, while servers go on',
  details:
    'The file is complete or not there; - is standard output, for a pipe. It restores into either engine. The OPAQUE setup is not in it: keep that too, or nobody can log in to what was restored.',
  example: 'limpet-server backup /var/backups/limpet-$(date +%F).limpet',
  options: { force: { type: 'boolean', help: 'replaces a file that is there already' }, json },
  async run(_surroundings, [file = ''], { force = false, json }) {
    const isPiped = file === '-'
    if (isPiped && (json || printsToTerminal()))
      throw new CliError(
        'usage',
        'With - the backup goes to standard output: into a pipe or a file, and without --json.',
      )
    const { database } = readConfig()
    const written = await writeBackup(
      database,
      isPiped ? pipe : (content) => writeNewFile(file, content, { force }),
    )
    if (json) return printJson({ file: resolve(file), ...written })
    remark(
      `${isPiped ? 'The backup' : safeLine(file)}: ${counted(rowsOf(written.tables), 'row')}, ${formatFileSize(written.bytes)}. "limpet-server verify FILE" tries whether it can be restored.`,
    )
    if (written.filesElsewhere > 0)
      remark(
        `${counted(written.filesElsewhere, 'file')} in the S3-compatible store ${written.filesElsewhere === 1 ? 'is' : 'are'} not in it: keep versions of the bucket, or copy it (docs/operations.md).`,
      )
  },
})

/** How many migrations a database had that was backed up. */
function levelOfBackup({ file, header }: Backup, engine: DatabaseUrl['engine']): number {
  const index = migrationNames(engine).indexOf(header.migration)
  if (index >= 0) return index + 1
  throw new CliError(
    'refused',
    `${safeLine(file)} was made by Limpet ${safeLine(header.limpet)}, whose database this version (${version}) does not know. Restore it with that version or a later one. Nothing was changed.`,
  )
}

/** Puts the rows of a backup into a database without tables, and brings that up to date. @returns the rows' digests */
async function insertBackup(
  connection: BulkConnection,
  source: Backup,
  report: Report,
  now: number,
): Promise<Digests> {
  const { engine } = connection
  // The tables are first made as they were when the backup was, and then changed as they were since.
  await migrate(engine, connection, now, { first: levelOfBackup(source, engine) })
  const batches = source.batches()
  let done = 0
  let next = await batches.next()
  for (; !next.done; next = await batches.next()) {
    const { table, rows } = next.value
    await connection.insert(table, rows)
    done += rows.length
    report(`${done.toLocaleString('en')} rows`)
  }
  if (!sameDigests(await digestAll(connection, source.header.tables), next.value))
    throw new Error('What the database took is not what was given to it. Nothing was changed.')
  await migrate(engine, connection, now)
  return next.value
}

/** Says what the operator has to do about the secret that is in no backup. */
function remarkOnSetup(config: Config, fingerprint: string | null): boolean {
  if (fingerprint === null) return true
  const setup = presentOpaqueSetup(config)
  const isSame = setup !== undefined && fingerprintOf(setup) === fingerprint
  if (!isSame)
    remark(
      `The OPAQUE setup of this server ${setup === undefined ? 'is missing' : 'is another one'}. It is in no backup: put back the OPAQUE_SERVER_SETUP, or the file opaque-setup beside the SQLite file, of the server that was backed up. Without it nobody can log in.`,
    )
  return isSame
}

export const restore = command({
  name: 'restore',
  operands: ['FILE'],
  summary: 'fill an empty database with a backup, of either engine',
  details:
    'All of it or nothing. No server may run on the database. Everybody logs in again, clients compare what they have and put back what is newer, and one-time links that were not yet read are gone. Personal access tokens and open invites end, because the backup cannot know which of them were revoked or used since.',
  example: 'DATABASE_URL=postgres://limpet@db/limpet limpet-server restore limpet-2026-03-01.limpet',
  options: {
    'keep-access': {
      type: 'boolean',
      help: 'leaves personal access tokens and invites as they were, also those that ended since',
    },
    json,
  },
  async run(_surroundings, [file = ''], values) {
    const config = readConfig()
    const { database } = config
    const now = systemClock.now()
    const restored = await withBackup(file, async (source) => {
      levelOfBackup(source, database.engine)
      return withProgress('Restoring', (report) =>
        fillEmpty(database, async (connection) => {
          await insertBackup(connection, source, report, now)
          const { db, tables } = connection.tx
          const changed = await settleRestored(connection.tx, {
            now,
            keepAccess: values['keep-access'] ?? false,
          })
          const [instance] = await db.select().from(tables.instance)
          return { header: source.header, changed, fingerprint: instance?.opaqueFingerprint ?? null }
        }),
      )
    })
    const { createdAt, limpet } = restored.header
    const {
      personalTokens = 0,
      invites = 0,
      shares = 0,
      sends = 0,
      bitwardenAccounts: apiKeys = 0,
    } = restored.changed
    const opaqueSetupFits = remarkOnSetup(config, restored.fingerprint)
    if (values.json) {
      const ended = { personalTokens, invites, shares, sends, apiKeys }
      return printJson({
        file: resolve(file),
        createdAt,
        limpet,
        database: nameOf(database),
        ended,
        opaqueSetupFits,
      })
    }
    remark(`${nameOf(database)} is as it was on ${localTime(createdAt)}.`)
    remark(
      `Everybody logs in again. Ended: ${counted(personalTokens, 'personal access token')}, ${counted(invites, 'open invite')}, ${counted(shares, 'one-time link')}.`,
    )
    if (apiKeys > 0)
      remark(`Ended: ${counted(apiKeys, 'API key')} of Bitwarden's apps. Their owners can make new ones.`)
    if (sends > 0) remark(`Disabled: ${counted(sends, 'Send')}. Their owners can enable them again.`)
  },
})

interface Verified {
  readonly subject: { database: string } | { file: string; createdAt: string; limpet: string }
  /** The last migration of the database, or of the one that was backed up. */
  readonly migration: string
  readonly tables: Digests
  readonly damage: readonly string[]
}

const verifyDatabase = ({ database, s3 }: Config): Promise<Verified> =>
  onSnapshot(database, async (snapshot) => {
    const total = await countAll(snapshot, allTables)
    return withProgress('Reading the database', async (report) => ({
      subject: { database: nameOf(database) },
      migration: migrationNames(snapshot.engine).at(-1) ?? '',
      tables: await digestAll(snapshot, allTables, rowCounter(total, report)),
      damage: [...(await findDamage(snapshot)), ...(await findMissingObjects(snapshot, s3))],
    }))
  })

/** A backup is good where it can be restored: this does so, into a file that is deleted again. */
const verifyBackup = (file: string): Promise<Verified> =>
  withBackup(file, async (source) => {
    const { createdAt, limpet, migration } = source.header
    const folder = await mkdtemp(join(tmpdir(), 'limpet-verify-'))
    try {
      return await withProgress('Restoring it for a look', (report) =>
        fillEmpty({ engine: 'sqlite', file: join(folder, 'limpet.db') }, async (connection) => ({
          subject: { file: resolve(file), createdAt, limpet },
          migration,
          tables: await insertBackup(connection, source, report, systemClock.now()),
          damage: await findDamage(connection),
        })),
      )
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

export const verify = command({
  name: 'verify',
  operands: ['[FILE]'],
  summary: 'look for damage in the database, or in a backup, and print a digest of each table',
  details:
    'Two databases with equal digests hold the same, whatever their engines. A backup is restored into a temporary file for this.',
  example: 'limpet-server verify limpet-2026-03-01.limpet',
  options: { json },
  async run(_surroundings, [file], { json }) {
    const { subject, migration, tables, damage } = await (file === undefined
      ? verifyDatabase(readConfig())
      : verifyBackup(file))
    if (json) printJson({ ...subject, migration, tables, damage })
    else {
      const lines = Object.entries(tables).map(([name, { rows, digest }]) => [name, String(rows), digest])
      print(...table(['TABLE', 'ROWS', 'DIGEST'], lines, { whole: ['DIGEST'] }))
      for (const sentence of damage) remark(sentence)
    }
    if (damage.length > 0)
      throw new CliError(
        'refused',
        `Found damage: ${counted(damage.length, 'kind')}. Restore a backup of before.`,
      )
    if (!json)
      remark(file === undefined ? 'No damage was found.' : 'No damage was found: it can be restored.')
  },
})
