// JSON in UTF-8 as the body of a request.
import type { Request } from 'express'
import {
  type BodyBounds,
  type BodyKind,
  type Exchange,
  malformedBody,
  readBytes,
  wrongMediaType,
} from './body.ts'
import { hasRepeatedMembers, readStructure, type Structure } from './json-structure.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

const isJson = ({ headers }: Request) =>
  /^application\/json *(; *charset="?utf-8"? *)?$/i.test(headers['content-type'] ?? '')

/** Reads the bytes of a JSON body, or throws why it cannot. */
export async function readText(exchange: Exchange, bounds: BodyBounds): Promise<Buffer> {
  if (!isJson(exchange.req)) throw wrongMediaType('application/json')
  const body = await readBytes(exchange, bounds)
  if (!body) throw malformedBody('Expected a body')
  return body
}

/** Reads and parses a JSON body within the bounds, or throws why it cannot. */
async function readJson(exchange: Exchange, bounds: BodyBounds): Promise<unknown> {
  const body = await readText(exchange, bounds)
  const structure = readStructure(body, bounds)
  if (typeof structure === 'string') throw malformedBody(structure)
  return parseJson(body, structure)
}

/** Throws `malformed-request` for what is no JSON, and for a member that an object has twice. */
export function parseJson(text: Uint8Array, structure: Structure): unknown {
  const parsed = parseAny(text)
  if (hasRepeatedMembers(parsed, structure)) throw malformedBody('Expected each member of an object once')
  return parsed
}

function parseAny(text: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(text))
  } catch {
    throw malformedBody('Expected JSON in UTF-8')
  }
}

/** What bodies are of whose schema says no other kind. */
export const jsonBody: BodyKind = {
  mediaType: 'application/json',
  heldBytes: ({ bytes }) => bytes,
  read: readJson,
}
