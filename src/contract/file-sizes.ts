// How many bytes a sealed file has (docs/protocol.md, "Padding" and "Files"): clients seal by it, the server bounds files by it.

/** Bytes of plaintext in each chunk of a file but the last one, which may have fewer. */
export const fileChunkBytes = 64 * 1024

/** The tag of AES-256-GCM, at the end of every chunk. */
const fileTagBytes = 16

/** Version, salt and commitment, before the first chunk. */
const fileHeaderBytes = 1 + 32 + 32

/** The largest `exponent` with 2^exponent <= number, for a whole number of 1 or more. Exact where Math.log2 would round. */
function floorLog2(number: number): number {
  let exponent = 0
  while (2 ** (exponent + 1) <= number) exponent++
  return exponent
}

/**
 * The padded length for a length, both in bytes: at the most 12 % more (Nikitin et al., "Reducing Metadata Leakage from
 * Encrypted Files and Communication with PURBs", section 4.3).
 *
 * @throws RangeError where the length is not a whole number of 0 or more
 */
export function padme(length: number): number {
  if (!Number.isSafeInteger(length) || length < 0)
    throw new RangeError('A length is a whole number of bytes, 0 or more')
  if (length < 2) return length
  const exponent = floorLog2(length)
  const bitsOfExponent = floorLog2(exponent) + 1
  // Rounding by arithmetic, not by bits: bit operators would cut a length to 32 bits.
  const step = 2 ** (exponent - bitsOfExponent)
  return Math.ceil(length / step) * step
}

/** How many chunks a file of `size` bytes has: an empty one has one, without content. Throws as `padme` does. */
export const fileChunks = (size: number): number => Math.max(1, Math.ceil(padme(size) / fileChunkBytes))

/** The bytes of a sealed file whose plaintext has `size` bytes. Throws as `padme` does. */
export const sealedFileBytes = (size: number): number =>
  fileHeaderBytes + padme(size) + fileTagBytes * fileChunks(size)

/** The bytes of an envelope whose plaintext has `length` bytes (docs/protocol.md, "Envelope"). Throws as `padme` does. */
export const envelopeBytes = (length: number): number => fileHeaderBytes + padme(length + 1) + fileTagBytes
