// Padmé padding: the length of an envelope tells little about the length of what is in it (docs/protocol.md, "Padding").
import { padme } from '../contract/file-sizes.ts'

const marker = 0x80

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
