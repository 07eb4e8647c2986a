// The operator's command that moves a server's database to another engine or place.
import { existsSync } from 'node:fs'
import { systemClock } from '../clock.ts'
import { readConfig } from '../server/config.ts'
import { keptSecretFiles } from '../server/own-secrets.ts'
import { databaseFrom } from '../server/setting-forms.ts'
import type { BulkConnection } from '../store/bulk.ts'
import { encodeRow, RunningDigest } from '../store/digest.ts'
import { migrate } from '../store/migrate.ts'
import { readMark, removeMark, setMark } from '../store/move-mark.ts'
import type { DatabaseUrl } from '../store/open.ts'
import { allTables, emptyTable, tablesLeftOut } from '../store/shape.ts'
import { CliError } from '../terminal/exit-codes.ts'
import { print, printJson, remark } from '../terminal/output.ts'
import { withProgress } from '../terminal/progress.ts'
import { table } from '../terminal/table.ts'
import { counted } from '../terminal/text.ts'
import { type Digests, rowsOf, sameDigests } from './backup-file.ts'
import { command, json, requireDatabase } from './command.ts'
import { settleRestored } from './restore-steps.ts'
import {
  countAll,
  digestAll,
  fillEmpty,
  NotEmptyError,
  nameOf,
  requireCurrent,
  rowCounter,
  withConnection,
} from './whole-database.ts'

function databaseOf(option: string, text: string): DatabaseUrl {
  const database = databaseFrom(text)
  if (!database)
    throw new CliError(
      'usage',
      `--${option} takes file:PATH of an SQLite file or postgres://user@host:port/database.`,
    )
  if (database.engine === 'postgres' && new URL(database.url).password !== '')
    remark(
      `The password in --${option} can be seen by every user of this machine while this runs. Leave it out, and give it as PGPASSWORD or in a file of PGPASSFILE.`,
    )
  return database
}

type Count = (rows: number) => void

/** Copies every row into tables that were just made. @returns the digests of what was read and of what is there now */
async function copy(source: BulkConnection, target: BulkConnection, count: Count): Promise<Digests> {
  await migrate(target.engine, target, systemClock.now())
  const read: Record<string, RunningDigest> = {}
  for (const shape of allTables) {
    const digest = new RunningDigest()
    for await (const rows of source.read(shape)) {
      for (const row of rows) digest.add(encodeRow(row))
      await target.insert(shape, rows)
      count(rows.length)
    }
    read[shape.name] = digest
  }
  const given = Object.fromEntries(Object.entries(read).map(([name, digest]) => [name, digest.value]))
  if (!sameDigests(given, await digestAll(target, allTables, count)))
    throw new CliError(
      'refused',
      'What the new database took is not what the old one holds. Nothing was moved; the old one is as it was.',
    )
  return given
}

/** Whether an earlier run, which did not come to mark its end, had copied everything. */
async function isCopied(source: BulkConnection, to: DatabaseUrl): Promise<Digests | undefined> {
  const [given, taken] = await withConnection(to, async (target) => {
    await target.beginAlone()
    await requireCurrent(target, to)
    return [await digestAll(source, allTables), await digestAll(target, allTables)] as const
  })
  return sameDigests(given, taken) ? given : undefined
}

/** Moves everything; the source is marked before the first row is read. */
async function moveAll(from: DatabaseUrl, to: DatabaseUrl): Promise<Digests> {
  return withConnection(from, async (source) => {
    const destination = nameOf(to)
    await source.beginAlone()
    await requireCurrent(source, from)
    const mark = await readMark(source.engine, source)
    if (mark?.state === 'moved' || (mark && mark.destination !== destination))
      throw new CliError(
        'conflict',
        `${nameOf(from)} ${mark.state === 'moved' ? 'was moved' : 'is being moved'} to ${mark.destination}. Nothing was changed.`,
      )
    await setMark(source, { state: 'moving', destination })
    await source.run('commit')
    let complete = false
    let digests: Digests
    try {
      // A process that came in between has seen the mark, or is seen now.
      await source.beginAlone()
      const total = await countAll(source, allTables)
      digests = await withProgress('Moving', (report) =>
        fillEmpty(to, async (target) => {
          const copied = await copy(source, target, rowCounter(2 * total, report))
          complete = true
          return copied
        }),
      )
    } catch (error) {
      const copied = mark && error instanceof NotEmptyError ? await isCopied(source, to) : undefined
      if (!copied) {
        await source.run('rollback').catch(() => {})
        // An earlier run's mark stays, and so does one whose copy may have been committed: only running again shows.
        if (!mark && !complete) await removeMark(source)
        throw error
      }
      digests = copied
    }
    await setMark(source, { state: 'moved', destination })
    await source.run('commit')
    return digests
  })
}

