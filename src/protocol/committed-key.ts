// The key of one envelope or of one file, with a commitment to it (docs/protocol.md, "Envelope" and "Files").
import { hkdfSha256 } from './hkdf.ts'

/** Of every key of the protocol. */
const keyBytes = 32
/** Of the random salt from which each envelope and each file has its own key. */
export const saltBytes = 32
export const commitmentBytes = 32
/** The tag of AES-256-GCM. */
export const tagBytes = 16

/** @throws TypeError for a key of another length than 32 bytes */
export function requireKey(key: Uint8Array) {
  if (key.length !== keyBytes)
    throw new TypeError(`A key has ${keyBytes} bytes, this one has ${key.length}: pass the bytes, not a text`)
}

/**
 * Encryption key and commitment: HKDF-SHA-256 (RFC 5869) of the key under a salt.
 *
 * @param key 32 bytes
 * @param salt 32 bytes, which belong to what is sealed and to nothing else
 * @param info what is sealed
 */
export async function deriveCommittedKey(key: Uint8Array, salt: Uint8Array, info: string) {
  const derived = await hkdfSha256(key, salt, info, keyBytes + commitmentBytes)
  return { encryptionKey: derived.subarray(0, keyBytes), commitment: derived.subarray(keyBytes) }
}

export const importAesKey = (encryptionKey: Uint8Array<ArrayBuffer>, usage: 'encrypt' | 'decrypt') =>
  globalThis.crypto.subtle.importKey('raw', encryptionKey, 'AES-GCM', false, [usage])

/** Compares every byte, so that the time it takes says nothing about where two commitments differ. */
export function equalInConstantTime(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false
  let difference = 0
  for (const [index, byte] of left.entries()) difference |= byte ^ (right[index] ?? 0)
  return difference === 0
}
