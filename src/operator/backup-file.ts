// The bytes of a backup; docs/backup-format.md describes them for reading one without Limpet.
import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { z } from 'zod'
import { rowsAtOnce } from '../store/bulk.ts'
import { type Digest, encodeRow, RunningDigest } from '../store/digest.ts'
import { kinds, type Row, rowFrom, type Shape } from '../store/shape.ts'
import { CliError } from '../terminal/exit-codes.ts'
import { withProgress } from '../terminal/progress.ts'
import { safeLine } from '../terminal/text.ts'

/** Names go into statements between quotation marks. */
const Name = z.string().regex(/^[a-z][a-z0-9_]{0,62}$/)

/** The first line. */
const Header = z.object({
  limpetBackup: z.literal(1),
  /** The version of Limpet that made it. */
  limpet: z.string(),
  createdAt: z.iso.datetime(),
  engine: z.enum(['sqlite', 'postgres']),
  /** The last migration that the database had. */
  migration: z.string(),
  /** Each behind those that it refers to. */
  tables: z.array(
    z.object({ name: Name, columns: z.array(z.object({ name: Name, kind: z.enum(kinds) })).min(1) }),
  ),
})
export type Header = z.infer<typeof Header>

/** Of any version, to say something better than "damaged" about a later one. */
const AnyHeader = z.object({ limpetBackup: z.number(), limpet: z.string() })

/** Stands before a table's rows. */
const Section = z.object({ table: Name })

/** The last line. */
const End = z.object({
  end: z.literal(true),
  tables: z.record(
    Name,
    z.object({ rows: z.int().nonnegative(), digest: z.string().regex(/^[\da-f]{64}$/) }),
  ),
})

export type Digests = Readonly<Record<string, Digest>>

const sealHead = Buffer.concat([
  // A gzip member (RFC 1952) with an extra field of 36 bytes: the subfield LP, of 32 bytes.
  Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 36, 0]),
  Buffer.from('LP'),
  Buffer.from([32, 0]),
])
// Nothing, deflated; its CRC and its length.
const sealTail = Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0, 0])
const sealBytes = sealHead.length + 32 + sealTail.length

/** The last bytes of the file: a gzip member that holds nothing but the SHA-256 of everything before it. */
const sealOf = (sha256: Uint8Array) => Buffer.concat([sealHead, sha256, sealTail])

async function* compressed(text: AsyncIterable<string>): AsyncIterable<Uint8Array> {
  const gzip = createGzip()
  const feeding = pipeline(text, gzip)
  // What goes wrong also comes out of `gzip`.
  feeding.catch(() => {})
  yield* gzip
  await feeding
}

async function* sealed(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const hash = createHash('sha256')
  for await (const chunk of bytes) {
    hash.update(chunk)
    yield chunk
  }
  yield sealOf(hash.digest())
}

/** Rows of one table, some at a time. */
export interface Batch {
  readonly table: Shape
  readonly rows: readonly Row[]
}

/**
 * The bytes of a backup.
 * @param batches in the order of the header's tables
 * @param onDone told the digests of what was written
 */
export function encodeBackup(
  header: Header,
  batches: AsyncIterable<Batch>,
  onDone: (digests: Digests) => void,
): AsyncIterable<Uint8Array> {
  async function* text() {
    const line = (value: unknown) => `${JSON.stringify(value)}\n`
    const digests = new Map(header.tables.map(({ name }) => [name, new RunningDigest()]))
    yield line(header)
    let current: string | undefined
    for await (const { table, rows } of batches) {
      const lines = rows.map(encodeRow)
      for (const one of lines) digests.get(table.name)?.add(one)
      const section = current === table.name ? '' : line({ table: table.name })
      current = table.name
      yield `${section}${lines.join('\n')}\n`
    }
    const tables = Object.fromEntries([...digests].map(([name, digest]) => [name, digest.value]))
    yield line({ end: true, tables })
    onDone(tables)
  }
  return sealed(compressed(text()))
}

/** A file that is not what it was written as. */
const damaged = (file: string, what: string) =>
  new CliError('refused', `${safeLine(file)} is damaged: ${what}. Nothing was changed. Use another backup.`)

/** Lines without their ends. */
async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncIterable<string> {
  let begun: Buffer[] = []
  for await (const chunk of chunks) {
    let from = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      yield Buffer.concat([...begun, chunk.subarray(from, end)]).toString('utf8')
      begun = []
      from = end + 1
    }
    if (from < chunk.length) begun.push(chunk.subarray(from))
  }
  if (begun.length > 0) throw new Error('The last line has no end')
}

/** A row's line as a row. */
function decodeRow(shape: Shape, line: string): Row {
  const values = z.array(z.unknown()).length(shape.columns.length).parse(JSON.parse(line))
  return rowFrom(
    shape,
    values.map((value, index) =>
      shape.columns[index]?.kind === 'bytes' && typeof value === 'string'
        ? Buffer.from(value, 'base64url')
        : value,
    ),
  )
}

/** A backup whose every byte is as it was written. */
export interface Backup {
  readonly file: string
  readonly header: Header
  readonly bytes: number
  /** Every row, some at a time; at the end it throws unless there were exactly those that were written. @returns their digests */
  batches(): AsyncGenerator<Batch, Digests>
}

