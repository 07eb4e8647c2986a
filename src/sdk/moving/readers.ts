// Every format that can be imported, and how a file finds its reader: by its content, not by its name.
import type { NewFile } from '../new-file.ts'
import { bitwardenJson } from './bitwarden-json.ts'
import { bitwardenAccountBound, bitwardenProtected } from './bitwarden-protected.ts'
import { bitwardenZip } from './bitwarden-zip.ts'
import { applePasswordsCsv, chromeCsv, firefoxCsv } from './browser-csv.ts'
import { dashlane, dashlaneCsv } from './dashlane.ts'
import { glimpseOf } from './glimpse.ts'
import { ImportError, type Incoming } from './incoming.ts'
import { kdbx, keePass1 } from './kdbx.ts'
import { keePassXml } from './keepass-xml.ts'
import { lastPassCsv } from './lastpass-csv.ts'
import { limpetExport } from './limpet-export.ts'
import { bitwardenCsv, keePassXcCsv, onePasswordCsv } from './manager-csv.ts'
import { onePassword1pux } from './onepassword-1pux.ts'
import { protonPass, protonPassPgp } from './proton-pass.ts'
import { protonPassCsv } from './proton-pass-csv.ts'
import type { Reader, ReadOptions } from './reader.ts'

/** From the most particular to the most general: the first one that recognises a file reads it. */
export const readers: readonly Reader[] = [
  limpetExport,
  kdbx,
  keePass1,
  keePassXml,
  onePassword1pux,
  protonPass,
  dashlane,
  dashlaneCsv,
  bitwardenZip,
  protonPassPgp,
  bitwardenProtected,
  bitwardenAccountBound,
  bitwardenJson,
  bitwardenCsv,
  lastPassCsv,
  onePasswordCsv,
  protonPassCsv,
  keePassXcCsv,
  applePasswordsCsv,
  firefoxCsv,
  chromeCsv,
]

const known = () => readers.map(({ name }) => name).join(', ')

/**
 * The reader of a file.
 * @param format the name of a reader, if a person says it
 * @throws ImportError `unknown-format`
 */
export async function readerOf(file: NewFile, format?: string): Promise<Reader> {
  if (format !== undefined) {
    const reader = readers.find(({ name }) => name === format)
    if (reader) return reader
    throw new ImportError('unknown-format', `There is no format "${format}". There is: ${known()}.`)
  }
  const glimpse = await glimpseOf(file)
  for (const reader of readers) if (await reader.recognises(glimpse)) return reader
  throw new ImportError(
    'unknown-format',
    glimpse.header
      ? 'The file is a table, but of no program that is known here. Name its columns, such as --column username=HEADER --column password=HEADER.'
      : 'The content of the file is of no format that is known here. Export from the other program as CSV or JSON, and do not change the file.',
  )
}

/** Reads a file of another program. Writes nothing. Throws ImportError. */
export async function readIncoming(
  file: NewFile,
  { format, ...options }: ReadOptions & { readonly format?: string | undefined } = {},
): Promise<Incoming> {
  return (await readerOf(file, format)).read(file, options)
}
