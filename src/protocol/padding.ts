// Padmé padding: the length of an envelope tells little about the length of what is in it (docs/protocol.md, "Padding").
const marker = 0x80

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

/** `plaintext` ‖ 0x80 ‖ zeros, of padme(length + 1) bytes (docs/protocol.md, "Padding"). */
export function pad(plaintext: Uint8Array): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array(padme(plaintext.length + 1))
  padded.set(plaintext)
  padded[plaintext.length] = marker
  return padded
}

/**
 * What `pad` was given. Only the one length that `pad` makes is accepted, so that padding carries no second message.
 *
 * @throws RangeError where the marker is missing or the length is another
 */
export function unpad(padded: Uint8Array): Uint8Array {
  let end = padded.length - 1
  while (end >= 0 && padded[end] === 0) end--
  if (padded[end] !== marker) throw new RangeError('The padding has no marker')
  if (padme(end + 1) !== padded.length) throw new RangeError('The padding has the wrong length')
  return padded.slice(0, end)
}
