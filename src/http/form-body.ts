// The fields of a form as the body of a request, in either of the two encodings that forms have: application/x-www-form-urlencoded
// (URL Standard, section 5.1) and multipart/form-data. Each field is text in UTF-8 and stands there once.
import type { z } from 'zod'
import {
  type BodyBounds,
  type Exchange,
  malformedBody,
  mediaTypeOf,
  ofKind,
  readBytes,
  streamBody,
  wrongMediaType,
} from './body.ts'
import { IncomingParts, multipartType } from './multipart-body.ts'

const urlencodedType = 'application/x-www-form-urlencoded'

/** More fields than any form has. */
const maxFields = 100

/** A mark of the byte order at the beginning of a field belongs to the field. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw malformedBody('Expected fields in UTF-8')
  }
}

/** @param text one character for each byte */
const unquote = (text: string): string =>
  decode(
    Buffer.from(
      text
        .replaceAll('+', ' ')
        .replaceAll(/%([\da-f]{2})/gi, (_match, hex: string) =>
          String.fromCharCode(Number.parseInt(hex, 16)),
        ),
      'latin1',
    ),
  )

/** The fields as they stand in a body, some of them perhaps more than once. */
type Fields = (readonly [name: string, value: string])[]

const readUrlencoded = (body: Buffer): Fields =>
  body
    .toString('latin1')
    .split('&', maxFields + 1)
    .filter((field) => field !== '')
    .map((field) => {
      const [name = '', ...value] = field.split('=')
      return [unquote(name), unquote(value.join('='))]
    })

async function readParts(exchange: Exchange, { bytes, ms }: BodyBounds): Promise<Fields> {
  const contentType = exchange.req.headers['content-type'] ?? ''
  const source = streamBody(exchange, { bytes, ms })
  const fields: [string, string][] = []
  for await (const { name, fileName, stream } of new IncomingParts(source, contentType, {
    maxBytes: bytes,
    maxParts: maxFields,
  })) {
    if (fileName !== undefined) throw malformedBody('Expected fields, and no files')
    const chunks: Buffer[] = []
    for await (const chunk of stream) chunks.push(chunk)
    fields.push([name, decode(Buffer.concat(chunks))])
  }
  return fields
}

/** Two readers could understand a field that stands there twice in two ways (RFC 6749, section 3.2, for one). */
function asObject(fields: Fields): Record<string, string> {
  if (fields.length > maxFields) throw malformedBody(`Expected at most ${maxFields} fields`)
  if (new Set(fields.map(([name]) => name)).size < fields.length)
    throw malformedBody('Expected each field once')
  return Object.fromEntries(fields)
}

/**
 * A form.
 * @param schema of an object of texts
 * @param options.wrongType the code with which other media types are refused; `not-json` unless it is said
 */
export const form = <Schema extends z.ZodType>(
  schema: Schema,
  { wrongType }: { wrongType?: 'malformed-request' } = {},
): Schema =>
  ofKind(schema, {
    mediaType: urlencodedType,
    heldBytes: ({ bytes }) => bytes,
    async read(exchange, bounds) {
      const mediaType = mediaTypeOf(exchange.req)
      if (mediaType === multipartType) return asObject(await readParts(exchange, bounds))
      if (mediaType !== urlencodedType) {
        const refusal = wrongMediaType(urlencodedType)
        throw wrongType ? malformedBody(refusal.message) : refusal
      }
      const body = await readBytes(exchange, bounds)
      return asObject(body ? readUrlencoded(body) : [])
    },
  })
