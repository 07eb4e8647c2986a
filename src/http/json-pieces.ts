// Large JSON bodies, of which the objects in lists are parsed one by one. To parse and check 10,000 items in one go would stop the
// event loop for seconds.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { z } from 'zod'
import { type BodyBounds, type BodyKind, type Exchange, malformedBody, ofKind } from './body.ts'
import { jsonBody, parseJson, readText } from './json-body.ts'
import { cutObjects, type JsonSpan } from './json-structure.ts'
import { parse } from './route.ts'

/** An object in a list of a body that nobody has parsed yet. */
class JsonPiece {
  readonly #body: Buffer
  readonly #span: JsonSpan

  constructor(body: Buffer, span: JsonSpan) {
    this.#body = body
    this.#span = span
  }

  /** Throws `malformed-request` if it is no JSON. */
  parse(): unknown {
    return parseJson(this.#body.subarray(this.#span.start, this.#span.end), this.#span)
  }
}

/** How much of a body is looked at before others have their turn: about a millisecond. */
const bytesAtOnce = 256 * 1024

/** How many pieces are checked before others have their turn: one or two milliseconds, if they are items. */
const piecesAtOnce = 20

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** What was parsed of the rest of a body, with its pieces in it again. */
function filled(value: unknown, pieces: readonly JsonPiece[], isInList = false): unknown {
  if (!isObject(value)) return value
  if (Array.isArray(value)) return value.map((entry: unknown) => filled(entry, pieces, true))
  const members: [string, unknown][] = Object.entries(value)
  if (isInList) return pieces[Number(members[0]?.[1])]
  return Object.fromEntries(members.map(([name, member]) => [name, filled(member, pieces)]))
}

async function readInPieces(exchange: Exchange, bounds: BodyBounds & { objects: number }): Promise<unknown> {
  const body = await readText(exchange, bounds)
  const cutting = cutObjects(body, bounds, bytesAtOnce)
  let turn = cutting.next()
  for (; !turn.done; turn = cutting.next()) await nextTurn()
  const cut = turn.value
  if (typeof cut === 'string') throw malformedBody(cut)
  const pieces = cut.spans.map((span) => new JsonPiece(body, span))
  return filled(parseJson(Buffer.from(cut.rest, 'latin1'), cut), pieces)
}

/**
 * A body in whose lists each object is a piece that `checkPieces` looks at: `schema` is to declare these lists as `z.array(z.unknown())`.
 * A piece that nobody looks at is not parsed.
 * @param bounds.objects how many objects the lists may have, all together
 */
export const inJsonPieces = <Schema extends z.ZodType>(
  schema: Schema,
  { objects }: { objects: number },
): Schema => {
  const kind: BodyKind = {
    ...jsonBody,
    read: (exchange, bounds) => readInPieces(exchange, { ...bounds, objects }),
  }
  return ofKind(schema, kind)
}

/**
 * What the entries of a list say, of a body that was read in pieces. Others have their turn in between. Throws `malformed-request`.
 * @param at where an entry stands in the request
 * @param make what becomes of each at once, so that not all of them stand in memory as they were parsed
 */
export async function checkPieces<Entry, Made>(
  schema: z.ZodType<Entry>,
  entries: readonly unknown[],
  at: (index: number) => readonly PropertyKey[],
  make: (entry: Entry) => Made,
): Promise<Made[]> {
  const made: Made[] = []
  for (const [index, entry] of entries.entries()) {
    if (index % piecesAtOnce === 0) await nextTurn()
    made.push(make(parse(schema, entry instanceof JsonPiece ? entry.parse() : entry, at(index))))
  }
  return made
}