/** Makes a source usable again. What happened at the destination is not known here, so it counts as a backup of that moment. */
async function undo(from: DatabaseUrl): Promise<void> {
  await withConnection(from, async (source) => {
    await source.beginAlone()
    await requireCurrent(source, from)
    if (!(await readMark(source.engine, source)))
      throw new CliError('conflict', `${nameOf(from)} was not moved: there is nothing to undo.`)
    for (const { name } of tablesLeftOut.toReversed()) await source.run(emptyTable({ name }))
    await settleRestored(source.tx, { now: systemClock.now(), keepAccess: false })
    await removeMark(source)
    await source.run('commit')
  })
}

function remarkOnSecrets(from: DatabaseUrl, to: DatabaseUrl) {
  const kept = from.engine === 'sqlite' ? Object.values(keptSecretFiles(from.file)).filter(existsSync) : []
  if (kept.length > 0 && to.engine === 'postgres')
    remark(
      `The new server needs the secrets of the old one: JWT_SECRET_FILE and OPAQUE_SERVER_SETUP_FILE can name ${kept.join(' and ')}. Without the second nobody can log in.`,
    )
}

export const move = command({
  name: 'move',
  operands: [],
  summary: 'move the database, from SQLite to Postgres or back, with everything in it',
  details:
    'Stop the servers first. Everything goes: nobody logs in again, and clients notice nothing. The old database stays, marked, and no server starts on it any more. What is interrupted is run again. --undo takes the mark away; as the new database may have been used meanwhile, that counts as restoring a backup: sessions, tokens and one-time links end there.',
  example: 'limpet-server move --from file:data/limpet.db --to postgres://limpet@db/limpet',
  options: {
    from: {
      type: 'string',
      value: 'URL',
      help: 'the database to move; that of DATABASE_URL unless said otherwise',
    },
    to: { type: 'string', value: 'URL', help: 'an empty database, or a path where there is no file' },
    undo: { type: 'boolean', help: 'goes back to the database that was moved' },
    json,
  },
  async run(_surroundings, _operands, values) {
    if ((values.to === undefined) !== (values.undo ?? false))
      throw new CliError('usage', '"limpet-server move" takes either --to or --undo.')
    const to = values.to === undefined ? undefined : databaseOf('to', values.to)
    const from = values.from === undefined ? readConfig().database : databaseOf('from', values.from)
    requireDatabase(from)
    if (to === undefined) {
      await undo(from)
      if (values.json) return printJson({ from: nameOf(from), undone: true })
      return remark(
        `Servers may start on ${nameOf(from)} again. Everybody logs in again. Nothing may be served from where it was moved to.`,
      )
    }
    if (nameOf(from) === nameOf(to))
      throw new CliError('usage', 'That is the same database twice. Nothing was changed.')
    const tables = await moveAll(from, to)
    if (values.json) return printJson({ from: nameOf(from), to: nameOf(to), tables })
    print(
      ...table(
        ['TABLE', 'ROWS', 'DIGEST'],
        Object.entries(tables).map(([name, { rows, digest }]) => [name, String(rows), digest]),
      ),
    )
    remark(
      `Moved ${counted(rowsOf(tables), 'row')}; both databases hold the same. Set DATABASE_URL to ${nameOf(to)} and start the servers.`,
    )
    remarkOnSecrets(from, to)
    remark(
      `No server starts on ${nameOf(from)} any more. Delete it once you trust the new one: it holds everything, and one-time secrets that will have been read.`,
    )
  },
})
