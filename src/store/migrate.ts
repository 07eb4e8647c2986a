// Applies the migrations of `migrations/<engine>` that a database does not have yet.
import { fileURLToPath } from 'node:url'
import { readMigrationFiles } from 'drizzle-orm/migrator'

export type Engine = 'sqlite' | 'postgres'

/** A connection inside a transaction that no other process can be in at the same time. */
export interface MigrationTarget {
  run(statement: string): Promise<void>
  /** Runs a query of one text column. */
  texts(query: string): Promise<string[]>
}

const history = 'limpet_migrations'

/** Whether a table exists is asked of each engine in its own way; both answer with a name, or nothing. */
const historyExists: Record<Engine, string> = {
  sqlite: `select name from sqlite_master where type = 'table' and name = '${history}'`,
  postgres: `select table_name from information_schema.tables where table_schema = current_schema() and table_name = '${history}'`,
}

const known = (engine: Engine) =>
  readMigrationFiles({
    migrationsFolder: fileURLToPath(new URL(`../../migrations/${engine}`, import.meta.url)),
  })

/**
 * Applies what is missing, in order; all of it or nothing, by the caller's transaction.
 * @returns how many migrations were applied
 */
export async function migrate(engine: Engine, target: MigrationTarget, now: number): Promise<number> {
  const missing = await missingMigrations(engine, target)
  if ((await target.texts(historyExists[engine])).length === 0)
    await target.run(`create table ${history} (hash text primary key, applied_at bigint not null)`)
  for (const { hash, sql } of missing) {
    for (const statement of sql) await target.run(statement)
    await target.run(`insert into ${history} (hash, applied_at) values ('${hash}', ${Math.trunc(now)})`)
  }
  return missing.length
}

/** The migrations that this version knows and the database does not have. */
export async function missingMigrations(engine: Engine, target: Pick<MigrationTarget, 'texts'>) {
  const exists = (await target.texts(historyExists[engine])).length > 0
  const applied = new Set(exists ? await target.texts(`select hash from ${history}`) : [])
  return known(engine).filter(({ hash }) => !applied.has(hash))
}
