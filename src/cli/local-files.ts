// Files of this machine that are attached, and names of attached files as names here.
import { open } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { CliError } from '../terminal/exit-codes.ts'
import type { Prompter } from '../terminal/prompter.ts'
import { type ReadableFile, readableFile, spool } from '../terminal/spool.ts'
import { safeLine } from '../terminal/text.ts'

/** Stands for standard input or output. */
export const standardStream = '-'

/** Media types by the end of a name; what is not here has none. */
const mediaTypes: Readonly<Record<string, string>> = {
  '.csv': 'text/csv',
  '.gif': 'image/gif',
  '.gz': 'application/gzip',
  '.heic': 'image/heic',
  '.html': 'text/html',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.json': 'application/json',
  '.md': 'text/markdown',
  '.mp3': 'audio/mpeg',
  '.mp4': 'video/mp4',
  '.p12': 'application/x-pkcs12',
  '.pdf': 'application/pdf',
  '.pem': 'application/x-pem-file',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain',
  '.webp': 'image/webp',
  '.xml': 'application/xml',
  '.zip': 'application/zip',
}

/** @returns an empty text where the name says nothing */
export const mediaTypeOf = (name: string) => mediaTypes[extname(name).toLowerCase()] ?? ''

/** The last part of a path: how a file is called unless its owner says otherwise. */
export const nameOfPath = (path: string) => basename(path)

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? error.code : undefined)

function explained(error: unknown, path: string): unknown {
  const name = safeLine(path)
  switch (codeOf(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new CliError('usage', `There is no file ${name}.`)
    case 'EISDIR':
      return new CliError(
        'usage',
        `${name} is a folder. "tar c ${name} | limpet attach ITEM - --name ${name}.tar" attaches it.`,
      )
    case 'EACCES':
    case 'EPERM':
      return new CliError('usage', `${name} cannot be read by this user.`)
    default:
      return error
  }
}

/**
 * Opens what is to be attached. What has no size before it has ended, such as standard input, is set aside first. Close it. Throws
 * CliError.
 */
export async function openLocalFile(path: string, prompter: Prompter): Promise<ReadableFile> {
  if (path === standardStream) return spool(prompter.pieces('Content of the file'))
  try {
    const handle = await open(path, 'r')
    const stats = await handle.stat()
    if (stats.isFile()) return readableFile(handle, stats.size)
    if (!stats.isDirectory()) return await spool(handle.createReadStream())
    await handle.close()
    throw Object.assign(new Error('It is a folder'), { code: 'EISDIR' })
  } catch (error) {
    throw explained(error, path)
  }
}

/** What means something else than a file on some system, whatever the name's end is. */
const reserved = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i

/** Separators and what else Windows refuses; a colon there names a drive or another stream of a file. */
const separators = /[/\\:*?"<>|]/

/**
 * Whether a name that came with an item can be that of a new file in the current folder, and of nothing else: an item can be written
 * by somebody else, or imported.
 */
export const isFileName = (name: string): boolean =>
  name !== '' &&
  !/^\.+$/.test(name) &&
  !/[. ]$/.test(name) &&
  !separators.test(name) &&
  !reserved.test(name) &&
  safeLine(name) === name
