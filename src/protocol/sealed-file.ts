// Files beside items: sealed and opened in chunks, so that a file is never whole in memory (docs/protocol.md, "Files").
import { fileChunkBytes, fileChunks, padme, sealedFileBytes } from '../contract/file-sizes.ts'
import { type AssociatedData, encodeAssociatedData } from './associated-data.ts'
import { encodeBase64url } from './base64url.ts'
import { ByteReader } from './byte-reader.ts'
import { chunkAlgorithm, openChunk, sealedChunkBytes } from './chunks.ts'
import {
  commitmentBytes,
  deriveCommittedKey,
  equalInConstantTime,
  importAesKey,
  requireKey,
  saltBytes,
  tagBytes,
} from './committed-key.ts'
import { OpenError } from './envelope.ts'
import { platformRandom, type Random, takeRandom } from './random.ts'

// version (1) ‖ salt (32) ‖ commitment (32) ‖ chunks (AES-256-GCM, the tag of 16 bytes last in each)
const version = 0x01
const commitmentAt = 1 + saltBytes
const headerBytes = commitmentAt + commitmentBytes
const info = 'limpet/v1/file'

/** A new salt for a file that is sealed for the first time. */
export const newFileSalt = (random: Random = platformRandom): Uint8Array<ArrayBuffer> =>
  takeRandom(random, saltBytes)

/** A file on this side. */
export interface FileContent {
  /** Bytes of plaintext. */
  readonly size: number
  /** Its bytes from `start` to its end, in pieces of any size. Called several times; each time the same bytes come. */
  read(start: number): AsyncIterable<Uint8Array>
}

/** What was read of a file is not what was read of it before, or not as long as was said. Nothing of the difference was sealed for others. */
export class FileChangedError extends Error {
  override readonly name = 'FileChangedError'

  constructor() {
    super('The file changed while it was read')
  }
}

/** Where chunk `chunk` lies in the padded plaintext, and how much of it is content; the rest is zeros. */
function chunkOf(size: number, chunk: number) {
  const begin = chunk * fileChunkBytes
  const length = Math.min(fileChunkBytes, padme(size) - begin)
  return { begin, length, content: Math.max(0, Math.min(length, size - begin)) }
}

/** A file that was read and sealed once, and can be sealed again from any byte on. */
export interface PreparedFile {
  readonly size: number
  readonly salt: Uint8Array
  /** Of the sealed file. */
  readonly bytes: number
  /** The same for the same bytes under the same salt, and for nothing else. It tells nothing about the file. */
  readonly fingerprint: string
  /**
   * The sealed bytes from `start` on, which are the same each time.
   * @throws FileChangedError before it gives a byte that is sealed from other content than before
   */
  sealed(start: number): AsyncGenerator<Uint8Array>
}

/**
 * Seals a file so that it opens with this key in this context only (docs/protocol.md, "Files").
 *
 * An upload that breaks off is sealed again under its salt, and two different contents under one salt would reveal what both are.
 * So the file is read twice: here, for the tag of every chunk, before anything of it leaves; and by `sealed`, which gives no
 * chunk with another tag.
 *
 * @param key 32 bytes
 * @param salt from `newFileSalt`; of an upload that was begun, the one that it has
 * @throws FileChangedError where the content has another length than its size
 * @throws TypeError for a key of another length, or a context that is not well-formed Unicode
 */
