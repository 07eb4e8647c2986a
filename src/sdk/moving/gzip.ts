// What programs have packed with gzip, unpacked no further than a bound.
import { Gunzip } from 'fflate'

/** Bytes that are unpacked at a time: at most a thousand times as many come out of them. */
const step = 16 * 1024

/** More comes out of it than was expected. */
export class LargeGzipError extends Error {
  override readonly name = 'LargeGzipError'
}

/**
 * Unpacks what is packed with gzip (RFC 1952). The size that it says of itself counts for nothing.
 * @param most bytes that may come out
 * @throws LargeGzipError, and another error for what is damaged
 */
export function gunzipped(bytes: Uint8Array, most: number): Uint8Array<ArrayBuffer> {
  const pieces: Uint8Array[] = []
  let length = 0
  const gunzip = new Gunzip((piece) => {
    length += piece.length
    if (length > most) throw new LargeGzipError(`More than ${most} bytes come out`)
    pieces.push(piece)
  })
  for (let at = 0; at < bytes.length; at += step)
    gunzip.push(bytes.slice(at, at + step), at + step >= bytes.length)
  const whole = new Uint8Array(length)
  let end = 0
  for (const piece of pieces) {
    whole.set(piece, end)
    end += piece.length
  }
  return whole
}
