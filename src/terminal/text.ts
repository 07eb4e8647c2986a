// Text for people: nothing in it can steer the terminal. Only output.ts writes it there.
import { eastAsianWidth } from 'get-east-asian-width'

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
const isEmoji = /^\p{RGI_Emoji}$/v
const isMark = /^\p{Mark}+$/u

function graphemeWidth(grapheme: string): number {
  if (isMark.test(grapheme)) return 0
  return isEmoji.test(grapheme) ? 2 : eastAsianWidth(grapheme.codePointAt(0) ?? 0)
}

/** How many columns of a terminal a line takes. */
export function width(text: string): number {
  let columns = 0
  for (const { segment } of segmenter.segment(text)) columns += graphemeWidth(segment)
  return columns
}

/** A line that takes `columns` of a terminal at the most, with "…" where something of it is left out. */
export function shortened(text: string, columns: number): string {
  if (width(text) <= columns) return text
  let kept = ''
  let left = columns - 1
  for (const { segment } of segmenter.segment(text)) {
    left -= graphemeWidth(segment)
    if (left < 0) break
    kept += segment
  }
  return `${kept}…`
}

/** A text in lines of `columns` at the most, broken between words. A word that is longer has a line to itself. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && width(line) + 1 + width(word) > columns) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/** A time as it is here, to the minute. */
export const localTime = (iso: string) =>
  new Date(iso).toLocaleString('sv-SE', { dateStyle: 'short', timeStyle: 'short' })

export const counted = (count: number, one: string, many = `${one}s`) =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`
