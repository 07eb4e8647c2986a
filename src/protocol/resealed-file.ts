// What a file gets when it is sealed anew under the next key of its vault (docs/protocol.md, "Changing keys").
import { encodeAssociatedData } from './associated-data.ts'
import { decodeBase64url, encodeBase64url } from './base64url.ts'
import { hkdfSha256 } from './hkdf.ts'

const info = 'limpet/v1/resealed-file'
const idBytes = 16
const saltBytes = 32

/** A UUID of version 8 (RFC 9562, section 5.8): made of bytes that mean something to Limpet alone. */
function uuidOf(bytes: Uint8Array): string {
  const marked = bytes.map((byte, at) =>
    at === 6 ? (byte & 0x0f) | 0x80 : at === 8 ? (byte & 0x3f) | 0x80 : byte,
  )
  const hex = Array.from(marked, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/**
 * The id and the salt of the file that replaces another one under the vault's next key. They follow from the file and the key, so that
 * a change of the key that is resumed, or done by two clients at once, makes the same bytes again. The old salt keeps two files from
 * ever sharing a key: each salt was drawn for one file.
 *
 * @param vaultKey the next key, 32 bytes
 * @param file the one that is replaced; `salt` as in the item's content
 * @returns the id and the salt, in base64url, of the one that replaces it
 */
export async function resealedFile(
  vaultKey: Uint8Array,
  file: { vaultId: string; itemId: string; id: string; salt: string },
): Promise<{ id: string; salt: string }> {
  // Decoded, so that no other spelling of it makes another file.
  const salt = encodeBase64url(decodeBase64url(file.salt))
  const context = encodeAssociatedData(['resealed-file', file.vaultId, file.itemId, file.id, salt])
  const made = await hkdfSha256(vaultKey, context, info, idBytes + saltBytes)
  return { id: uuidOf(made.subarray(0, idBytes)), salt: encodeBase64url(made.subarray(idBytes)) }
}
