// The operator's credentials: a YAML file of names and values, encrypted under one key, so that a deployment holds one secret.
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import { systemRandom } from '../random.ts'
import type { Variables } from './environment.ts'
import { CredentialsError, type MasterKey, readMasterKey } from './master-key.ts'
import { openText, purposeOfFile, sealContent } from './sealed-text.ts'

const Mapping = z.record(z.string(), z.unknown()).nullable()

/** The file that the environment means, whether it is there or not. */
export const credentialsFileOf = ({ LIMPET_CREDENTIALS_FILE }: Variables): string =>
  resolve(LIMPET_CREDENTIALS_FILE || 'credentials.yml.enc')

/** What is in a new file. */
export const emptyCredentials = `# Names and values, as YAML. Settings of the server have the names that .env.example lists; everything else is for
# your own scripts. What the environment sets comes first.
#
# JWT_SECRET: …
# OPAQUE_SERVER_SETUP: …
# DATABASE_URL: postgres://limpet:password@db/limpet
`

/** The values in a text; throws CredentialsError where it is no YAML, or no mapping of names. */
export function parseCredentials(text: string): Record<string, unknown> {
  const document = parseDocument(text)
  const [mistake] = document.errors
  // Only the place: the library's sentence quotes the line, which may hold a secret.
  const line = mistake?.linePos?.[0].line
  if (mistake)
    throw new CredentialsError(`This is not valid YAML${line === undefined ? '' : `, in line ${line}`}.`)
  const mapping = Mapping.safeParse(document.toJS({ maxAliasCount: 0 }))
  if (!mapping.success) throw new CredentialsError('Expected names and values, such as "JWT_SECRET: …".')
  return mapping.data ?? {}
}

/** The file as it is on the disk: what a write compares with. */
export const readSealed = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new CredentialsError(
      `There are no credentials at ${file}. "limpet-server credentials init" makes them, and LIMPET_CREDENTIALS_FILE names another file.`,
    )
  }
}

export const openFile = (file: string, sealed: string, key: MasterKey): string =>
  openText(key, purposeOfFile(file), sealed, file)

export const sealFile = (file: string, text: string, key: MasterKey): string =>
  `${sealContent(key, purposeOfFile(file), text, systemRandom)}\n`

/** The text of the credentials. Throws CredentialsError where file or key is missing, or one does not fit the other. */
export function readCredentials(environment: Variables): string {
  const file = credentialsFileOf(environment)
  const sealed = readSealed(file)
  return openFile(file, sealed, readMasterKey(file, environment))
}

const isScalar = (value: unknown): value is string | number | boolean =>
  ['string', 'number', 'boolean'].includes(typeof value)

/**
 * The settings in the credentials, for the configuration; none where there is no file and the environment names none.
 * @param names the settings that there are
 */
export function settingsFromCredentials(
  environment: Variables,
  names: readonly string[],
): Record<string, string> {
  if (!environment.LIMPET_CREDENTIALS_FILE && !existsSync(credentialsFileOf(environment))) return {}
  const values = parseCredentials(readCredentials(environment))
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = values[name]
      return isScalar(value) ? [[name, String(value)]] : []
    }),
  )
}

/**
 * A value of the credentials.
 * @param name of a member, or several with dots between them, as in `backup.password`
 * @returns undefined if there is none
 */
export function findSecret(text: string, name: string): unknown {
  return name
    .split('.')
    .reduce<unknown>(
      (value, part) => (Mapping.safeParse(value).success ? Mapping.parse(value)?.[part] : undefined),
      parseCredentials(text),
    )
}
