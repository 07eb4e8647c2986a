// HKDF-SHA-256 (RFC 5869) over WebCrypto.
const bitsInByte = 8

/**
 * Extract and expand (RFC 5869, sections 2.2 and 2.3).
 *
 * @param input keying material
 * @param salt may be empty, which means 32 zero bytes there
 * @param info what the output is for, as UTF-8
 * @param length of the output, in bytes
 */
export async function hkdfSha256(
  input: Uint8Array,
  salt: Uint8Array,
  info: string,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const { subtle } = globalThis.crypto
  const key = await subtle.importKey('raw', new Uint8Array(input), 'HKDF', false, ['deriveBits'])
  const derivation = {
    name: 'HKDF',
    hash: 'SHA-256',
    salt: new Uint8Array(salt),
    info: new TextEncoder().encode(info),
  }
  return new Uint8Array(await subtle.deriveBits(derivation, key, length * bitsInByte))
}
