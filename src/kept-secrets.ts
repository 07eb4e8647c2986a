// The secrets that a server which is given none makes at its first start and keeps beside its SQLite file.
import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createOpaqueSetup } from './features/opaque/opaque.ts'

/** Reads a file beside the database, making it first, for its owner alone, where it is missing. */
function readOrMake(databaseFile: string, name: string, made: string): { file: string; secret: string } {
  const folder = dirname(databaseFile)
  const file = join(folder, name)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
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
  const { file, secret } = readOrMake(databaseFile, 'jwt-secret', made)
  if (secret.length < 32)
    throw new Error(
      `${file} holds no secret. Delete it to have a new one made; everybody then logs in again.`,
    )
  return secret
}

/** For OPAQUE_SERVER_SETUP: `opaque-setup`. Losing it locks every account with the method `opaque` out, for good. */
export async function readOrMakeOpaqueSetup(databaseFile: string): Promise<string> {
  const { file, secret } = readOrMake(databaseFile, 'opaque-setup', await createOpaqueSetup())
  if (secret === '')
    throw new Error(`${file} is empty. Put back what was in it: accounts cannot be logged in to without it.`)
  return secret
}
