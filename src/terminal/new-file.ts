// Writes a file that is there whole or not at all, readable by its owner only.
import { randomBytes } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { type FileHandle, link, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CliError } from './exit-codes.ts'
import { safeLine } from './text.ts'

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? error.code : undefined)

const taken = (file: string) =>
  new CliError(
    'conflict',
    `${safeLine(file)} exists already. --force replaces it, once the new one is whole.`,
  )

/** What kept a file from being written, as a sentence where one can do something about it. */
function explained(error: unknown, file: string): unknown {
  const code = codeOf(error)
  const name = safeLine(file)
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new CliError(
      'unexpected',
      `There is no space left for ${name}. What was written of it is removed, and nothing else was changed.`,
    )
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new CliError('usage', `There is no folder ${safeLine(dirname(file))} to write to.`)
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new CliError('unexpected', `${name} cannot be written by this user.`)
  return error
}

async function syncFolder(folder: string) {
  const handle = await open(folder, 'r')
  // Some file systems know no such thing.
  await handle.sync().catch(() => {})
  await handle.close()
}

/** Gives the complete file its name; without `force` only where nothing has that name, also if it came in the meantime. */
async function publish(draft: string, file: string, force: boolean) {
  if (force) return rename(draft, file)
  try {
    await link(draft, file)
    await rm(draft)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw taken(file)
    // A file system without hard links.
    if (existsSync(file)) throw taken(file)
    await rename(draft, file)
  }
}

/** Refuses a name that is taken, before anything is asked or made for it. */
export function requireFree(file: string, { force }: { force: boolean }): void {
  if (!force && existsSync(file)) throw taken(file)
}

type Content = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

async function writeAll(handle: FileHandle, content: Content): Promise<number> {
  let bytes = 0
  for await (const chunk of content) {
    await handle.writeFile(chunk)
    bytes += chunk.byteLength
  }
  // On the disk before it has its name: a power cut leaves the old file or the new one.
  await handle.sync()
  return bytes
}

/**
 * Writes `content` to a new file. Until it is complete it has another name beside it (`FILE.….partial`), which is removed when
 * anything fails or the process is told to stop.
 * @returns how many bytes it has
 */
export async function writeNewFile(
  file: string,
  content: Content,
  { force }: { force: boolean },
): Promise<number> {
  requireFree(file, { force })
  const draft = `${file}.${randomBytes(4).toString('hex')}.partial`
  const stop = (signal: NodeJS.Signals) => {
    rmSync(draft, { force: true })
    process.kill(process.pid, signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
  try {
    const handle = await open(draft, 'wx', 0o600)
    let bytes: number
    try {
      bytes = await writeAll(handle, content)
    } finally {
      await handle.close()
    }
    await publish(draft, file, force)
    await syncFolder(dirname(file))
    return bytes
  } catch (error) {
    throw explained(error, file)
  } finally {
    await rm(draft, { force: true })
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop)
  }
}
