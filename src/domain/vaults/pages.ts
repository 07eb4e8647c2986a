// Pages of lists, bounded by number and by bytes. A long one is read in pieces, so that it never stands in memory as a whole and others
// have their turn in between; a short one is one piece.
import { type SQL, sql } from 'drizzle-orm'
import { limits } from '../../contract/sizes.ts'
import type { Reader, Store } from '../../store/store.ts'

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

/** The most rows that are read at a time (`Store.rowsAtOnce`): the event loop is held for one or two milliseconds. */
export const rowsAtOnce = 250

/** The data of larger ones is read by itself, about so many bytes at a time: to sum up sizes beforehand costs as much as to read. */
const smallBytes = 4096
const largeBytesAtOnce = 1024 * 1024

/** The most that the data has which is in memory at a time for one reader. */
export const bytesAtOnce = rowsAtOnce * smallBytes + largeBytesAtOnce

/** Data as it is read in the first place: null if it is large. @param bytes its length, as SQL */
export const ifSmall = <T>(data: SQL<T>, bytes: SQL) =>
  sql<T | null>`case when ${bytes} <= ${sql.raw(String(smallBytes))} then ${data} end`

/** Whether the data of so many bytes is still to be read. */
export const isLarge = (bytes: number) => bytes > smallBytes

/** The same rows in pieces, whose large data has not much more than `largeBytesAtOnce`. @param bytesOf the data of a row */
export function inPieces<Row>(rows: readonly Row[], bytesOf: (row: Row) => number): Row[][] {
  const pieces: Row[][] = []
  let piece: Row[] = []
  let large = 0
  for (const row of rows) {
    const bytes = bytesOf(row)
    if (isLarge(bytes)) {
      if (large > 0 && large + bytes > largeBytesAtOnce) {
        pieces.push(piece)
        piece = []
        large = 0
      }
      large += bytes
    }
    piece.push(row)
  }
  return piece.length === 0 ? pieces : [...pieces, piece]
}

/** How a list is read. */
interface List<Row> {
  /** Of its data. */
  bytesOf(row: Row): number
  /** Whether nothing of it is still to be read. */
  isWhole(row: Row): boolean
  /** The next rows, in the order of the list, without the data of large ones. @param last the row before them; undefined for the first */
  next(reader: Reader, last: Row | undefined, count: number): Promise<Row[]>
  /**
   * Reads what is missing of some rows: the data of large ones. What has changed or gone since `next` is left out: where a list is in the order of
   * revisions, it comes again later.
   */
  complete(reader: Reader, rows: Row[]): Promise<Row[]>
}

/** The last piece of a page, and where the page ended. */
export interface PageEnd<Row> {
  readonly rows: readonly Row[]
  /** The row after which the next page begins; undefined if there was none. */
  readonly last: Row | undefined
  readonly more: boolean
}

/** A page, piece by piece; the last piece is what it returns. It has a row at the least if there are any. */
export type PagePieces<Row> = AsyncGenerator<readonly Row[], PageEnd<Row>>

/** Where a page ends: with so many rows, or once it holds so many bytes of data. */
interface PageBounds {
  readonly rows: number
  readonly bytes: number
}

/** A page of at most so many rows, as clients ask for it. */
export const pageOf = (rows: number): PageBounds => ({ rows, bytes: limits.pageBytes })

/** All of a list. */
export const everything: PageBounds = { rows: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }

/** Reads a page. Each piece is read by itself, so that a slow reader holds neither a connection nor a snapshot. */
export async function* pageInPieces<Row>(
  { store }: { readonly store: Store },
  list: List<Row>,
  bounds: PageBounds,
): PagePieces<Row> {
  const atOnce = Math.min(rowsAtOnce, store.rowsAtOnce)
  let [rows, given, bytes] = [0, 0, 0]
  let last: Row | undefined
  for (;;) {
    const isFull = () => rows >= bounds.rows || bytes >= bounds.bytes
    // One more than the page takes tells whether there are more.
    const left = isFull() ? 0 : bounds.rows - rows
    const count = left > atOnce ? atOnce : left + 1
    const found = await store.read((reader) => list.next(reader, last, count))
    const taken: Row[] = []
    for (const row of found) {
      if (isFull()) break
      taken.push(row)
      rows += 1
      bytes += list.bytesOf(row)
    }
    last = taken.at(-1) ?? last
    const pieces = inPieces(taken, list.bytesOf)
    const more = taken.length < found.length
    for (const [index, piece] of pieces.entries()) {
      const complete = piece.every((row) => list.isWhole(row))
        ? piece
        : await store.read((reader) => list.complete(reader, piece))
      given += complete.length
      const isLast = index === pieces.length - 1 && (more ? given > 0 : found.length < count)
      if (isLast) return { rows: complete, last, more }
      yield complete
    }
    if (taken.length === 0 && (found.length === 0 || given > 0)) return { rows: [], last, more }
    // All of a full page has changed meanwhile. A page of nothing that has more behind it would look like a list without an end.
    if (more) [rows, bytes] = [0, 0]
  }
}
