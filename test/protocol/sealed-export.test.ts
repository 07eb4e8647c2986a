// The file of an export: against the published vectors, which another implementation made, and in pieces of any size.
import { createCipheriv, createHash } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import { OpenError } from '../../src/protocol/envelope.ts'
import { KdfRefusedError, newKdf } from '../../src/protocol/keys.ts'
import {
  ExportHeaderError,
  isExport,
  OpenedExport,
  readExportHeader,
  sealExport,
} from '../../src/protocol/sealed-export.ts'
import { vectors } from './read-vectors.ts'

// What a guess costs is a part of the form.
vi.unmock('hash-wasm')

const { accepted, refused } = vectors.exports
type Vector = (typeof accepted)[number]

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

function recordsOf({ recordsBefore, fileBytes, recordsAfter }: Vector): Uint8Array {
  const file = Uint8Array.from({ length: fileBytes }, (_, at) => (at % 251) + 1)
  return new Uint8Array(Buffer.concat([Buffer.from(recordsBefore), file, Buffer.from(recordsAfter)]))
}

async function* inPieces(bytes: Uint8Array, length = bytes.length) {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

const fileOf = (bytes: Uint8Array, length?: number) => ({
  size: bytes.length,
  read: (start: number) => inPieces(bytes.subarray(start), length),
})

async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of bytes) pieces.push(piece)
  return new Uint8Array(Buffer.concat(pieces))
}

/** Each is sealed once: it takes a moment. */
const sealed = new Map<string, Promise<Uint8Array>>()
function sealedOf(vector: Vector): Promise<Uint8Array> {
  const known =
    sealed.get(vector.name) ??
    collect(sealExport(vector.passphrase, inPieces(recordsOf(vector), 999), vector.kdf))
  sealed.set(vector.name, known)
  return known
}

const open = (bytes: Uint8Array, passphrase: string, length?: number) =>
  OpenedExport.open(fileOf(bytes, length), readExportHeader(bytes.subarray(0, 1024)), passphrase)

function vectorOf(name: string): Vector {
  const vector = accepted.find((one) => one.name === name)
  if (!vector) throw new Error(`There is no vector "${name}"`)
  return vector
}

describe('vectors of exports', () => {
  test.each(accepted)('$name', async (vector) => {
    const bytes = await sealedOf(vector)
    expect(new TextDecoder().decode(bytes.subarray(0, vector.header.length))).toBe(vector.header)
    expect(bytes).toHaveLength(vector.bytes)
    expect(sha256(bytes)).toBe(vector.sealedSha256)
    if (vector.sealed) expect(bytes).toEqual(vector.sealed)

    expect(isExport(bytes)).toBe(true)
    const opened = await open(bytes, vector.passphrase, 1000)
    const plaintext = await collect(opened?.read() ?? inPieces(bytes))
    expect(plaintext).toHaveLength(vector.padded)
    expect(sha256(plaintext.subarray(0, vector.recordBytes))).toBe(vector.recordsSha256)
    expect(plaintext.subarray(vector.recordBytes).every((byte) => byte === 0)).toBe(true)
  })

  test('is read from any byte on', async () => {
    const vector = vectorOf('several chunks')
    const opened = await open(await sealedOf(vector), vector.passphrase)
    const whole = await collect(opened?.read() ?? inPieces(new Uint8Array(0)))
    for (const start of [0, 1, 65_535, 65_536, 65_537, 140_000, vector.padded - 1, vector.padded])
      expect(await collect(opened?.read(start) ?? inPieces(whole))).toEqual(whole.subarray(start))
  })

  const parts = async (vector: Vector) => {
    const bytes = await sealedOf(vector)
    const chunk = (number: number) => {
      const begin = vector.header.length + number * (65_536 + 16)
      return bytes.subarray(begin, begin + 65_536 + 16)
    }
    return (part: number) => (part === 0 ? bytes.subarray(0, vector.header.length) : chunk(part - 1))
  }

  test.each(refused)('refuses $why', async ({ of, pieces, passphrase, refusal, offeredSha256 }) => {
    const vector = vectorOf(of)
    const partOf = async (piece: (typeof pieces)[number]) => {
      if ('hex' in piece) return piece.hex
      if ('part' in piece) {
        const part = (await parts(vectorOf(piece.of ?? of)))(piece.part)
        return part.subarray(0, piece.length)
      }
      const padded = new Uint8Array(vector.padded)
      padded.set(recordsOf(vector))
      const cipher = createCipheriv('aes-256-gcm', vector.exportKey, piece.nonce)
      cipher.setAAD(Buffer.from(vector.header))
      const plaintext = padded.subarray(piece.begin, piece.begin + piece.length)
      return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
    }
    const offered = new Uint8Array(Buffer.concat(await Promise.all(pieces.map(partOf))))
    expect(sha256(offered)).toBe(offeredSha256)
    const ended = async () => {
      const opened = await open(offered, passphrase)
      if (!opened) return 'passphrase'
      await collect(opened.read())
      return 'accepted'
    }
    const kindOf = (error: unknown) => {
      if (error instanceof ExportHeaderError) return 'header'
      if (error instanceof KdfRefusedError) return 'costs'
      if (error instanceof OpenError) return 'content'
      throw error
    }
    expect(await ended().catch(kindOf)).toBe(refusal)
  })
})

describe('an export', () => {
  const cheap = () => newKdf({ memoryKiB: 19_456, iterations: 2, parallelism: 1 })

  test.each([1, 65_535, 65_536, 65_537, 131_072])('of %i bytes comes back', async (size) => {
    const bytes = Uint8Array.from({ length: size }, (_, at) => at % 256)
    const file = await collect(sealExport('correct horse', inPieces(bytes, 4096), cheap()))
    const opened = await open(file, 'correct horse')
    const plaintext = await collect(opened?.read() ?? inPieces(bytes))
    expect(plaintext.subarray(0, size)).toEqual(bytes)
  })

  test('has another key each time', async () => {
    const [one, other] = [1, 2].map(() =>
      collect(sealExport('correct horse', inPieces(new Uint8Array(9)), cheap())),
    )
    expect(await one).not.toEqual(await other)
  })

  test('ends with what its content ends with', async () => {
    const failing = async function* () {
      yield new Uint8Array(100_000)
      throw new Error('The line broke')
    }
    await expect(collect(sealExport('correct horse', failing(), cheap()))).rejects.toThrow('The line broke')
  })
})
