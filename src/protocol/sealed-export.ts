// The file of an export: everything of an account under a passphrase, sealed and opened in chunks (docs/export-format.md).
import type { KdfParameters } from '../contract/accounts.ts'
import { ExportForm, ExportHeader, exportForm } from '../contract/exports.ts'
import { fileChunkBytes, padme } from '../contract/file-sizes.ts'
import { decodeBase64url, encodeBase64url } from './base64url.ts'
import { ByteReader } from './byte-reader.ts'
import { chunkAlgorithm, openChunk, sealedChunkBytes } from './chunks.ts'
import { deriveCommittedKey, equalInConstantTime, importAesKey, tagBytes } from './committed-key.ts'
import { OpenError } from './envelope.ts'
import { deriveMasterKey, newKdf, requireAcceptableKdf } from './keys.ts'
import type { FileContent } from './sealed-file.ts'

const info = 'limpet/v1/export'
const noSalt = new Uint8Array(0)
/** Of the header with its line feed. One of this form has about 200. */
const mostHeaderBytes = 1024
const beginning = '{"limpetExport":'

/** What a guess at the passphrase of an export costs: an export is made seldom, and lies about for years. */
export const exportCosts = { memoryKiB: 262_144, iterations: 3, parallelism: 1 } as const

/** Why the file of an export is not read. */
export type ExportRefusal = 'newer-form' | 'malformed'

/** The header of an export says something that this version does not read. Nothing was derived from the passphrase. */
export class ExportHeaderError extends Error {
  override readonly name = 'ExportHeaderError'
  readonly code: ExportRefusal

  constructor(code: ExportRefusal, message: string) {
    super(message)
    this.code = code
  }
}

/** What stands in the first line of an export. */
export interface OpenHeader {
  readonly kdf: KdfParameters
  readonly commitment: Uint8Array
  /** The line itself with its line feed, which each chunk is bound to. */
  readonly line: Uint8Array<ArrayBuffer>
}

/** Whether a file is an export, of whichever form. @param head its first bytes */
export const isExport = (head: Uint8Array): boolean =>
  new TextDecoder().decode(head.subarray(0, beginning.length)) === beginning

/**
 * @param head the first bytes of an export, 1024 of them if it has so many
 * @throws ExportHeaderError, and KdfRefusedError for costs out of bounds
 */
export function readExportHeader(head: Uint8Array): OpenHeader {
  const end = head.subarray(0, mostHeaderBytes).indexOf(0x0a)
  const malformed = () =>
    new ExportHeaderError('malformed', 'The file begins like an export, and its first line is damaged')
  if (!isExport(head) || end < 0) throw malformed()
  const line = new Uint8Array(head.subarray(0, end + 1))
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line))
  } catch {
    throw malformed()
  }
  const named = ExportForm.safeParse(value)
  if (!named.success) throw malformed()
  if (named.data.limpetExport !== exportForm)
    throw new ExportHeaderError(
      'newer-form',
      `The export is of form ${named.data.limpetExport}, which a later version wrote; this one reads form ${exportForm}`,
    )
  const header = ExportHeader.safeParse(value)
  if (!header.success) throw malformed()
  const { kdf, commitment } = header.data
  requireAcceptableKdf(kdf)
  return { kdf, commitment: decodeBase64url(commitment), line }
}

async function deriveExportKey(passphrase: string, kdf: KdfParameters) {
  const masterKey = await deriveMasterKey(passphrase, kdf, 'passphrase')
  // The salt of Argon2id is new for each export, and with it this key.
  const derived = await deriveCommittedKey(masterKey, noSalt, info)
  masterKey.fill(0)
  return derived
}

/**
 * Seals an export as it comes (docs/export-format.md): not more than a chunk of it is in memory.
 *
 * @param content the records; padding is added
 * @param kdf with a salt that was never used before
 * @throws PasswordRefusedError for an empty passphrase, or one that is not well-formed Unicode
 * @throws KdfRefusedError for parameters out of bounds
 */