class BackupReader implements Backup {
  readonly file: string
  readonly bytes: number
  readonly header: Header
  readonly #handle: FileHandle

  private constructor(file: string, handle: FileHandle, bytes: number, header: Header) {
    this.file = file
    this.bytes = bytes
    this.#handle = handle
    this.header = header
  }

  static async open(file: string): Promise<BackupReader> {
    const handle = await open(file).catch(() => {
      throw new CliError('notFound', `There is no file ${safeLine(file)} that this user can read.`)
    })
    try {
      const { size } = await handle.stat()
      const first = await firstLine(file, handle, size)
      await requireSeal(file, handle, size)
      return new BackupReader(file, handle, size, headerFrom(file, first))
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  async *batches(): AsyncGenerator<Batch, Digests> {
    const { tables } = this.header
    const digests = new Map(tables.map(({ name }) => [name, new RunningDigest()]))
    let table: Shape | undefined
    let rows: Row[] = []
    let end: z.infer<typeof End> | undefined
    let first = true
    try {
      for await (const line of linesOf(content(this.#handle, this.bytes))) {
        if (end) throw new Error('Something follows the end')
        if (first) {
          first = false
          continue
        }
        if (table && line.startsWith('[')) {
          rows.push(decodeRow(table, line))
          digests.get(table.name)?.add(line)
          if (rows.length < rowsAtOnce) continue
        }
        if (table && rows.length > 0) yield { table, rows }
        rows = []
        if (line.startsWith('[')) continue
        const value: unknown = JSON.parse(line)
        const section = Section.safeParse(value)
        if (section.success) table = tables.find(({ name }) => name === section.data.table)
        else end = End.parse(value)
        if (!end && !table) throw new Error('An unknown table')
      }
    } catch (error) {
      if (error instanceof CliError) throw error
      // Not the error's own words, which may hold a row.
      if (error instanceof z.ZodError || error instanceof SyntaxError || isZlibError(error))
        throw damaged(this.file, 'a line of it is not what a backup has')
      throw error
    }
    const found = Object.fromEntries([...digests].map(([name, digest]) => [name, digest.value]))
    if (!end) throw damaged(this.file, 'it has no end')
    if (!sameDigests(found, end.tables)) throw damaged(this.file, 'its rows are not those that were written')
    return found
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

const isZlibError = (error: unknown) =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')

export const rowsOf = (digests: Digests): number =>
  Object.values(digests).reduce((sum, { rows }) => sum + rows, 0)

export const sameDigests = (some: Digests, others: Digests): boolean =>
  Object.keys(some).length === Object.keys(others).length &&
  Object.entries(some).every(
    ([name, { rows, digest }]) => others[name]?.rows === rows && others[name]?.digest === digest,
  )

/** What is compressed in the file. */
function content(handle: FileHandle, size: number): AsyncIterable<Buffer> {
  const stored = handle.createReadStream({ start: 0, end: size - sealBytes - 1, autoClose: false })
  const text = createGunzip()
  stored.on('error', (error) => text.destroy(error))
  return stored.pipe(text)
}

/** Throws for what never was a backup of Limpet, whole or not. */
async function firstLine(file: string, handle: FileHandle, size: number): Promise<string> {
  const none = new CliError(
    'refused',
    `${safeLine(file)} is no backup of Limpet, or its beginning is damaged.`,
  )
  if (size <= sealBytes) throw none
  try {
    for await (const line of linesOf(content(handle, size))) {
      AnyHeader.parse(JSON.parse(line))
      return line
    }
  } catch {
    // Whatever it is.
  }
  throw none
}

async function requireSeal(file: string, handle: FileHandle, size: number): Promise<void> {
  const hash = createHash('sha256')
  const seal = Buffer.alloc(sealBytes)
  await handle.read(seal, 0, sealBytes, size - sealBytes)
  if (!seal.subarray(0, sealHead.length).equals(sealHead)) throw damaged(file, 'its end is missing')
  for await (const chunk of handle.createReadStream({
    start: 0,
    end: size - sealBytes - 1,
    autoClose: false,
  }))
    hash.update(chunk)
  if (!seal.equals(sealOf(hash.digest()))) throw damaged(file, 'its checksum is another one')
}

function headerFrom(file: string, line: string): Header {
  const value: unknown = JSON.parse(line)
  const header = Header.safeParse(value)
  if (header.success) return header.data
  const { limpet } = AnyHeader.parse(value)
  throw new CliError(
    'refused',
    `${safeLine(file)} was made by Limpet ${safeLine(limpet)} in a form that this version does not know. Restore it with that version.`,
  )
}

/**
 * Opens a backup for `work`. Every byte of it has been looked at before; throws a sentence for a file that is damaged, cut off,
 * or something else.
 */
export async function withBackup<T>(file: string, work: (backup: Backup) => Promise<T>): Promise<T> {
  const backup = await withProgress('Checking the backup', () => BackupReader.open(file))
  try {
    return await work(backup)
  } finally {
    await backup.close()
  }
}
