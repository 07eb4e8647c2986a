// A file as an answer, whole or in part: what a route that sends one declares, and what it answers.
import type { Readable } from 'node:stream'
import { z } from 'zod'
import { ByteAnswer, byteAnswer } from './byte-answer.ts'
import { type ByteRange, contentRange, requestedRange } from './range.ts'

/** The headers of a request by which a part is asked for. */
export const rangeHeaders = z.object({
  range: z.string().optional().meta({
    description: 'One range (RFC 9110, section 14.2); several are ignored',
    example: 'bytes=1024-2047',
  }),
  'if-range': z.string().optional().meta({
    description: 'Files have no validator: with it, Range is ignored',
  }),
})

/** Spread it into the declaration of a route whose handler returns `rangedAnswer`. */
export const ranged = {
  success: { 200: byteAnswer, 206: byteAnswer },
  headers: { 200: ['Accept-Ranges'], 206: ['Accept-Ranges', 'Content-Range'] },
} as const

/**
 * The whole of a file, or the part that a request asks for. Throws `range-not-satisfiable`.
 * @param total bytes of the file, one or more
 * @param open gives the bytes of a range
 */
export async function rangedAnswer(
  headers: z.output<typeof rangeHeaders>,
  total: number,
  open: (range: ByteRange) => Promise<Readable>,
) {
  const range = requestedRange(headers, total)
  const { first, last } = range ?? { first: 0, last: total - 1 }
  const body = new ByteAnswer(await open({ first, last, total }), { length: last - first + 1 })
  return range
    ? {
        status: 206 as const,
        body,
        headers: { 'Accept-Ranges': 'bytes', 'Content-Range': contentRange(range) },
      }
    : { status: 200 as const, body, headers: { 'Accept-Ranges': 'bytes' } }
}
