// What every table looks like, taken from the schema, for work that goes over all of them: backups, moves, checks.
import { getTableName } from 'drizzle-orm'
import { configOf } from './columns.ts'
import { postgresTables, type Tables } from './schema.ts'
import { type Lifecycle, lifecycleOf } from './table.ts'

export const kinds = ['text', 'whole', 'flag', 'bytes'] as const
type Kind = (typeof kinds)[number]

/** A value of a column, the same whichever the engine. */
export type Cell = string | number | boolean | Uint8Array | null
/** The values of a row in the order of its table's columns. */
export type Row = readonly Cell[]

export interface Shape {
  /** Of the table in the database. */
  readonly name: string
  readonly columns: readonly { readonly name: string; readonly kind: Kind }[]
}

export interface Reference {
  readonly columns: readonly string[]
  readonly parent: string
  readonly parentColumns: readonly string[]
}

export interface Table extends Shape, Lifecycle {
  /** Its name among the `Tables` of the schema. */
  readonly key: keyof Tables
  readonly references: readonly Reference[]
  /** Whether its rows are of one vault each, and its primary key begins with that vault's id: it can be cut up by vault. */
  readonly isByVault: boolean
}

/** What drizzle calls the kinds of columns.ts. */
const kindOfType: Readonly<Record<string, Kind>> = {
  string: 'text',
  number: 'whole',
  boolean: 'flag',
  custom: 'bytes',
}

function kindOf({ name, dataType }: { name: string; dataType: string }): Kind {
  const kind = kindOfType[dataType]
  if (!kind) throw new Error(`The column ${name} is of a kind that cannot be copied: ${dataType}`)
  return kind
}

const names = (columns: readonly { name: string }[]) => columns.map(({ name }) => name)

const isKey = (name: string): name is keyof Tables => Object.hasOwn(postgresTables, name)

const described: Table[] = Object.keys(postgresTables)
  .filter(isKey)
  .map((key) => {
    const table = postgresTables[key]
    const { columns, foreignKeys, primaryKeys } = configOf(table)
    return {
      key,
      ...lifecycleOf(table),
      name: getTableName(table),
      columns: columns.map((column) => ({ name: column.name, kind: kindOf(column) })),
      isByVault: primaryKeys.some((key) => key.columns[0]?.name === 'vault_id'),
      references: foreignKeys.map((foreignKey) => {
        const { columns: own, foreignColumns, foreignTable } = foreignKey.reference()
        return {
          columns: names(own),
          parent: getTableName(foreignTable),
          parentColumns: names(foreignColumns),
        }
      }),
    }
  })

/** Puts each table behind those that it refers to. */
function parentsFirst(all: readonly Table[]): Table[] {
  const ordered: Table[] = []
  const waiting = [...all]
  while (waiting.length > 0) {
    const known = new Set(names(ordered))
    const next = waiting.findIndex(({ name, references }) =>
      references.every(({ parent }) => parent === name || known.has(parent)),
    )
    if (next < 0) throw new Error(`Tables refer to each other in a circle: ${names(waiting).join(', ')}`)
    ordered.push(...waiting.splice(next, 1))
  }
  return ordered
}

/** Every table of the schema, each behind those that it refers to: rows can be inserted in this order. */
export const allTables: readonly Table[] = parentsFirst(described)

/** Names come from the schema or from a checked backup; none has a quotation mark. */
const quoted = (name: string) => `"${name}"`

export const columnList = ({ columns }: Shape) => columns.map(({ name }) => quoted(name)).join(', ')

export const selectAll = (shape: Shape) => `select ${columnList(shape)} from ${quoted(shape.name)}`

/** A query that counts the rows of a table, as text. */
export const countRows = ({ name }: Pick<Shape, 'name'>) =>
  `select cast(count(*) as text) from ${quoted(name)}`

/** A query that counts the rows of a table which refer to a row that is not there, as text. */
export function countOrphans({ name }: Shape, { columns, parent, parentColumns }: Reference): string {
  const on = columns.map((column, index) => `p.${quoted(parentColumns[index] ?? '')} = c.${quoted(column)}`)
  const given = columns.map((column) => `c.${quoted(column)} is not null`)
  return `select cast(count(*) as text) from ${quoted(name)} c where ${given.join(' and ')}
    and not exists (select 1 from ${quoted(parent)} p where ${on.join(' and ')})`
}

export const emptyTable = ({ name }: Pick<Shape, 'name'>) => `delete from ${quoted(name)}`

export const dropTable = ({ name }: Pick<Shape, 'name'>) => `drop table if exists ${quoted(name)}`

/** A value that the engine gave, as a Cell; throws for what no column of this kind can hold. Flags may be numbers. */
function cellFrom(kind: Kind, value: unknown): Cell {
  if (value === null) return null
  if (kind === 'text' && typeof value === 'string') return value
  if (kind === 'bytes' && value instanceof Uint8Array) return value
  if (kind === 'flag' && (value === true || value === 1)) return true
  if (kind === 'flag' && (value === false || value === 0)) return false
  if (kind === 'whole') {
    // Postgres's driver gives bigints as text.
    const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value
    if (typeof number === 'number' && Number.isSafeInteger(number)) return number
  }
  throw new Error(`A column holds a value that is none of its kind (${kind})`)
}

/** A row that the engine gave. */
export const rowFrom = ({ columns }: Shape, values: readonly unknown[]): Row =>
  columns.map(({ kind }, index) => cellFrom(kind, values[index]))

const isLeftOut = ({ backup }: Table) => typeof backup === 'object' && 'leftOut' in backup

/** The tables that a backup holds, each behind those that it refers to. */
export const tablesInBackups: readonly Table[] = allTables.filter((table) => !isLeftOut(table))

/** The tables that it does not hold. */
export const tablesLeftOut: readonly Table[] = allTables.filter(isLeftOut)
