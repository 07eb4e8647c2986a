// Databases as older versions had them, with rows in them.
import { fillEmpty, withConnection } from '../../src/operator/whole-database.ts'
import type { BulkConnection } from '../../src/store/bulk.ts'
import { migrate, tableNames } from '../../src/store/migrate.ts'
import { allTables, type Cell, type Row, type Shape } from '../../src/store/shape.ts'
import type { TestDatabase } from './database.ts'
import { databaseOf } from './fresh-database.ts'

const columnNames = {
  sqlite: (table: string) => `select name from pragma_table_info('${table}')`,
  postgres: (table: string) =>
    `select column_name as name from information_schema.columns where table_schema = current_schema() and table_name = '${table}'`,
}

/** The tables and columns of the schema that a database has, each table behind those that it refers to. */
export async function shapesOf(connection: BulkConnection): Promise<Shape[]> {
  const existing = new Set(await connection.texts(tableNames[connection.engine]))
  const shapes: Shape[] = []
  for (const { name, columns } of allTables.filter((table) => existing.has(table.name))) {
    const there = new Set(await connection.texts(columnNames[connection.engine](name)))
    shapes.push({ name, columns: columns.filter((column) => there.has(column.name)) })
  }
  return shapes
}

async function readAllOf(connection: BulkConnection, shape: Shape): Promise<Row[]> {
  const rows: Row[] = []
  for await (const some of connection.read(shape)) rows.push(...some)
  return rows
}

/**
 * Fills an empty database with what the first migrations make, and with the rows of another one as far as there was room for them.
 * @param more further rows, by table and column; columns that are not named are null
 */
export async function copyAsBefore(
  { source, target }: { source: TestDatabase; target: TestDatabase },
  first: number,
  more: Readonly<Record<string, readonly Readonly<Record<string, Cell>>[]>>,
): Promise<void> {
  await withConnection(databaseOf(source), async (present) => {
    await present.beginSnapshot()
    await fillEmpty(databaseOf(target), async (old) => {
      await migrate(old.engine, old, 0, { first })
      for (const shape of await shapesOf(old)) {
        const added = (more[shape.name] ?? []).map((row) =>
          shape.columns.map(({ name }) => row[name] ?? null),
        )
        const rows = [...(await readAllOf(present, shape)), ...added]
        if (rows.length > 0) await old.insert(shape, rows)
      }
    })
  })
}
