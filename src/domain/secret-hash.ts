// What the server keeps of a secret that it or a client has drawn at random, and how it compares one with that.
import { hash, timingSafeEqual } from 'node:crypto'

/**
 * SHA-256. Good for what cannot be guessed (tokens, codes, proofs, claims): a plain hash of it tells nothing, and looking a row up
 * by it neither. Never for what a person chose.
 */
export const hashSecret = (secret: string | Uint8Array): Uint8Array => hash('sha256', secret, 'buffer')

/** Compares hashes in constant time. */
export const isSameHash = (kept: Uint8Array | null, given: Uint8Array): boolean =>
  kept !== null && kept.length === given.length && timingSafeEqual(kept, given)
