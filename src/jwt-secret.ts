// The secret that a server without JWT_SECRET makes at its first start and keeps beside its SQLite file.
import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Reads `jwt-secret` beside the database, making it first where it is missing. Losing it ends every session, no more. */
export function readOrMakeJwtSecret(databaseFile: string): string {
  const folder = dirname(databaseFile)
  const file = join(folder, 'jwt-secret')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // Written whole beside it and then linked to its name: of two processes that start together, one links and both read it.
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  try {
    writeFileSync(draft, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx', flush: true })
    linkSync(draft, file)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    rmSync(draft, { force: true })
  }
  const secret = readFileSync(file, 'utf8').trim()
  if (secret.length < 32)
    throw new Error(
      `${file} holds no secret. Delete it to have a new one made; everybody then logs in again.`,
    )
  return secret
}
