// Queries that are built once for each connection and run many times: building one takes longer than SQLite takes to run it.
import { type Query, type SQL, sql } from 'drizzle-orm'
import { amongTexts, type ColumnOfTable, givenTexts } from './columns.ts'
import type { Reader, RowWriter } from './store.ts'

/**
 * Keeps what `build` makes of a handle for as long as its connection lives: a unit of work has a handle of its own, but the builder of
 * the connection. `build` ends in `.prepare('name')`, a name that no other statement has, and values come in by `sql.placeholder`.
 */
export function statement<Handle extends Reader, Prepared>(build: (handle: Handle) => Prepared) {
  const built = new WeakMap<object, Prepared>()
  return (handle: Handle): Prepared => {
    const known = built.get(handle.db)
    if (known !== undefined) return known
    const prepared = build(handle)
    built.set(handle.db, prepared)
    return prepared
  }
}

/** The same, of rows that come as arrays (`Reader.rows`). */
export const rowsStatement = <Row extends unknown[], Handle extends Reader = Reader>(
  name: string,
  build: (handle: Handle) => { toSQL(): Query },
) => statement((handle: Handle) => handle.rows<Row>(name, build(handle)))

/** The texts that a statement is about, in its two ways to say it. */
interface Texts {
  /** What a column has to meet to be one of them. */
  isGiven(column: ColumnOfTable): SQL
  /** A table `given` of them, with one column `text`. */
  readonly given: SQL
}

/** A statement about any number of texts. That about one text is planned by itself: most are. */
export function textsStatement<Row extends unknown[], Handle extends Reader = Reader>(
  name: string,
  build: (handle: Handle, texts: Texts) => { toSQL(): Query },
) {
  const text = sql.placeholder('text')
  const ofOne = rowsStatement<Row, Handle>(`${name}_of_one`, (handle) =>
    build(handle, {
      isGiven: (column) => sql`${column} = ${text}`,
      given: sql`(select cast(${text} as text) as text) given`,
    }),
  )
  const ofMany = rowsStatement<Row, Handle>(`${name}_of_many`, (handle) =>
    build(handle, {
      isGiven: (column) => amongTexts(column, 'texts'),
      given: givenTexts('texts', handle),
    }),
  )
  return (handle: Handle, texts: readonly string[], values: Record<string, unknown>): Promise<Row[]> =>
    texts.length === 1 ? ofOne(handle)({ ...values, text: texts[0] }) : ofMany(handle)({ ...values, texts })
}

/**
 * A statement that does something for each of any number of entries.
 * @param ofOne does it for one, whose values are placeholders
 * @param ofMany does it for entries that come as an array for each of their values (`unnested`), where statements take arrays
 * @returns takes the entries, and the values that all of them share
 */
export function eachStatement<Entry extends Readonly<Record<string, unknown>>>(
  name: string,
  ofOne: (handle: RowWriter) => { toSQL(): Query },
  ofMany: (handle: RowWriter) => { toSQL(): Query },
) {
  const one = rowsStatement<[], RowWriter>(`${name}_of_one`, ofOne)
  const many = rowsStatement<[], RowWriter>(`${name}_of_many`, ofMany)
  return async (
    handle: RowWriter,
    entries: readonly Entry[],
    shared: Record<string, unknown> = {},
  ): Promise<void> => {
    const [first] = entries
    if (first && entries.length > 1 && handle.takesArrays) {
      const columns = Object.keys(first).map((column) => [column, entries.map((entry) => entry[column])])
      await many(handle)({ ...shared, ...Object.fromEntries(columns) })
    } else await Promise.all(entries.map((entry) => one(handle)({ ...shared, ...entry })))
  }
}

/** A statement's way to say that what it needs no longer holds: the unit of work is run again (`runAgainCodes` in postgres.ts). */
export const guard = (condition: SQL): SQL => sql`(case when ${condition} then 1 else 0 end)`
