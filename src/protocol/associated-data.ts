// Contexts: what an envelope is, and whose. An envelope opens in its own context only (docs/protocol.md, "Context").
import type { KdfParameters } from '../contract/accounts.ts'

/** The role of an envelope, and the ids and parameters it belongs to. Ids are UUIDs in lower case. */
export type Context = readonly string[]

/**
 * Of an account key under a wrap key. The parameters belong to it so that a server cannot pass off other ones as those the
 * key was sealed with.
 */
export const accountKeyContext = (accountId: string, kdf: KdfParameters): Context => [
  'account-key',
  accountId,
  kdf.algorithm,
  String(kdf.memoryKiB),
  String(kdf.iterations),
  String(kdf.parallelism),
  kdf.salt,
]

/** Of a vault key under an account key. */
export const vaultKeyContext = (accountId: string, vaultId: string): Context => [
  'vault-key',
  accountId,
  vaultId,
]

/** Of a vault key under the key of a personal access token's bearer. */
export const tokenVaultKeyContext = (accountId: string, vaultId: string): Context => [
  'token-vault-key',
  accountId,
  vaultId,
]

/** Of a vault's own data under its vault key. */
export const vaultDataContext = (vaultId: string): Context => ['vault-data', vaultId]

/** Of an item's data under its vault key. */
export const itemContext = (vaultId: string, itemId: string): Context => ['item', vaultId, itemId]

/** Of the marker of a deletion under the vault's key. */
export const purgeContext = (vaultId: string, itemId: string): Context => ['purge', vaultId, itemId]

/** Of an account key that a client keeps sealed on its own disk; never sent. */
export const unlockContext = (accountId: string): Context => ['unlock', accountId]

const lengthBytes = 4

/**
 * Each part as its length, 4 bytes in big-endian order, and its UTF-8 bytes (docs/protocol.md, "Context"). The lengths keep
 * two different contexts from having the same bytes.
 *
 * @throws TypeError for a part with a lone surrogate: UTF-8 would replace it, and two contexts would become one
 */
export function encodeContext(context: Context): Uint8Array<ArrayBuffer> {
  if (!context.every((part) => part.isWellFormed()))
    throw new TypeError('A part of a context must be well-formed Unicode')
  const parts = context.map((part) => new TextEncoder().encode(part))
  const encoded = new Uint8Array(parts.reduce((total, part) => total + lengthBytes + part.length, 0))
  const view = new DataView(encoded.buffer)
  let at = 0
  for (const part of parts) {
    view.setUint32(at, part.length)
    encoded.set(part, at + lengthBytes)
    at += lengthBytes + part.length
  }
  return encoded
}
