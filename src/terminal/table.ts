// Columns that line up, and fit the terminal.
import { terminalColumns } from './output.ts'
import { type Line, safeLine, shortened, width } from './text.ts'

const gap = 2
/** A column that gives way keeps this much. */
const leastColumns = 8

interface Options {
  /** How wide it may be; as wide as its content if that is undefined. */
  readonly room?: number | undefined
  /** Columns that stay whole, because people copy what is in them. */
  readonly whole?: readonly string[]
}

/** How wide each column becomes: the widest ones that may give way do, until all of them fit. */
function fitted(
  widths: readonly number[],
  mayGiveWay: (column: number) => boolean,
  room: number,
): readonly number[] {
  const narrowed = [...widths]
  const total = () => narrowed.reduce((sum, one) => sum + one, gap * (narrowed.length - 1))
  while (total() > room) {
    const candidates = narrowed
      .map((columns, column) => ({ columns, column }))
      .filter(({ columns, column }) => mayGiveWay(column) && columns > leastColumns)
    const widest = candidates.toSorted((left, right) => right.columns - left.columns)[0]
    if (!widest) return narrowed
    narrowed[widest.column] = widest.columns - 1
  }
  return narrowed
}

/**
 * Columns with a heading, a line for each row; the last one is not padded. On a terminal it fits the width: what is too long ends with
 * "…", except in the columns that stay whole.
 */
export function table(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  { room = terminalColumns(), whole = ['ID'] }: Options = {},
): Line[] {
  const safeRows = rows.map((row) => row.map(safeLine))
  const natural = heading.map((title, column) =>
    Math.max(width(title), ...safeRows.map((row) => width(row[column] ?? ''))),
  )
  const widths =
    room === undefined ? natural : fitted(natural, (column) => !whole.includes(heading[column] ?? ''), room)
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => {
        const columns = widths[column] ?? 0
        const shown = shortened(cell, columns)
        return shown + ' '.repeat(Math.max(0, columns - width(shown)))
      })
      .join(' '.repeat(gap))
      .trimEnd()
  return [{ text: line(heading), style: 'heading' }, ...safeRows.map(line)]
}
