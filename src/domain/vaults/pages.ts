// Pages of lists, bounded by number and by bytes. Sizes are summed before any data is fetched, so that a page of large rows
// never stands in memory as a whole.
import { type SQL, sql } from 'drizzle-orm'

export interface Page<Row> {
  readonly rows: Row[]
  /** Whether there are further rows behind these. */
  readonly more: boolean
}

/** How many bytes the rows before this one hold; `order` must not leave two rows in the same place. */
export const bytesBefore = (size: SQL.Aliased<number>, order: SQL) =>
  sql<number>`sum(${size}) over (order by ${order}) - ${size}`.as('bytes_before')

/** How many rows were looked at. */
export const rowsFound = () => sql<number>`count(*) over ()`.mapWith(Number).as('found')

/** @param found the rows within the bytes, of a statement that was asked for one candidate more than `limit` */
export function toPage<Row>(found: { row: Row; found: number }[], limit: number): Page<Row> {
  const rows = found.slice(0, limit).map(({ row }) => row)
  return { rows, more: (found[0]?.found ?? 0) > rows.length }
}
