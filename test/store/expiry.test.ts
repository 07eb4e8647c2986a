// Rows that have an end, by what stands beside the columns of their tables.
import { randomBytes, randomUUID } from 'node:crypto'
import { getTableColumns } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { days } from '../../src/clock.ts'
import { deleteOldVersions, versionDaysKept } from '../../src/domain/vaults/versions.ts'
import type { BulkConnection } from '../../src/store/bulk.ts'
import { deleteExpired } from '../../src/store/expiry.ts'
import { connectBulk, openStore } from '../../src/store/open.ts'
import { postgresTables } from '../../src/store/schema.ts'
import { allTables, type Cell, type Table } from '../../src/store/shape.ts'
import type { Store } from '../../src/store/store.ts'
import { createDatabase, engines } from '../support/database.ts'
import { databaseOf } from '../support/fresh-database.ts'
import { readRows } from '../support/rows.ts'

const now = Date.UTC(2026, 5, 1)

const ending = allTables.flatMap((table) =>
  typeof table.expires === 'object' && 'after' in table.expires ? [{ table, end: table.expires }] : [],
)

/** The column of a table that the schema calls so. */
const columnName = ({ key }: Table, property = '') =>
  Object.entries(getTableColumns(postgresTables[key])).find(([name]) => name === property)?.[1].name ?? ''

const plainValue = {
  text: randomUUID,
  bytes: () => randomBytes(16),
  flag: () => false,
  whole: () => now + days(999),
}

/** Inserts a row, and the rows that it must refer to. What is not given is null, or something plain. @returns its values */
async function insertRow(
  connection: BulkConnection,
  table: Table,
  given: Readonly<Record<string, Cell>> = {},
): Promise<Record<string, Cell>> {
  const required = Object.values(getTableColumns(postgresTables[table.key])).flatMap(({ name, notNull }) =>
    notNull ? [name] : [],
  )
  const values: Record<string, Cell> = {}
  for (const { name, kind } of table.columns)
    values[name] = required.includes(name) ? plainValue[kind]() : null
  for (const { columns, parent, parentColumns } of table.references) {
    const parentTable = allTables.find(({ name }) => name === parent)
    if (!parentTable || !columns.every((column) => required.includes(column))) continue
    const parentRow = await insertRow(connection, parentTable)
    for (const [index, column] of columns.entries())
      values[column] = parentRow[parentColumns[index] ?? ''] ?? null
  }
  Object.assign(values, given)
  await connection.insert(table, [table.columns.map(({ name }) => values[name] ?? null)])
  return values
}

describe.each(engines)('what has run out, on %s', (engine) => {
  it('is deleted from every table that says when, and nothing else is', async () => {
    const database = await createDatabase(engine)
    const { store } = await openStore(databaseOf(database), { now: () => now, onIdleError: () => {} })
    try {
      const connection = await connectBulk(databaseOf(database))
      for (const { table, end } of ending) {
        const at = columnName(table, end.after)
        const last = now - (end.keptFor ?? 0)
        await insertRow(connection, table, { [at]: last })
        await insertRow(connection, table, { [at]: last + 1 })
        if (end.whileNull)
          await insertRow(connection, table, { [at]: last, [columnName(table, end.whileNull)]: 1 })
      }
      await connection.close()
      const before = await readRows(database)

      for (const every of ['minute', 'hour'] as const) await deleteExpired(store, every, now)

      const after = await readRows(database)
      for (const { name } of allTables) {
        const found = ending.find(({ table }) => table.name === name)
        if (!found) {
          expect(after[name], name).toEqual(before[name])
          continue
        }
        const at = columnName(found.table, found.end.after)
        const last = now - (found.end.keptFor ?? 0)
        const until = columnName(found.table, found.end.whileNull)
        const hasRunOut = (row: Record<string, unknown>) =>
          Number(row[at]) <= last && (!until || row[until] === null)
        expect(before[name]?.filter(hasRunOut), name).toHaveLength(1)
        expect(after[name], name).toEqual(before[name]?.filter((row) => !hasRunOut(row)))
      }
    } finally {
      await store.close()
      await database.remove()
    }
  })

  it('is deleted from any number of vaults, of which few are in memory, unless the server stops', async () => {
    const database = await createDatabase(engine)
    const { store } = await openStore(databaseOf(database), { now: () => now, onIdleError: () => {} })
    let most = 0
    const stopping = new AbortController()
    const watched: Store = {
      ...store,
      async write(work) {
        const done = await store.write(work)
        stopping.abort()
        return done
      },
      async read(work) {
        const found = await store.read(work)
        if (Array.isArray(found)) most = Math.max(most, found.length)
        return found
      },
    }
    try {
      const connection = await connectBulk(databaseOf(database))
      const versions = allTables.find(({ name }) => name === 'item_versions')
      if (!versions) throw new Error('No table')
      const oldest = now - days(versionDaysKept)
      for (const replacedAt of [oldest - 1, oldest - 3, oldest - 2, oldest - 1, oldest - 4])
        await insertRow(connection, versions, { replaced_at: replacedAt })
      const kept = await insertRow(connection, versions, { replaced_at: oldest })
      await connection.close()

      const left = async () => (await readRows(database)).item_versions
      await deleteOldVersions({ store: watched }, now, { stopping: stopping.signal, rowsAtOnce: 2 })
      expect(await left(), 'after a server was told to stop').toHaveLength(5)
      await deleteOldVersions({ store: watched }, now, { rowsAtOnce: 2 })
      expect(await left()).toMatchObject([{ vault_id: kept.vault_id }])
      expect(most).toBe(2)
    } finally {
      await store.close()
      await database.remove()
    }
  })
})
