// Refresh tokens: 32 random bytes at login, and from then on each one the HMAC of the one before.
import { createHmac, type KeyObject } from 'node:crypto'

/**
 * The token that replaces this one. Deriving it means that the same use can be answered again with the same successor,
 * while only hashes are stored; the key means that who stole a token cannot follow the session by computing.
 */
export const successorOf = (key: KeyObject, token: Uint8Array): Uint8Array =>
  createHmac('sha256', key).update(token).digest()
