// Ranges of bytes: which part of a file a reader asks for, and which part of it a client sends (RFC 9110, section 14).
import { Failure } from '../domain/failure.ts'

/** From the first byte to the last one, both included, of so many in all. */
export interface ByteRange {
  readonly first: number
  readonly last: number
  readonly total: number
}

/** `Content-Range` of a part. */
export const contentRange = ({ first, last, total }: ByteRange) => `bytes ${first}-${last}/${total}`

// Fifteen digits are within 2^53, and more than any disk has.
const oneRange = /^bytes=(\d{0,15})-(\d{0,15})$/i

/**
 * The part of a file that a request asks for. Several ranges, and what is none, are ignored, as section 14.2 allows: the answer is the
 * whole file then. So is a range with If-Range: the server gives no validator that could stand there.
 * @param headers `range` and `if-range` of the request
 * @param total bytes of the file, one or more
 * @returns undefined for the whole file
 * @throws range-not-satisfiable if nothing of the range is in the file
 */
export function requestedRange(
  headers: { readonly range?: string | undefined; readonly 'if-range'?: string | undefined },
  total: number,
): ByteRange | undefined {
  const [, from = '', to = ''] = oneRange.exec(headers.range ?? '') ?? []
  if ((from === '' && to === '') || headers['if-range'] !== undefined) return undefined
  // Without a beginning it is so many of the last bytes.
  const first = from === '' ? Math.max(0, total - Number(to)) : Number(from)
  const last = from === '' || to === '' ? total - 1 : Math.min(Number(to), total - 1)
  if (from !== '' && to !== '' && Number(to) < Number(from)) return undefined
  if (first <= last) return { first, last, total }
  throw new Failure('range-not-satisfiable', `The file has ${total} bytes.`, { bytes: total })
}

const sentRange = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/i

/** The part of a file that a request sends, by its Content-Range (section 14.5). @returns undefined if it is not one that can be sent */
export function parseContentRange(text: string): ByteRange | undefined {
  const [first, last, total] = (sentRange.exec(text) ?? []).slice(1).map(Number)
  if (first === undefined || last === undefined || total === undefined) return undefined
  return first <= last && last < total ? { first, last, total } : undefined
}
