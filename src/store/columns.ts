// The column kinds that both engines share; the only file that knows either dialect's column builders.
import { type BuildColumns, type BuildExtraConfigColumns, is, type SQL, sql } from 'drizzle-orm'
import * as postgres from 'drizzle-orm/pg-core'
import * as sqlite from 'drizzle-orm/sqlite-core'
import { type Lifecycle, withLifecycle } from './table.ts'

const bytea = postgres.customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'bytea' })
const blob = sqlite.customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'blob' })

/** What a table consists of: columns, foreign keys. Both kits define the same, so asking one of them is enough. */
export const configOf = postgres.getTableConfig

type PostgresColumns = Record<string, postgres.PgColumnBuilderBase>
type SqliteColumns = Record<string, sqlite.SQLiteColumnBuilderBase>

/** A table: its columns, what a backup does with it, and when its rows run out. */
interface PostgresTable<Name extends string, Columns extends PostgresColumns>
  extends Lifecycle<NoInfer<keyof Columns & string>> {
  readonly columns: Columns
  /** Keys over several columns, and indexes. */
  readonly keys?: (table: BuildExtraConfigColumns<Name, Columns, 'pg'>) => postgres.PgTableExtraConfigValue[]
}

interface SqliteTable<Name extends string, Columns extends SqliteColumns>
  extends Lifecycle<NoInfer<keyof Columns & string>> {
  readonly columns: Columns
  readonly keys?: (table: BuildColumns<Name, Columns, 'sqlite'>) => sqlite.SQLiteTableExtraConfigValue[]
}

/** A column that others can refer to. */
export type ColumnOfTable = postgres.AnyPgColumn

/** Bytes that are UTF-8 as text: SQLite says it in another way than Postgres. */
export const textIn = (column: ColumnOfTable): SQL<string> =>
  is(column, sqlite.SQLiteColumn) ? sql`cast(${column} as text)` : sql`convert_from(${column}, 'UTF8')`

const asArray = { mapToDriverValue: (texts: unknown) => texts }
const asJson = { mapToDriverValue: (texts: unknown) => JSON.stringify(texts) }

/** Whether a column is one of the texts that a placeholder stands for. */
export const amongTexts = (column: ColumnOfTable, placeholder: string): SQL =>
  is(column, sqlite.SQLiteColumn)
    ? sql`${column} in (select value from json_each(${sql.param(sql.placeholder(placeholder), asJson)}))`
    : sql`${column} = any(${sql.param(sql.placeholder(placeholder), asArray)}::text[])`

/** The texts that a placeholder stands for, as a table `given` with one column `text`. */
export const givenTexts = (placeholder: string, { takesArrays }: { takesArrays: boolean }): SQL =>
  takesArrays
    ? sql`unnest(${sql.param(sql.placeholder(placeholder), asArray)}::text[]) as given(text)`
    : sql`(select value as text from json_each(${sql.param(sql.placeholder(placeholder), asJson)})) given`

/** Rows of a table for an insert, of arrays that stand under the names of its columns; for Postgres alone. */
export function unnested(columns: Readonly<Record<string, ColumnOfTable>>): SQL {
  const arrays = Object.entries(columns).map(
    ([name, column]) => sql`${sql.param(sql.placeholder(name), asArray)}::${sql.raw(column.getSQLType())}[]`,
  )
  return sql`select * from unnest(${sql.join(arrays, sql`, `)})`
}

export const postgresColumns = {
  table: <Name extends string, Columns extends PostgresColumns>(
    name: Name,
    { columns, keys, ...lifecycle }: PostgresTable<Name, Columns>,
  ) => withLifecycle(postgres.pgTable(name, columns, keys), lifecycle),
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
  table: <Name extends string, Columns extends SqliteColumns>(
    name: Name,
    { columns, keys, ...lifecycle }: SqliteTable<Name, Columns>,
  ) => withLifecycle(sqlite.sqliteTable(name, columns, keys), lifecycle),
  primaryKey: sqlite.primaryKey,
  foreignKey: sqlite.foreignKey,
  index: sqlite.index,
  text: (name: string) => sqlite.text(name),
  whole: (name: string) => sqlite.integer(name, { mode: 'number' }),
  time: (name: string) => sqlite.integer(name, { mode: 'number' }),
  flag: (name: string) => sqlite.integer(name, { mode: 'boolean' }),
  bytes: (name: string) => blob(name),
}
