// Fernet (https://github.com/fernet/spec, version 0x80) for what the server encrypts itself: over Node's crypto, on bytes. The one of
// clients (protocol/fernet.ts) runs in browsers too, where each step is a task of its own: too slow for every request.
import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto'

// version (1) ‖ timestamp (8, seconds, big-endian) ‖ initialization vector (16) ‖ ciphertext (16 n, n >= 1) ‖ HMAC (32)
const version = 0x80
const headBytes = 1 + 8
export const ivBytes = 16
const macBytes = 32
const minBytes = headBytes + ivBytes + 16 + macBytes

const cipher = 'aes-128-cbc'

/** The halves of a key of 32 bytes ("Key Format" of the specification). */
const halves = (key: Uint8Array) => ({ signing: key.subarray(0, 16), encryption: key.subarray(16) })

const macOf = (signing: Uint8Array, signed: Uint8Array) =>
  createHmac('sha256', signing).update(signed).digest()

/**
 * Encrypts as Fernet ("Generating" of the specification).
 * @param key 32 bytes
 * @param made.now milliseconds since 1970
 * @param made.iv 16 random bytes
 * @returns the token's bytes
 */
export function sealFernet(
  key: Uint8Array,
  plaintext: Uint8Array,
  { now, iv }: { now: number; iv: Uint8Array },
): Buffer {
  const { signing, encryption } = halves(key)
  const head = Buffer.alloc(headBytes)
  head.writeUInt8(version)
  head.writeBigUInt64BE(BigInt(Math.floor(now / 1000)), 1)
  const sealing = createCipheriv(cipher, encryption, iv)
  const signed = Buffer.concat([head, iv, sealing.update(plaintext), sealing.final()])
  return Buffer.concat([signed, macOf(signing, signed)])
}

/**
 * Verifies and decrypts ("Verifying" of the specification, without step 3: a token of any age opens).
 * @param key 32 bytes
 * @param token its bytes
 * @returns undefined whatever it is that keeps the token from opening
 */
export function openFernet(key: Uint8Array, token: Uint8Array): Buffer | undefined {
  if (token.length < minBytes || token[0] !== version) return undefined
  const { signing, encryption } = halves(key)
  const signed = token.subarray(0, -macBytes)
  // Before anything of it is decrypted.
  if (!timingSafeEqual(macOf(signing, signed), token.subarray(-macBytes))) return undefined
  const iv = signed.subarray(headBytes, headBytes + ivBytes)
  try {
    const opening = createDecipheriv(cipher, encryption, iv)
    return Buffer.concat([opening.update(signed.subarray(headBytes + ivBytes)), opening.final()])
  } catch {
    return undefined
  }
}
