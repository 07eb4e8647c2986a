// Comma-separated values (RFC 4180), as browsers, password managers and spreadsheets write them.
import { CsvError, parse } from 'csv-parse/browser/esm/sync'
import { ImportError } from './incoming.ts'
import { Members } from './members.ts'

/** More than any program writes; a hostile file has a million. */
const mostColumns = 1000
/** Characters of one record. A note has at most 256 KiB once it is sealed. */
const largestRecord = 4 * 1024 * 1024

const delimiters = [',', ';', '\t'] as const

/** A record: what stands in its columns that are not empty. */
export interface CsvRecord {
  /** The first line of the record, from 1; the header is line 1. */
  readonly line: number
  readonly members: Members
}

export interface Csv {
  readonly header: readonly string[]
  readonly records: readonly CsvRecord[]
}

/** Spreadsheets of some countries write semicolons. The one that stands most often in the first line is meant. */
function delimiterOf(text: string): string {
  const end = text.search(/[\r\n]/)
  const first = (end < 0 ? text : text.slice(0, end)).replace(/"[^"]*"/g, '')
  const count = (delimiter: string) => first.split(delimiter).length
  return delimiters.reduce((best, one) => (count(one) > count(best) ? one : best))
}

interface Row {
  /** The last line of the record, from 1. */
  readonly end: number
  readonly values: readonly string[]
}

/** @throws CsvError */
function rowsOf(text: string, to?: number): Row[] {
  const rows: Row[] = []
  parse(text, {
    delimiter: delimiterOf(text),
    bom: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: largestRecord,
    ...(to !== undefined && { to }),
    on_record(values: string[], { lines }) {
      rows.push({ end: lines, values })
      return null
    },
  })
  return rows
}

/** Whether there are as many columns as in a table of this kind. */
const isHeader = (names: readonly string[]) => names.length > 1 && names.length <= mostColumns

/** The names in the first line of the beginning of a file, or undefined for what is no table. */
export function headerOf(beginning: string): readonly string[] | undefined {
  const end = beginning.search(/[\r\n]/)
  try {
    const [first] = rowsOf(end < 0 ? beginning : beginning.slice(0, end), 1)
    const names = first?.values.map((name) => name.trim()) ?? []
    return isHeader(names) ? names : undefined
  } catch (error) {
    if (error instanceof CsvError) return undefined
    throw error
  }
}

/**
 * Every record of a table.
 * @param meaning tells what a value means, where a program writes its characters in a way of its own
 * @throws ImportError `malformed` where quotes do not match, `too-large` for more columns or a longer record than any program writes
 */
export function parseCsv(text: string, meaning = (value: string) => value): Csv {
  let rows: Row[]
  try {
    rows = rowsOf(text)
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    if (error.code === 'CSV_MAX_RECORD_SIZE')
      throw new ImportError(
        'too-large',
        'A record of the file is longer than 4 MiB. Most likely a quotation mark is missing before it.',
      )
    throw new ImportError(
      'malformed',
      'The file is no well-formed CSV: its quotation marks do not match. Export it again, or mend it in a spreadsheet.',
    )
  }
  const [first, ...rest] = rows
  const header = first?.values.map((name) => name.trim()) ?? []
  if (header.length > mostColumns || rest.some(({ values }) => values.length > mostColumns))
    throw new ImportError(
      'too-large',
      `The file has lines of more than ${mostColumns} columns, which no table of logins has.`,
    )
  let end = first?.end ?? 0
  const records = rest.map((row) => {
    const line = end + 1
    end = row.end
    const columns = row.values.map((value, at): [string, string] => [
      header[at] || `Column ${at + 1}`,
      meaning(value),
    ])
    return { line, members: Members.ofColumns(columns) }
  })
  return { header, records }
}
