// The chunks of what is sealed as a stream (docs/protocol.md, "Files"; docs/export-format.md): cut off, exchanged, repeated or left out,
// none of them opens.
import { fileChunkBytes } from '../contract/file-sizes.ts'
import { type importAesKey, tagBytes } from './committed-key.ts'
import { OpenError } from './envelope.ts'

/** Of a chunk that is not the last one, its tag included. */
export const sealedChunkBytes = fileChunkBytes + tagBytes

/** AES-256-GCM (NIST SP 800-38D) of one chunk: its number, from 0, and whether it is the last one are the nonce. */
export function chunkAlgorithm(associatedData: Uint8Array<ArrayBuffer>, chunk: number, isLast: boolean) {
  const nonce = new Uint8Array(12)
  // 11 bytes, big-endian. No file has as many chunks as the last six hold.
  new DataView(nonce.buffer).setBigUint64(3, BigInt(chunk))
  nonce[11] = isLast ? 1 : 0
  return { name: 'AES-GCM', iv: nonce, additionalData: associatedData, tagLength: tagBytes * 8 }
}

/** @throws OpenError where it is not this chunk */
export async function openChunk(
  algorithm: ReturnType<typeof chunkAlgorithm>,
  aesKey: Awaited<ReturnType<typeof importAesKey>>,
  sealed: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  try {
    return new Uint8Array(await globalThis.crypto.subtle.decrypt(algorithm, aesKey, sealed))
  } catch {
    throw new OpenError()
  }
}
