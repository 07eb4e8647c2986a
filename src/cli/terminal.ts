// Text for people: nothing in it can steer the terminal.
import { styleText } from 'node:util'

// Control characters (C0, DEL, C1) and what reorders or breaks lines. A shared or imported item can be named by a stranger.
const unsafe = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu
const unsafeBesidesNewline = /(?!\n)[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu
const beyondAsciiControl = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** One line that shows control characters instead of obeying them. */
export const safeLine = (text: string) => text.replace(unsafe, escaped)

/** The same for text of several lines. */
export const safeText = (text: string) => text.replace(unsafeBesidesNewline, escaped)

/** Somebody's bytes as text, or undefined where they are none or could steer the terminal. */
export function shownAsItIs(bytes: Uint8Array): string | undefined {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
  const harmless = text.replaceAll(/\t|\r(?=\n)/g, '')
  return safeText(harmless) === harmless ? text : undefined
}

/** JSON for scripts, which is as safe on a terminal: the same values in another spelling. */
export const safeJson = (value: unknown) =>
  JSON.stringify(value, undefined, 2).replace(beyondAsciiControl, escaped)

const segmenter = new Intl.Segmenter()
const width = (text: string) => [...segmenter.segment(text)].length

/** Columns that line up, with a heading, a line each. The last column is not padded. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const safeRows = rows.map((row) => row.map(safeLine))
  const widths = heading.map((title, column) =>
    Math.max(width(title), ...safeRows.map((row) => width(row[column] ?? ''))),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell)))
      .join('  ')
      .trimEnd()
  return [styleText('bold', line(heading), { stream: process.stdout }), ...safeRows.map(line)]
}

/** A time as it is here, to the minute. */
export const localTime = (iso: string) =>
  new Date(iso).toLocaleString('sv-SE', { dateStyle: 'short', timeStyle: 'short' })

export const counted = (count: number, one: string, many = `${one}s`) =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`
