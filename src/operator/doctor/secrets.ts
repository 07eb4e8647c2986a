// The server's secrets: whether they are there, hard to guess, and readable for the server only.
import { existsSync, statSync } from 'node:fs'
import { credentialsFileOf } from '../../credentials/credentials.ts'
import { environment } from '../../credentials/environment.ts'
import { keyFileOf } from '../../credentials/master-key.ts'
import { isOpaqueSetup } from '../../domain/identity/opaque-library.ts'
import { fingerprintOf } from '../../domain/identity/opaque-setup.ts'
import { type Config, secretFiles } from '../../server/config.ts'
import { keptSecretFiles, presentJwtSecret, presentOpaqueSetup } from '../../server/own-secrets.ts'
import { error, type Finding, ok, unseen, warning } from './finding.ts'

/** Whether a text looks typed by hand: few different characters, a repetition, or words. */
export const looksTyped = (secret: string) =>
  new Set(secret).size < 12 ||
  /^(.{1,12}?)\1+.{0,12}$/.test(secret) ||
  !/[A-Z0-9]/.test(secret) ||
  /\s/.test(secret)

export function checkJwtSecret(config: Config): Finding {
  const secret = presentJwtSecret(config)
  if (secret === undefined)
    return ok(
      'jwt-secret',
      'There is no JWT_SECRET yet; one is made at the first start, beside the SQLite file.',
    )
  return looksTyped(secret)
    ? warning(
        'jwt-secret',
        'JWT_SECRET looks as if it had been typed. An attacker who guesses it has one of the two secrets that keep logins safe.',
        'Make one with: openssl rand -base64 32. Clients then renew what they have by themselves.',
      )
    : ok('jwt-secret', 'JWT_SECRET is there and looks random.')
}

/**
 * @param remembered the fingerprint of the setup that the database was made with, where it has one
 * @param serves whether a server runs, which it cannot without the setup
 */
export async function checkOpaqueSetup(
  config: Config,
  remembered: string | null | undefined,
  serves: boolean,
): Promise<Finding> {
  const setup = presentOpaqueSetup(config)
  const putBack =
    'Put back the OPAQUE_SERVER_SETUP, or the file opaque-setup beside the SQLite file, that the accounts were made with.'
  if (setup === undefined && remembered && serves)
    return unseen(
      'opaque-setup',
      'The OPAQUE setup is not in this environment. The server that runs has it: it would not have started without.',
      'Run this with OPAQUE_SERVER_SETUP, or as root with OPAQUE_SERVER_SETUP_FILE, as the service has it.',
    )
  if (setup === undefined)
    return remembered
      ? error('opaque-setup', 'The OPAQUE setup that the accounts were made with is missing.', putBack)
      : ok(
          'opaque-setup',
          'There is no OPAQUE setup yet; one is made at the first start, beside the SQLite file.',
        )
  if (!(await isOpaqueSetup(setup))) return error('opaque-setup', 'The OPAQUE setup is none.', putBack)
  if (remembered && remembered !== fingerprintOf(setup))
    return error('opaque-setup', 'The OPAQUE setup is not the one that the accounts were made with.', putBack)
  return ok(
    'opaque-setup',
    'The OPAQUE setup is there. Is it also where your backups are? It is in none of them.',
  )
}

/** Files of which others are to have nothing, by what is in them. */
function privateFiles({ database }: Config): { name: string; file: string }[] {
  const masterKey = keyFileOf(credentialsFileOf(environment), environment)
  const files = [...secretFiles(), { name: 'The master key', file: masterKey }]
  if (database.engine === 'postgres') return files
  const { jwtSecret, opaqueSetup } = keptSecretFiles(database.file)
  return [
    ...files,
    { name: 'JWT_SECRET', file: jwtSecret },
    { name: 'OPAQUE_SERVER_SETUP', file: opaqueSetup },
    ...['', '-wal', '-shm'].map((end) => ({ name: 'The database', file: `${database.file}${end}` })),
  ]
}

/** Mounted by a container engine or by systemd for this server alone, with a mode that says nothing. */
const isMounted = (file: string) => /^\/run\/(secrets|credentials)\//.test(file)

export function checkFileModes(config: Config): Finding[] {
  if (process.platform === 'win32') return []
  const findings = privateFiles(config).flatMap(({ name, file }): Finding[] => {
    if (isMounted(file) || !existsSync(file)) return []
    const mode = statSync(file).mode & 0o777
    if ((mode & 0o077) === 0) return []
    const what = `${name} is in ${file}, which ${mode & 0o007 ? 'every user of this machine' : 'its group'} can read or write (mode ${mode.toString(8)}).`
    return [error('file-modes', what, `chmod 600 ${file}`)]
  })
  return findings.length > 0
    ? findings
    : [ok('file-modes', 'Secrets and data can be read by their owner only.')]
}
