// The column kinds that both engines share; the only file that knows either dialect's column builders.
import * as postgres from 'drizzle-orm/pg-core'
import * as sqlite from 'drizzle-orm/sqlite-core'

const bytea = postgres.customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'bytea' })
const blob = sqlite.customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'blob' })

/** What a table consists of: columns, foreign keys. Both kits define the same, so asking one of them is enough. */
export const configOf = postgres.getTableConfig

export const postgresColumns = {
  table: postgres.pgTable,
  primaryKey: postgres.primaryKey,
  foreignKey: postgres.foreignKey,
  index: postgres.index,
  text: (name: string) => postgres.text(name),
  /** A whole number within ±2^53. */
  whole: (name: string) => postgres.bigint(name, { mode: 'number' }),
  /** Milliseconds since 1970 in UTC, so that both engines keep, order and return exactly the same. */
  time: (name: string) => postgres.bigint(name, { mode: 'number' }),
  flag: (name: string) => postgres.boolean(name),
  bytes: (name: string) => bytea(name),
}

export type Columns = typeof postgresColumns

export const sqliteColumns = {
  table: sqlite.sqliteTable,
  primaryKey: sqlite.primaryKey,
  foreignKey: sqlite.foreignKey,
  index: sqlite.index,
  text: (name: string) => sqlite.text(name),
  whole: (name: string) => sqlite.integer(name, { mode: 'number' }),
  time: (name: string) => sqlite.integer(name, { mode: 'number' }),
  flag: (name: string) => sqlite.integer(name, { mode: 'boolean' }),
  bytes: (name: string) => blob(name),
}
