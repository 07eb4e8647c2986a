// Sealed files: against the published vectors, which another implementation made, and in pieces of any size.
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { fileChunks, padme, sealedFileBytes } from '../../src/contract/file-sizes.ts'
import { encodeAssociatedData, fileAssociatedData } from '../../src/protocol/associated-data.ts'
import { OpenError } from '../../src/protocol/envelope.ts'
import {
  FileChangedError,
  type FileContent,
  newFileSalt,
  openFile,
  prepareFile,
} from '../../src/protocol/sealed-file.ts'
import { vectors } from './read-vectors.ts'

const { vaultKey, accepted, refused } = vectors.files
type Ids = Pick<(typeof accepted)[number], 'vaultId' | 'itemId' | 'attachmentId'>

const contextOf = ({ vaultId, itemId, attachmentId }: Ids) =>
  fileAssociatedData(vaultId, itemId, attachmentId)
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** The bytes 1 to 251, again and again. */
const plaintextOf = (size: number) => {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at++) bytes[at] = (at % 251) + 1
  return bytes
}

async function* inPieces(bytes: Uint8Array, length = bytes.length) {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

const contentOf = (bytes: Uint8Array, length?: number): FileContent => ({
  size: bytes.length,
  read: (start) => inPieces(bytes.subarray(start), length),
})

async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of bytes) pieces.push(piece)
  return new Uint8Array(Buffer.concat(pieces))
}

const prepared = (vector: (typeof accepted)[number], piece?: number) =>
  prepareFile(vaultKey, contextOf(vector), contentOf(plaintextOf(vector.size), piece), vector.salt)

describe('vectors of files', () => {
  test.each(accepted)('$name', async (vector) => {
    const { size, salt, context, sealed: expected } = vector
    expect(contextOf(vector)).toEqual(context)
    expect(padme(size)).toBe(vector.padded)
    expect(fileChunks(size)).toBe(vector.chunks)
    expect(sealedFileBytes(size)).toBe(vector.bytes)
    const file = await prepared(vector)
    const sealed = await collect(file.sealed(0))
    expect(file.bytes).toBe(sealed.length)
    expect(sealed.length).toBe(vector.bytes)
    expect(sha256(sealed)).toBe(vector.sealedSha256)
    if (expected) expect(sealed).toEqual(expected)
    const opened = await collect(openFile([vaultKey], context, { size, salt }, inPieces(sealed, 10_007)))
    expect(opened.length).toBe(size)
    expect(sha256(opened)).toBe(vector.plaintextSha256)
  })

  const offers = new Map<string, Promise<Uint8Array>>()
  const sealedOf = (vector: (typeof accepted)[number]) => {
    const known = offers.get(vector.name) ?? prepared(vector).then((file) => collect(file.sealed(0)))
    offers.set(vector.name, known)
    return known
  }

  test.each(refused)('refuses: $why', async ({ of, pieces, offeredSha256, expected }) => {
    const vector = accepted.find(({ name }) => name === of)
    if (!vector) throw new Error(`There is no vector "${of}"`)
    const sealed = await sealedOf(vector)
    const plaintext = new Uint8Array(vector.padded)
    plaintext.set(plaintextOf(vector.size))
    const key = await crypto.subtle.importKey('raw', vector.fileKey, 'AES-GCM', false, ['encrypt'])
    const offered: Uint8Array[] = []
    for (const piece of pieces) {
      if ('hex' in piece) offered.push(piece.hex)
      else if ('from' in piece) offered.push(sealed.subarray(piece.from, piece.to))
      else {
        const { nonce, begin, length } = piece
        const additionalData = encodeAssociatedData(vector.context)
        const algorithm = { name: 'AES-GCM', iv: nonce, additionalData }
        const part = plaintext.subarray(begin, begin + length)
        offered.push(new Uint8Array(await crypto.subtle.encrypt(algorithm, key, part)))
      }
    }
    const bytes = Buffer.concat(offered)
    expect(sha256(bytes)).toBe(offeredSha256)
    for (const length of [bytes.length, 999]) {
      const opening = collect(openFile([vaultKey], contextOf(expected), expected, inPieces(bytes, length)))
      await expect(opening).rejects.toStrictEqual(new OpenError())
    }
  })
})

