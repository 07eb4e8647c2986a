// Fernet (https://github.com/fernet/spec, version 0x80) over WebCrypto: AES-128-CBC, then HMAC-SHA-256 over all of it.
import { decodeBase64url, encodeBase64url } from './base64url.ts'
import { OpenError } from './envelope.ts'
import { platformRandom, type Random, takeRandom } from './random.ts'

// version (1) ‖ timestamp (8, seconds, big-endian) ‖ initialization vector (16) ‖ ciphertext (16 n, n >= 1) ‖ HMAC (32)
const version = 0x80
const ivBytes = 16
const ivAt = 1 + 8
const ciphertextAt = ivAt + ivBytes
const macBytes = 32
const minBytes = ciphertextAt + 16 + macBytes

export const fernetKeyBytes = 32

/** The key's two halves ("Key Format" of the specification). */
async function importKeys(key: Uint8Array) {
  if (key.length !== fernetKeyBytes)
    throw new TypeError(`A Fernet key has ${fernetKeyBytes} bytes, this one has ${key.length}`)
  const { subtle } = globalThis.crypto
  const [signing, encryption] = [new Uint8Array(key.subarray(0, 16)), new Uint8Array(key.subarray(16))]
  const hmac = { name: 'HMAC', hash: 'SHA-256' }
  return {
    signingKey: await subtle.importKey('raw', signing, hmac, false, ['sign', 'verify']),
    encryptionKey: await subtle.importKey('raw', encryption, 'AES-CBC', false, ['encrypt', 'decrypt']),
  }
}

/**
 * Encrypts as Fernet ("Generating" of the specification).
 *
 * @param key 32 bytes
 * @param made when (milliseconds since 1970) and with which randomness; for vectors
 * @returns the token in base64url with its padding
 */
export async function encryptFernet(
  key: Uint8Array,
  plaintext: Uint8Array,
  made: { readonly now?: number; readonly random?: Random } = {},
): Promise<string> {
  const { now = Date.now(), random = platformRandom } = made
  const { signingKey, encryptionKey } = await importKeys(key)
  const { subtle } = globalThis.crypto
  const iv = takeRandom(random, ivBytes)
  const encrypted = await subtle.encrypt({ name: 'AES-CBC', iv }, encryptionKey, new Uint8Array(plaintext))
  const token = new Uint8Array(ciphertextAt + encrypted.byteLength + macBytes)
  token[0] = version
  new DataView(token.buffer).setBigUint64(1, BigInt(Math.floor(now / 1000)))
  token.set(iv, ivAt)
  token.set(new Uint8Array(encrypted), ciphertextAt)
  const signed = token.subarray(0, -macBytes)
  token.set(new Uint8Array(await subtle.sign('HMAC', signingKey, signed)), signed.length)
  return withPadding(encodeBase64url(token))
}

async function decryptBytes(key: Uint8Array, token: Uint8Array<ArrayBuffer>) {
  if (token.length < minBytes || token[0] !== version) throw new OpenError()
  const { signingKey, encryptionKey } = await importKeys(key)
  const { subtle } = globalThis.crypto
  const signed = token.subarray(0, -macBytes)
  // Before anything of it is decrypted; the platform compares in constant time.
  if (!(await subtle.verify('HMAC', signingKey, token.subarray(-macBytes), signed))) throw new OpenError()
  const iv = token.subarray(ivAt, ciphertextAt)
  return subtle.decrypt({ name: 'AES-CBC', iv }, encryptionKey, signed.subarray(ciphertextAt))
}

/**
 * Verifies and decrypts ("Verifying" of the specification, without step 3: a token of any age opens).
 *
 * @param key 32 bytes
 * @param token in base64url with its padding
 * @throws OpenError whatever it is that keeps the token from opening
 */
export async function decryptFernet(key: Uint8Array, token: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const text = token.replace(/={0,2}$/, '')
    if (withPadding(text) !== token) throw new OpenError()
    return new Uint8Array(await decryptBytes(key, decodeBase64url(text)))
  } catch {
    throw new OpenError()
  }
}

/** Padding up to a multiple of four characters (RFC 4648, section 4). */
const withPadding = (text: string) => text.padEnd(Math.ceil(text.length / 4) * 4, '=')
