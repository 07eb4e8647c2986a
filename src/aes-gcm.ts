// AES-256-GCM (NIST SP 800-38D) for what the server itself has to keep secret and open again.
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'

const cipher = 'aes-256-gcm'
const tagBytes = 16

/** Bytes of a nonce: random, and never used twice under a key. */
export const nonceBytes = 12

/**
 * @param context what the sealed bytes are and where they belong; they open nowhere else
 * @returns nonce ‖ ciphertext ‖ tag
 */
export function sealBytes(key: KeyObject, nonce: Uint8Array, context: string, plain: Uint8Array): Buffer {
  const sealing = createCipheriv(cipher, key, nonce)
  sealing.setAAD(Buffer.from(context))
  return Buffer.concat([nonce, sealing.update(plain), sealing.final(), sealing.getAuthTag()])
}

/** @returns undefined where `sealBytes` did not make it, under this key and in this context */
export function openBytes(key: KeyObject, context: string, sealed: Uint8Array): Buffer | undefined {
  if (sealed.length < nonceBytes + tagBytes) return undefined
  const opening = createDecipheriv(cipher, key, sealed.subarray(0, nonceBytes))
  opening.setAAD(Buffer.from(context))
  opening.setAuthTag(sealed.subarray(-tagBytes))
  try {
    return Buffer.concat([opening.update(sealed.subarray(nonceBytes, -tagBytes)), opening.final()])
  } catch {
    return undefined
  }
}
