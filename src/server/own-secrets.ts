// The secrets that a server which is given none makes at its first start and keeps beside its SQLite file.
import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Config } from './config.ts'

/** The files that a server without given secrets keeps beside its SQLite file. */
export const keptSecretFiles = (databaseFile: string) => ({
  jwtSecret: join(dirname(databaseFile), 'jwt-secret'),
  opaqueSetup: join(dirname(databaseFile), 'opaque-setup'),
})

const presentIn = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined)

/** The JWT_SECRET that a server of this configuration would use, if it has one already. */
export const presentJwtSecret = ({ database, jwtSecret }: Pick<Config, 'database' | 'jwtSecret'>) =>
  jwtSecret !== undefined || database.engine === 'postgres'
    ? jwtSecret
    : presentIn(keptSecretFiles(database.file).jwtSecret)

/** The OPAQUE setup that a server of this configuration would use, if it has one already. */
export const presentOpaqueSetup = ({ database, opaqueSetup }: Pick<Config, 'database' | 'opaqueSetup'>) =>
  opaqueSetup !== undefined || database.engine === 'postgres'
    ? opaqueSetup
    : presentIn(keptSecretFiles(database.file).opaqueSetup)

/** Reads a file, making it first, for its owner alone, where it is missing. */
function readOrMake(file: string, made: string): { file: string; secret: string } {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  // Written whole beside it and then linked to its name: of two processes that start together, one links and both read it.
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  try {
    writeFileSync(draft, made, { mode: 0o600, flag: 'wx', flush: true })
    linkSync(draft, file)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    rmSync(draft, { force: true })
  }
  return { file, secret: readFileSync(file, 'utf8').trim() }
}

/** For JWT_SECRET: `jwt-secret`. Losing it ends every session, no more. */
export function readOrMakeJwtSecret(databaseFile: string): string {
  const made = randomBytes(32).toString('base64url')
  const { file, secret } = readOrMake(keptSecretFiles(databaseFile).jwtSecret, made)
  if (secret.length < 32)
    throw new Error(
      `${file} holds no secret. Delete it to have a new one made; everybody then logs in again.`,
    )
  return secret
}

/** For OPAQUE_SERVER_SETUP: `opaque-setup`. Losing it locks every account with the method `opaque` out, for good. */
export async function readOrMakeOpaqueSetup(databaseFile: string): Promise<string> {
  const kept = keptSecretFiles(databaseFile).opaqueSetup
  const present = presentIn(kept)
  if (present) return present
  // Loaded where it is needed: at the first start.
  const { createOpaqueSetup } = await import('../domain/identity/opaque-library.ts')
  const { file, secret } = readOrMake(kept, await createOpaqueSetup())
  if (secret === '')
    throw new Error(`${file} is empty. Put back what was in it: accounts cannot be logged in to without it.`)
  return secret
}
