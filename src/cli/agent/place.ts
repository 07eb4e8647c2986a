// Where the socket of a private process is: in a folder that nobody but this user can enter.
import { createHash } from 'node:crypto'
import { chmod, lstat, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { CliError } from '../../terminal/exit-codes.ts'
import { safeLine } from '../../terminal/text.ts'

/** This user's number. @returns undefined on Windows */
const ownId = () => process.getuid?.()

/** Whether a folder is this user's own; a link to one is not. @param alone nobody else can enter it */
async function isOwn(folder: string, alone: boolean): Promise<boolean> {
  const stats = await lstat(folder).catch(() => undefined)
  if (!stats?.isDirectory() || stats.uid !== ownId()) return false
  return !alone || (stats.mode & 0o077) === 0
}

/**
 * The folder for sockets: in `XDG_RUNTIME_DIR`, which ends with the login session, or else among the temporary files. A folder that
 * another user left there could hold that user's socket, to which the key would go: it is not used.
 */
async function socketFolder({ XDG_RUNTIME_DIR: runtime }: NodeJS.ProcessEnv): Promise<string> {
  if (runtime && isAbsolute(runtime) && (await isOwn(runtime, false))) return join(runtime, 'limpet')
  return join(tmpdir(), `limpet-${ownId()}`)
}

/** The name of the socket that belongs to a state folder: short, because systems allow about a hundred characters for its path. */
const socketName = (kind: string, statePath: string) =>
  `${kind}-${createHash('sha256').update(statePath).digest('hex').slice(0, 16)}.sock`

/** The path of a socket. @returns undefined if its folder is missing, or is not this user's alone */
export async function findSocket(
  kind: string,
  environment: NodeJS.ProcessEnv,
  statePath: string,
): Promise<string | undefined> {
  const folder = await socketFolder(environment)
  return (await isOwn(folder, true)) ? join(folder, socketName(kind, statePath)) : undefined
}

/** The same for a socket that is to be made. Throws a CliError if the folder cannot be this user's alone. */
export async function placeForSocket(
  kind: string,
  environment: NodeJS.ProcessEnv,
  statePath: string,
): Promise<string> {
  const folder = await socketFolder(environment)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if (await isOwn(folder, false)) await chmod(folder, 0o700)
  if (await isOwn(folder, true)) return join(folder, socketName(kind, statePath))
  throw new CliError(
    'unexpected',
    `${safeLine(folder)} is not a folder of this user alone, so nothing was put there. Remove it, or set XDG_RUNTIME_DIR to a folder of your own.`,
  )
}
