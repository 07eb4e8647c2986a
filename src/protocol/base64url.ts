// Canonical base64url without padding (RFC 4648, section 5): each sequence of bytes has exactly one spelling.
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const invalid = 0xff

const codeOf = new TextEncoder().encode(alphabet)
const valueOfCode = new Uint8Array(256).fill(invalid)
for (const [value, code] of codeOf.entries()) valueOfCode[code] = value

/** Bytes of `text`, one for each character; a character outside of the alphabet is `invalid`. */
function valuesIn(text: string): Uint8Array {
  const codes = new TextEncoder().encode(text)
  return codes.map((code) => valueOfCode[code] ?? invalid)
}

/** Base64url without padding (RFC 4648, section 5) of any number of bytes. */
export function encodeBase64url(bytes: Uint8Array): string {
  const codes = new Uint8Array(Math.ceil((bytes.length * 4) / 3))
  let held = 0
  let heldBits = 0
  let at = 0
  const write = (sextet: number) => {
    codes[at++] = codeOf[sextet & 63] ?? 0
  }
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xffff
    heldBits += 8
    while (heldBits >= 6) {
      heldBits -= 6
      write(held >> heldBits)
    }
  }
  if (heldBits > 0) write(held << (6 - heldBits))
  return new TextDecoder().decode(codes)
}

/**
 * The bytes that `text` spells (RFC 4648, section 5). A second spelling of the same bytes would let one envelope pass for
 * two, so padding, white space, other characters and non-zero trailing bits (section 3.5 there) are refused.
 *
 * @throws SyntaxError where the text is not canonical
 */
export function decodeBase64url(text: string): Uint8Array<ArrayBuffer> {
  const values = valuesIn(text)
  if (values.length % 4 === 1 || values.includes(invalid))
    throw new SyntaxError('Expected base64url without padding')
  const bytes = new Uint8Array(Math.floor((values.length * 3) / 4))
  let held = 0
  let heldBits = 0
  let at = 0
  for (const value of values) {
    held = ((held << 6) | value) & 0xfff
    heldBits += 6
    if (heldBits < 8) continue
    heldBits -= 8
    bytes[at++] = held >> heldBits
  }
  if ((held & ((1 << heldBits) - 1)) !== 0)
    throw new SyntaxError('Expected base64url whose unused trailing bits are zero')
  return bytes
}
