// Applies the migrations of `migrations/<engine>` that a database does not have yet.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { z } from 'zod'
import { packageFolder } from '../package-folder.ts'

export type Engine = 'sqlite' | 'postgres'

/** A connection inside a transaction that no other process can be in at the same time. */
export interface MigrationTarget {
  run(statement: string): Promise<void>
  /** Runs a query of one text column. */
  texts(query: string): Promise<string[]>
}

const history = 'limpet_migrations'

/** Which tables there are is asked of each engine in its own way; both answer with a column of names. */
export const tableNames: Readonly<Record<Engine, string>> = {
  sqlite: `select name from sqlite_master where type = 'table'`,
  postgres: `select table_name as name from information_schema.tables where table_schema = current_schema()`,
}

const folderOf = (engine: Engine) => join(packageFolder, 'migrations', engine)

const known = (engine: Engine) => readMigrationFiles({ migrationsFolder: folderOf(engine) })

const Journal = z.object({ entries: z.array(z.object({ tag: z.string() })) })

/** The names of all migrations, in order; the same for both engines. */
export const migrationNames = (engine: Engine): string[] =>
  Journal.parse(JSON.parse(readFileSync(`${folderOf(engine)}/meta/_journal.json`, 'utf8'))).entries.map(
    ({ tag }) => tag,
  )

/** The database has migrations that this version does not know: it was brought up to date by a newer one. */
class NewerDatabaseError extends Error {
  override name = 'NewerDatabaseError'

  constructor() {
    super(
      'The database was brought up to date by a newer version of Limpet, and this one would misread it. Run that version, or restore the backup of before the upgrade into an empty database.',
    )
  }
}

/**
 * Applies what is missing, in order; all of it or nothing, by the caller's transaction.
 * @param options.first how many of all migrations to apply, for a database as an older version had it
 * @returns how many migrations were applied
 * @throws NewerDatabaseError if the database is ahead of this version; nothing is changed then
 */
export async function migrate(
  engine: Engine,
  target: MigrationTarget,
  now: number,
  { first }: { first?: number } = {},
): Promise<number> {
  if ((await levelOf(engine, target)) === 'newer') throw new NewerDatabaseError()
  const wanted = new Set(
    known(engine)
      .slice(0, first)
      .map(({ hash }) => hash),
  )
  const missing = (await missingMigrations(engine, target)).filter(({ hash }) => wanted.has(hash))
  if (!(await target.texts(tableNames[engine])).includes(history))
    await target.run(`create table ${history} (hash text primary key, applied_at bigint not null)`)
  for (const { hash, sql } of missing) {
    for (const statement of sql) await target.run(statement)
    await target.run(`insert into ${history} (hash, applied_at) values ('${hash}', ${Math.trunc(now)})`)
  }
  return missing.length
}

/** The migrations that this version knows and the database does not have. */
export async function missingMigrations(engine: Engine, target: Pick<MigrationTarget, 'texts'>) {
  const applied = new Set(await appliedMigrations(engine, target))
  return known(engine).filter(({ hash }) => !applied.has(hash))
}

async function appliedMigrations(engine: Engine, target: Pick<MigrationTarget, 'texts'>): Promise<string[]> {
  const exists = (await target.texts(tableNames[engine])).includes(history)
  return exists ? target.texts(`select hash from ${history}`) : []
}

/** How a database stands to this version: `none` has no migration at all, `newer` has some that this version does not know. */
export type Level = 'none' | 'older' | 'current' | 'newer'

export async function levelOf(engine: Engine, target: Pick<MigrationTarget, 'texts'>): Promise<Level> {
  const applied = await appliedMigrations(engine, target)
  if (applied.length === 0) return 'none'
  const all = known(engine).map(({ hash }) => hash)
  if (applied.some((hash) => !all.includes(hash))) return 'newer'
  return applied.length === all.length ? 'current' : 'older'
}

/** The statement that takes the history of migrations away, so that they can begin anew. */
export const forgetMigrations = `drop table if exists ${history}`
