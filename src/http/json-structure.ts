// The structure of a JSON text, found in one pass over its bytes, so that a body that is expensive to parse is refused before it
// is parsed. `JSON.parse` of 8 MiB of brackets stops the event loop for a second and takes hundreds of megabytes.

/** How deep a body may be nested, and how many values it may have; a member counts as two, its name and its value. */
export interface StructureBounds {
  readonly depth: number
  readonly values: number
}

export interface Structure {
  /** Members of all objects together. */
  readonly members: number
}

const [quote, backslash, colon, openList] = [0x22, 0x5c, 0x3a, 0x5b]

/** What a byte outside of strings means. */
const kinds = { other: 0, gap: 1, open: 2, close: 3, colon: 4, quote: 5 } as const

const kindOf = new Uint8Array(256)
for (const character of '\t\n\r ,') kindOf[character.charCodeAt(0)] = kinds.gap
for (const character of '[{') kindOf[character.charCodeAt(0)] = kinds.open
for (const character of ']}') kindOf[character.charCodeAt(0)] = kinds.close
kindOf[colon] = kinds.colon
kindOf[quote] = kinds.quote

/** How far a string is read byte by byte before the native search takes over, which costs as much as some dozens of bytes. */
const shortString = 64

/** @returns the index of the quote that ends the string whose content begins at `start`, or the length of the text */
function endOfString(text: Buffer, start: number): number {
  let at = start
  const nearby = Math.min(text.length, start + shortString)
  for (; at < nearby; at += 1) {
    if (text[at] === quote) return at
    if (text[at] === backslash) return endOfEscapedString(text, at)
  }
  const end = text.indexOf(quote, at)
  if (end === -1) return text.length
  return text[end - 1] === backslash ? endOfEscapedString(text, at) : end
}

/** The same for a string with escapes: each backslash takes the byte after it along. */
function endOfEscapedString(text: Buffer, start: number): number {
  for (let at = start; at < text.length; at += 1) {
    if (text[at] === quote) return at
    if (text[at] === backslash) at += 1
  }
  return text.length
}

/**
 * Reads the structure of a text that may be JSON (RFC 8259). Only whether it is within the bounds is decided here; what is no
 * JSON may pass. Takes time in proportion to the bytes, whatever they are, and no memory.
 * @returns what was found, or the sentence that says which bound is exceeded
 */
export function readStructure(text: Buffer, bounds: StructureBounds): Structure | string {
  let [depth, values, members] = [0, 0, 0]
  let isInWord = false
  for (let at = 0; at < text.length; at += 1) {
    const kind = kindOf[text[at] ?? 0]
    if (kind === kinds.other) {
      // A number or a literal is one value, however many bytes it has.
      if (!isInWord) values += 1
      isInWord = true
    } else {
      isInWord = false
      if (kind === kinds.open) {
        depth += 1
        values += 1
        if (depth > bounds.depth) return `Expected nesting of at most ${bounds.depth} levels`
      } else if (kind === kinds.close) depth -= 1
      else if (kind === kinds.colon) members += 1
      else if (kind === kinds.quote) {
        values += 1
        at = endOfString(text, at + 1)
      }
    }
    if (values > bounds.values) return `Expected at most ${bounds.values} values and names of members`
  }
  return { members }
}

/** An object in a text, and how many members it and all objects in it have. */
export interface JsonSpan {
  readonly start: number
  /** The index after its last byte. */
  readonly end: number
  readonly members: number
}

/** A text without the objects in its lists. */
interface CutJson extends Structure {
  /** In place of the first object stands `{"":0}`, of the second `{"":1}`, and so on. A character for each byte; `members` are of this. */
  readonly rest: string
  /** What was cut out, in the order of the text. */
  readonly spans: readonly JsonSpan[]
}

/**
 * Cuts out of a text the objects that stand in its lists, each with all that is in it. The text is JSON if the rest is, and each of
 * these; and JSON.parse tells that.
 * @param bounds of the whole text, and how many objects may be cut out
 * @param bytesAtOnce after so many bytes others can have their turn
 * @returns what was found, or the sentence that says which bound is exceeded
 */
export function* cutObjects(
  text: Buffer,
  bounds: StructureBounds & { readonly objects: number },
  bytesAtOnce: number,
): Generator<void, CutJson | string, void> {
  /** For each level that is open, whether it is a list. */
  const lists: boolean[] = []
  const spans: JsonSpan[] = []
  let [values, members, cutMembers, restFrom] = [0, 0, 0, 0]
  let rest = ''
  let isInWord = false
  let object: { start: number; level: number; membersBefore: number } | undefined
  let pauseAt = bytesAtOnce
  for (let at = 0; at < text.length; at += 1) {
    if (at >= pauseAt) {
      yield
      pauseAt = at + bytesAtOnce
    }
    const kind = kindOf[text[at] ?? 0]
    if (kind === kinds.other) {
      if (!isInWord) values += 1
      isInWord = true
    } else {
      isInWord = false
      if (kind === kinds.open) {
        const isList = text[at] === openList
        if (!isList && !object && lists.at(-1))
          object = { start: at, level: lists.length, membersBefore: members }
        lists.push(isList)
        values += 1
        if (lists.length > bounds.depth) return `Expected nesting of at most ${bounds.depth} levels`
      } else if (kind === kinds.close) {
        lists.pop()
        if (object?.level === lists.length) {
          const span = { start: object.start, end: at + 1, members: members - object.membersBefore }
          rest += `${text.toString('latin1', restFrom, span.start)}{"":${spans.length}}`
          restFrom = span.end
          cutMembers += span.members
          spans.push(span)
          object = undefined
          if (spans.length > bounds.objects) return `Expected at most ${bounds.objects} objects in lists`
        }
      } else if (kind === kinds.colon) members += 1
      else if (kind === kinds.quote) {
        values += 1
        at = endOfString(text, at + 1)
      }
    }
    if (values > bounds.values) return `Expected at most ${bounds.values} values and names of members`
  }
  rest += text.toString('latin1', restFrom)
  return { rest, members: members - cutMembers + spans.length, spans }
}

/** How many members the objects in a parsed value have, all together. A recursion is safe: the depth is bounded. */
function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const entries: unknown[] = Object.values(value)
  return entries.reduce(
    (sum: number, entry) => sum + countMembers(entry),
    Array.isArray(value) ? 0 : entries.length,
  )
}

/**
 * Whether some object had two members of one name, of which `JSON.parse` keeps the last and other parsers the first
 * (RFC 8259, section 4): then the text has more members than what was made of it.
 */
export const hasRepeatedMembers = (parsed: unknown, { members }: Structure): boolean =>
  countMembers(parsed) !== members
