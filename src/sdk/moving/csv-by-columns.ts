// A table of any program, whose columns a person names.

import { parseCsv } from './csv.ts'
import { itemsOfTable, loginOf } from './csv-reader.ts'
import { ImportError, type Leftover } from './incoming.ts'
import type { Reader } from './reader.ts'
import { textOf, wholeFile } from './whole-file.ts'

/** The members that a column can be named for. */
export const columnMembers = ['name', 'username', 'password', 'url', 'notes', 'totp', 'folder'] as const
export type ColumnMember = (typeof columnMembers)[number]

/**
 * A reader of a table whose columns are named.
 * @param columns the header of the column of each member, in any case
 */
export const csvByColumns = (columns: Readonly<Partial<Record<ColumnMember, string>>>): Reader => ({
  name: 'csv',
  title: 'CSV by its columns',
  recognises: ({ header }) => header !== undefined,
  async read(file) {
    const { header, records } = parseCsv(textOf(await wholeFile(file)))
    const known = header.map((name) => name.toLowerCase())
    for (const column of Object.values(columns))
      if (!known.includes(column.toLowerCase()))
        throw new ImportError(
          'unknown-format',
          `The file has no column "${column}". It has: ${header.join(', ')}.`,
        )
    const names = Object.fromEntries(
      Object.entries(columns).map(([member, column]) => [member, [column.toLowerCase()]]),
    )
    const leftovers: Leftover[] = []
    return { format: this.title, items: itemsOfTable(records, loginOf(names), { leftovers }), leftovers }
  },
})
