// Deletes rows that have run out, by what is said of each table beside its columns. Nothing depends on when: every reader looks at
// the time itself.
import { and, type Column, getTableColumns, isNull, lte } from 'drizzle-orm'
import type { Tables } from './schema.ts'
import { allTables } from './shape.ts'
import type { Store, Tx } from './store.ts'
import type { End } from './table.ts'

interface Ending {
  readonly key: keyof Tables
  readonly end: End
}

/** Every table whose rows simply have an end. */
const endings: readonly Ending[] = allTables.flatMap(({ key, expires }) =>
  typeof expires === 'object' && 'after' in expires ? [{ key, end: expires }] : [],
)

function columnOf(table: Tables[keyof Tables], name: string): Column {
  const column = Object.entries<Column>(getTableColumns(table)).find(([key]) => key === name)?.[1]
  if (!column) throw new Error(`There is no column ${name}`)
  return column
}

async function deleteEnded({ db, tables }: Tx, { key, end }: Ending, now: number): Promise<void> {
  const table = tables[key]
  const { after, keptFor = 0, whileNull } = end
  await db
    .delete(table)
    .where(
      and(
        lte(columnOf(table, after), now - keptFor),
        whileNull === undefined ? undefined : isNull(columnOf(table, whileNull)),
      ),
    )
}

/**
 * Deletes what has run out of the tables that are looked at this often, each in a transaction of its own.
 * @param now milliseconds since 1970
 */
export async function deleteExpired(
  store: Pick<Store, 'write'>,
  every: End['every'],
  now: number,
): Promise<void> {
  for (const ending of endings)
    if (ending.end.every === every) await store.write((tx) => deleteEnded(tx, ending, now))
}
