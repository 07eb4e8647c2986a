// Reads what is to be imported, in the format that it has or that was named.

import type { NewFile } from '../../sdk/index.ts'
import {
  type ColumnMember,
  columnMembers,
  csvByColumns,
  ImportError,
  type ImportRefusal,
  type Incoming,
  readIncoming,
} from '../../sdk/moving/index.ts'
import { CliError, type Ending } from '../../terminal/exit-codes.ts'
import { withProgress } from '../../terminal/progress.ts'
import type { ReadableFile } from '../../terminal/spool.ts'
import { safeLine } from '../../terminal/text.ts'
import type { Surroundings } from '../command.ts'
import { nameOfPath, openLocalFile, standardStream } from '../local-files.ts'

const largestKeyFile = 1024 * 1024

const endings: Readonly<Record<ImportRefusal, Ending>> = {
  'unknown-format': 'usage',
  unsupported: 'usage',
  'needs-password': 'usage',
  'wrong-password': 'wrongPassword',
  malformed: 'usage',
  'too-large': 'usage',
}

/** Ends with the sentence that a reader gave. */
const explained = (error: unknown): unknown =>
  error instanceof ImportError ? new CliError(endings[error.code], safeLine(error.message)) : error

/** The columns that were named, or undefined if none was. */
export function columnsOf(texts: readonly string[] | undefined, format: string | undefined) {
  if (!texts) return undefined
  if (format !== undefined && format !== 'csv')
    throw new CliError('usage', '--column is for tables of any program; it does not go with this --format.')
  const columns: Partial<Record<ColumnMember, string>> = {}
  for (const text of texts) {
    const at = text.indexOf('=')
    const member = columnMembers.find((one) => one === text.slice(0, at))
    if (!member)
      throw new CliError(
        'usage',
        `--column takes MEMBER=HEADER, such as username="User name"; MEMBER is ${columnMembers.join(', ')}.`,
      )
    columns[member] = text.slice(at + 1)
  }
  return columns
}

async function bytesOfKeyFile(path: string, surroundings: Surroundings): Promise<Uint8Array> {
  const file = await openLocalFile(path, surroundings.prompter)
  try {
    if (file.size > largestKeyFile)
      throw new CliError('usage', `${safeLine(path)} is too large for a key file.`)
    const pieces: Uint8Array[] = []
    for await (const piece of file.read(0)) pieces.push(piece.slice())
    return Buffer.concat(pieces)
  } finally {
    await file.close()
  }
}

export interface Source {
  readonly path: string
  readonly format: string | undefined
  readonly columns: ReturnType<typeof columnsOf>
  readonly keyFile: string | undefined
}

export async function readFile(
  surroundings: Surroundings,
  local: ReadableFile,
  source: Source,
): Promise<Incoming> {
  const { path, format, columns } = source
  const file: NewFile = { name: nameOfPath(path), size: local.size, read: local.read }
  const keyFile =
    source.keyFile === undefined ? undefined : await bytesOfKeyFile(source.keyFile, surroundings)
  return withProgress('Reading', async (report, hold) => {
    const password = () => {
      if (path === standardStream)
        throw new CliError(
          'usage',
          'The file has a password, which cannot be asked for while the file is on standard input. Name the file.',
        )
      return hold(() => surroundings.prompter.secret('Password of the file'))
    }
    const options = { password, keyFile, onProgress: (items: number) => report(items.toLocaleString('en')) }
    try {
      return columns
        ? await csvByColumns(columns).read(file, options)
        : await readIncoming(file, { ...options, format })
    } catch (error) {
      throw explained(error)
    }
  })
}