export async function* sealExport(
  passphrase: string,
  content: AsyncIterable<Uint8Array>,
  kdf: KdfParameters = newKdf(exportCosts),
): AsyncGenerator<Uint8Array, void, undefined> {
  const { encryptionKey, commitment } = await deriveExportKey(passphrase, kdf)
  const aesKey = await importAesKey(encryptionKey, 'encrypt')
  const header = { limpetExport: exportForm, kdf, commitment: encodeBase64url(commitment) }
  const line = new TextEncoder().encode(`${JSON.stringify(header)}\n`)
  yield line

  const plaintext = new Uint8Array(fileChunkBytes)
  let [filled, chunk, length] = [0, 0, 0]
  const seal = async (isLast: boolean) => {
    const algorithm = chunkAlgorithm(line, chunk++, isLast)
    const padded = plaintext.subarray(0, filled)
    filled = 0
    return new Uint8Array(await globalThis.crypto.subtle.encrypt(algorithm, aesKey, padded))
  }
  // A full chunk is sealed once there is more, because the last one is sealed as such.
  async function* take(piece: Uint8Array) {
    for (let at = 0; at < piece.length; ) {
      if (filled === fileChunkBytes) yield await seal(false)
      const part = piece.subarray(at, at + fileChunkBytes - filled)
      plaintext.set(part, filled)
      filled += part.length
      at += part.length
    }
  }
  for await (const piece of content) {
    length += piece.length
    yield* take(piece)
  }
  for (let left = padme(length) - length; left > 0; left -= fileChunkBytes)
    yield* take(new Uint8Array(Math.min(left, fileChunkBytes)))
  yield await seal(true)
}

/** An export whose passphrase is known. It is read from any byte on, so that nothing of it has to stay in memory. */
export class OpenedExport {
  readonly #file: FileContent
  readonly #header: OpenHeader
  readonly #aesKey: Awaited<ReturnType<typeof importAesKey>>

  private constructor(
    file: FileContent,
    header: OpenHeader,
    aesKey: Awaited<ReturnType<typeof importAesKey>>,
  ) {
    this.#file = file
    this.#header = header
    this.#aesKey = aesKey
  }

  /** @returns undefined for a wrong passphrase. Throws PasswordRefusedError for one that is not well-formed Unicode. */
  static async open(
    file: FileContent,
    header: OpenHeader,
    passphrase: string,
  ): Promise<OpenedExport | undefined> {
    const { encryptionKey, commitment } = await deriveExportKey(passphrase, header.kdf)
    if (!equalInConstantTime(commitment, header.commitment)) return undefined
    return new OpenedExport(file, header, await importAesKey(encryptionKey, 'decrypt'))
  }

  /**
   * The records from byte `start` on, in pieces of any size, the padding included. What came counts once the end was reached from 0:
   * until then the file can turn out to be cut off.
   *
   * @throws OpenError for a file that is cut off, put together otherwise, or changed
   */
  async *read(start = 0): AsyncGenerator<Uint8Array, void, undefined> {
    const { line } = this.#header
    const bytes = this.#file.size - line.length
    const chunks = Math.max(1, Math.ceil(bytes / sealedChunkBytes))
    if (bytes - (chunks - 1) * sealedChunkBytes <= tagBytes) throw new OpenError()
    let chunk = Math.floor(start / fileChunkBytes)
    let skipped = start - chunk * fileChunkBytes
    const reader = new ByteReader(this.#file.read(line.length + chunk * sealedChunkBytes))
    try {
      for (; chunk < chunks; chunk++) {
        const sealed = await reader.take(Math.min(sealedChunkBytes, bytes - chunk * sealedChunkBytes))
        const algorithm = chunkAlgorithm(line, chunk, chunk === chunks - 1)
        const plaintext = await openChunk(algorithm, this.#aesKey, sealed)
        if (skipped < plaintext.length) yield plaintext.subarray(skipped)
        skipped = 0
      }
    } finally {
      await reader.close()
    }
  }
}