export async function prepareFile(
  key: Uint8Array,
  associatedData: AssociatedData,
  { size, read }: FileContent,
  salt: Uint8Array,
): Promise<PreparedFile> {
  requireKey(key)
  const encoded = encodeAssociatedData(associatedData)
  const { encryptionKey, commitment } = await deriveCommittedKey(key, salt, info)
  const aesKey = await importAesKey(encryptionKey, 'encrypt')
  const chunks = fileChunks(size)
  const header = new Uint8Array(headerBytes)
  header[0] = version
  header.set(salt, 1)
  header.set(commitment, commitmentAt)

  async function* sealedChunks(first: number): AsyncGenerator<{ chunk: number; sealed: Uint8Array }> {
    const reader = new ByteReader(read(Math.min(size, first * fileChunkBytes)))
    // One for all chunks: what is left to the garbage collector for each of them would be more than the file.
    const plaintext = new Uint8Array(Math.min(fileChunkBytes, padme(size)))
    try {
      for (let chunk = first; chunk < chunks; chunk++) {
        const { length, content } = chunkOf(size, chunk)
        const padded = plaintext.subarray(0, length).fill(0, content)
        const taken = await reader.take(content, padded)
        const isLonger = chunk === chunks - 1 && (await reader.take(1)).length > 0
        if (taken.length !== content || isLonger) throw new FileChangedError()
        const algorithm = chunkAlgorithm(encoded, chunk, chunk === chunks - 1)
        yield {
          chunk,
          sealed: new Uint8Array(await globalThis.crypto.subtle.encrypt(algorithm, aesKey, padded)),
        }
      }
    } finally {
      await reader.close()
    }
  }

  const tags = new Uint8Array(chunks * tagBytes)
  for await (const { chunk, sealed } of sealedChunks(0))
    tags.set(sealed.subarray(sealed.length - tagBytes), chunk * tagBytes)

  const isAsBefore = (chunk: number, sealed: Uint8Array) =>
    sealed.subarray(sealed.length - tagBytes).every((byte, index) => byte === tags[chunk * tagBytes + index])

  return {
    size,
    salt,
    bytes: sealedFileBytes(size),
    fingerprint: encodeBase64url(new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', tags))),
    async *sealed(start) {
      if (start < headerBytes) yield header.subarray(start)
      const first = Math.max(0, Math.floor((start - headerBytes) / sealedChunkBytes))
      let skipped = Math.max(0, start - headerBytes - first * sealedChunkBytes)
      for await (const { chunk, sealed } of sealedChunks(first)) {
        if (!isAsBefore(chunk, sealed)) throw new FileChangedError()
        if (skipped < sealed.length) yield sealed.subarray(skipped)
        skipped = 0
      }
    },
  }
}

/** What an item's content says of a file, and the file has to be. */
export interface ExpectedFile {
  /** Bytes of plaintext. */
  readonly size: number
  /** 32 bytes. */
  readonly salt: Uint8Array
}

/**
 * Opens what `prepareFile` sealed, chunk by chunk (docs/protocol.md, "Files"). What it gives counts only once it has come to its
 * end without an error: until then the file can turn out to be cut off.
 *
 * @param keys vault keys of 32 bytes; the file says by its commitment which of them is its own
 * @param sealed the whole sealed file, in pieces of any size; what it throws is thrown here as it is
 * @throws OpenError whatever it is that keeps the file from opening
 * @throws TypeError for a key of another length, or a context that is not well-formed Unicode: mistakes of the caller
 */
export async function* openFile(
  keys: readonly Uint8Array[],
  associatedData: AssociatedData,
  { size, salt }: ExpectedFile,
  sealed: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  keys.forEach(requireKey)
  const encoded = encodeAssociatedData(associatedData)
  const chunks = fileChunks(size)
  const reader = new ByteReader(sealed)
  try {
    const aesKey = await openHeader(keys, salt, await reader.take(headerBytes))
    const sealedChunk = new Uint8Array(Math.min(sealedChunkBytes, padme(size) + tagBytes))
    for (let chunk = 0; chunk < chunks; chunk++) {
      const { length, content } = chunkOf(size, chunk)
      const taken = await reader.take(length + tagBytes, sealedChunk)
      const isLonger = chunk === chunks - 1 && (await reader.take(1)).length > 0
      if (taken.length !== length + tagBytes || isLonger) throw new OpenError()
      const padded = await openChunk(chunkAlgorithm(encoded, chunk, chunk === chunks - 1), aesKey, taken)
      if (padded.subarray(content).some((byte) => byte !== 0)) throw new OpenError()
      if (content > 0) yield padded.subarray(0, content)
    }
  } finally {
    await reader.close()
  }
}

/** @returns the file's own key, if the header is that of the file that is expected */
async function openHeader(keys: readonly Uint8Array[], salt: Uint8Array, header: Uint8Array) {
  if (header.length !== headerBytes || header[0] !== version) throw new OpenError()
  if (!equalInConstantTime(salt, header.subarray(1, commitmentAt))) throw new OpenError()
  for (const key of keys) {
    const { encryptionKey, commitment } = await deriveCommittedKey(key, salt, info)
    if (equalInConstantTime(commitment, header.subarray(commitmentAt)))
      return importAesKey(encryptionKey, 'decrypt')
  }
  throw new OpenError()
}