describe('a file that is sealed again', () => {
  const ids = { vaultId: 'v', itemId: 'i', attachmentId: 'a' }
  const salt = newFileSalt()
  const prepare = (content: FileContent) => prepareFile(vaultKey, contextOf(ids), content, salt)

  test('gives the same bytes from any byte on', async () => {
    const file = await prepare(contentOf(plaintextOf(200_000), 1000))
    const whole = await collect(file.sealed(0))
    const chunk = 65_536 + 16
    const places = [1, 64, 65, 66, 65 + chunk - 1, 65 + chunk, 65 + chunk + 1, 65 + 3 * chunk, whole.length]
    for (const start of [...places, whole.length - 1])
      expect(await collect(file.sealed(start))).toEqual(whole.subarray(start))
    const again = await prepare(contentOf(plaintextOf(200_000)))
    expect(again.fingerprint).toBe(file.fingerprint)
    expect(await collect(again.sealed(0))).toEqual(whole)
  })

  test('has another fingerprint where a byte differs', async () => {
    const bytes = plaintextOf(100_000)
    const before = await prepare(contentOf(bytes))
    bytes[70_000] = 0
    const after = await prepare(contentOf(bytes))
    expect(after.fingerprint).not.toBe(before.fingerprint)
  })

  test('gives no byte of a chunk whose content changed meanwhile', async () => {
    const bytes = plaintextOf(150_000)
    const file = await prepare(contentOf(bytes))
    const before = await collect(file.sealed(0))
    bytes[70_000] = 0
    const given: Uint8Array[] = []
    const sealing = (async () => {
      for await (const piece of file.sealed(0)) given.push(piece)
    })()
    await expect(sealing).rejects.toThrow(FileChangedError)
    const sent = new Uint8Array(Buffer.concat(given))
    expect(sent).toEqual(before.subarray(0, 65 + 65_536 + 16))
    await expect(collect(file.sealed(65 + 65_536 + 16))).rejects.toThrow(FileChangedError)
  })

  test.each([
    ['longer', 1],
    ['shorter', -1],
  ])('is refused where it is %s than was said', async (_, more) => {
    const bytes = plaintextOf(100_000)
    const size = bytes.length - more
    await expect(prepare({ ...contentOf(bytes), size })).rejects.toThrow(FileChangedError)
  })

  test('ends its source where nobody reads on', async () => {
    let ended = 0
    const bytes = plaintextOf(300_000)
    const endless = async function* () {
      try {
        for await (const piece of inPieces(bytes, 1000)) yield piece
      } finally {
        ended++
      }
    }
    const file = await prepare({ size: bytes.length, read: endless })
    for await (const _ of file.sealed(0)) break
    // The first piece is the header, before which nothing is read.
    expect(ended).toBe(1)
    const sealed = await collect(file.sealed(0))
    expect(ended).toBe(2)
    const source = async function* () {
      try {
        yield sealed
      } finally {
        ended++
      }
    }
    for await (const _ of openFile([vaultKey], contextOf(ids), { size: bytes.length, salt }, source())) break
    expect(ended).toBe(3)
  })

  test('gives what the connection throws as it is', async () => {
    const broken = new Error('The connection broke')
    const source = async function* () {
      yield new Uint8Array(10)
      throw broken
    }
    const opening = collect(openFile([vaultKey], contextOf(ids), { size: 1, salt }, source()))
    await expect(opening).rejects.toBe(broken)
  })

  test('takes a key of 32 bytes only', async () => {
    const short = vaultKey.subarray(1)
    await expect(prepareFile(short, contextOf(ids), contentOf(plaintextOf(1)), salt)).rejects.toThrow(
      TypeError,
    )
    const opening = collect(openFile([short], contextOf(ids), { size: 1, salt }, inPieces(plaintextOf(97))))
    await expect(opening).rejects.toThrow(TypeError)
  })
})
