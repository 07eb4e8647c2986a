// Text for people: nothing in it can steer the terminal. Only output.ts writes it there.
// What steers a terminal, reorders or breaks lines, or is not seen: control characters (C0 with ESC, DEL, C1), separators of lines,
// directions, what is ignored where it is not known, annotations, and half surrogates. A shared or imported item can be named
// by a stranger. Joiners stay where scripts and emoji need them, and variation selectors.
const unsafeCharacters =
  '(?![\\ufe00-\\ufe0f\\u{e0100}-\\u{e01ef}])(?:' +
  '(?![\\u200c\\u200d])[\\p{Cc}\\p{Cs}\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}\\u061c\\ufff9-\\ufffb]' +
  '|(?<![^\\0-\\x7f])[\\u200c\\u200d]|[\\u200c\\u200d](?![^\\0-\\x7f]))'
const unsafe = new RegExp(unsafeCharacters, 'gu')
const unsafeBesidesLayout = new RegExp(`(?![\\n\\t])${unsafeCharacters}`, 'gu')

const escapedUnit = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
/** As JavaScript and JSON write it, also beyond the basic plane. */
const escaped = (character: string) => character.split('').map(escapedUnit).join('')

/** One line that shows control characters instead of obeying them. */
export const safeLine = (text: string) => text.replace(unsafe, escaped)

/** The same for text of several lines, in which tabs stay too. */
export const safeText = (text: string) => text.replaceAll('\r\n', '\n').replace(unsafeBesidesLayout, escaped)

/** @returns undefined if the bytes are not UTF-8; a byte order mark is part of the text */
export function textIn(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** Bytes from outside as text, or undefined if they are none or could steer the terminal. */
export function shownAsItIs(bytes: Uint8Array): string | undefined {
  const text = textIn(bytes)
  return text !== undefined && safeText(text) === text.replaceAll('\r\n', '\n') ? text : undefined
}

/** JSON for scripts, which is as safe on a terminal: the same values in another spelling. */
export const safeJson = (value: unknown) =>
  JSON.stringify(value, undefined, 2).replace(unsafeBesidesLayout, escaped)

/** The same in one line. */
export const safeJsonLine = (value: unknown) => JSON.stringify(value).replace(unsafe, escaped)

/** A line of a result: text, or text that a terminal shows in a way of its own. */
export type Line = string | { readonly text: string; readonly style: 'heading' | 'dark on light' }

const segmenter = new Intl.Segmenter()
/** How many characters a person sees. */
export const width = (text: string) => [...segmenter.segment(text)].length

/** Columns that line up, with a heading, a line each. The last column is not padded. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): Line[] {
  const safeRows = rows.map((row) => row.map(safeLine))
  const widths = heading.map((title, column) =>
    Math.max(width(title), ...safeRows.map((row) => width(row[column] ?? ''))),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell)))
      .join('  ')
      .trimEnd()
  return [{ text: line(heading), style: 'heading' }, ...safeRows.map(line)]
}

/** A time as it is here, to the minute. */
export const localTime = (iso: string) =>
  new Date(iso).toLocaleString('sv-SE', { dateStyle: 'short', timeStyle: 'short' })

export const counted = (count: number, one: string, many = `${one}s`) =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`
