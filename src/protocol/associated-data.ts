// The associated data of envelopes and files: what each is, and whose; docs/protocol.md calls it the context ("Context"). An
// envelope opens with its own associated data only.
import type { KdfParameters } from '../contract/accounts.ts'

/** The role of an envelope, and the ids and parameters it belongs to. Ids are UUIDs in lower case. */
export type AssociatedData = readonly string[]

/** The first version of a key has no part in the context: envelopes were made before keys could be changed. */
const versionPart = (keyVersion: number): AssociatedData => (keyVersion === 1 ? [] : [String(keyVersion)])

/**
 * Of an account key under a wrap key. The parameters belong to it so that a server cannot pass off other ones as those the
 * key was sealed with, and the version so that it cannot pass off the key of before a change.
 */
export const accountKeyAssociatedData = (
  accountId: string,
  kdf: KdfParameters,
  accountKeyVersion = 1,
): AssociatedData => [
  'account-key',
  accountId,
  kdf.algorithm,
  String(kdf.memoryKiB),
  String(kdf.iterations),
  String(kdf.parallelism),
  kdf.salt,
  ...versionPart(accountKeyVersion),
]

/** Of a vault key of this version under an account key. */
export const vaultKeyAssociatedData = (
  accountId: string,
  vaultId: string,
  keyVersion = 1,
): AssociatedData => ['vault-key', accountId, vaultId, ...versionPart(keyVersion)]

/** Of a vault key of this version under the key of a personal access token's bearer. */
export const tokenVaultKeyAssociatedData = (
  accountId: string,
  vaultId: string,
  keyVersion = 1,
): AssociatedData => ['token-vault-key', accountId, vaultId, ...versionPart(keyVersion)]

/** Of a vault's own data under its vault key. */
export const vaultDataAssociatedData = (vaultId: string): AssociatedData => ['vault-data', vaultId]

/** Of an item's data under its vault key. */
export const itemAssociatedData = (vaultId: string, itemId: string): AssociatedData => [
  'item',
  vaultId,
  itemId,
]

/** Of the marker of a deletion under the vault's key. */
export const purgeAssociatedData = (vaultId: string, itemId: string): AssociatedData => [
  'purge',
  vaultId,
  itemId,
]

/** Of every chunk of a file under the file's own key. */
export const fileAssociatedData = (vaultId: string, itemId: string, attachmentId: string): AssociatedData => [
  'file',
  vaultId,
  itemId,
  attachmentId,
]

/** Of an account key that a client keeps sealed on its own disk; never sent. */
export const unlockAssociatedData = (accountId: string): AssociatedData => ['unlock', accountId]

/** Of what a client notes beside it about its last use; never sent. */
export const unlockUseAssociatedData = (accountId: string): AssociatedData => ['unlock-use', accountId]

const lengthBytes = 4

/**
 * Each part as its length, 4 bytes in big-endian order, and its UTF-8 bytes (docs/protocol.md, "Context"). The lengths keep
 * two different contexts from having the same bytes.
 *
 * @throws TypeError for a part with a lone surrogate: UTF-8 would replace it, and two contexts would become one
 */
export function encodeAssociatedData(associatedData: AssociatedData): Uint8Array<ArrayBuffer> {
  if (!associatedData.every((part) => part.isWellFormed()))
    throw new TypeError('A part of a context must be well-formed Unicode')
  const parts = associatedData.map((part) => new TextEncoder().encode(part))
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
