// Refresh tokens: 32 random bytes at login. The first half stays the same in every later one of the session, its family; the
// second half is each time made from the token before.
import { createHmac, type KeyObject } from 'node:crypto'
import { hashSecret } from '../secret-hash.ts'

const familyBytes = 16

/** By what the tokens of one session are known, however long ago they were replaced. */
export const familyHashOf = (token: Uint8Array): Uint8Array => hashSecret(token.subarray(0, familyBytes))

/**
 * The token that replaces this one. Deriving it means that the same use can be answered again with the same successor,
 * while only hashes are stored; the key means that who stole a token cannot follow the session by computing.
 */
export function successorOf(key: KeyObject, token: Uint8Array): Uint8Array {
  const next = createHmac('sha256', key).update(token).digest()
  return Buffer.concat([token.subarray(0, familyBytes), next.subarray(familyBytes)])
}
