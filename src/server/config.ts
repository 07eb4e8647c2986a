// The environment → one frozen Config. Every mistake is reported at once.
import { readFileSync } from 'node:fs'
import type { z } from 'zod'
import { settingsFromCredentials } from '../credentials/credentials.ts'
import { environment, type Variables } from '../credentials/environment.ts'
import { CredentialsError } from '../credentials/master-key.ts'
import { configOf, Settings, secretNames } from './settings.ts'

/** What the server works with; it does not change while it runs. */
export type Config = ReturnType<typeof configOf>

/** What is wrong with the configuration: one sentence for each setting, none of which holds a value of a secret. */
export class ConfigError extends Error {
  override name = 'ConfigError'

  readonly mistakes: readonly string[]

  constructor(mistakes: string[]) {
    super(`The configuration is not right:\n${mistakes.map((mistake) => `  ${mistake}`).join('\n')}`)
    this.mistakes = mistakes
  }
}

/** The names of all settings. */
export const settingNames: readonly string[] = Object.keys(Settings.shape)

const ownSecrets = {
  JWT_SECRET: 'a secret of 32 bytes or more',
  OPAQUE_SERVER_SETUP: 'a setup that `limpet-server new-opaque-setup` printed',
} as const

/** A secret is only made by the server itself where there is an SQLite file to keep it beside, and never in production. */
function missingSecrets(given: Variables): string[] {
  const production = given.NODE_ENV === 'production'
  if (!production && !given.DATABASE_URL?.startsWith('postgres')) return []
  const why = production
    ? 'production needs one of its own'
    : 'with Postgres there is no file to keep one beside'
  return Object.entries(ownSecrets).flatMap(([name, expected]) =>
    given[name] === undefined ? [`${name}: expected ${expected}: ${why}`] : [],
  )
}

/** The routes of SnapPass have no login, so they cannot be on if making a share needs one. */
function openDoor({ SNAPPASS_API, SHARES }: Variables): string[] {
  return SNAPPASS_API === 'on' && (SHARES === 'accounts' || SHARES === 'off')
    ? ['SNAPPASS_API: expected off, or SHARES=public: it lets everybody make shares, for it has no login']
    : []
}

/** A stream takes a connection, and requests need some too. */
const noRoomForRequests = ({ MAX_CONNECTIONS, MAX_STREAMS = 0 }: z.output<typeof Settings>): string[] =>
  MAX_STREAMS < MAX_CONNECTIONS
    ? []
    : [
        `MAX_STREAMS: expected less than MAX_CONNECTIONS, which is ${MAX_CONNECTIONS}: requests need connections too`,
      ]

/** Mail needs a server and a sender; and what is required has to be possible. */
function missingMail({ SMTP_URL, MAIL_FROM, EMAIL_VERIFICATION }: Variables): string[] {
  if (SMTP_URL !== undefined && MAIL_FROM === undefined)
    return ['MAIL_FROM: expected the e-mail address that mail comes from: SMTP_URL needs one']
  return EMAIL_VERIFICATION === 'required' && SMTP_URL === undefined
    ? ['SMTP_URL: expected a mail server: EMAIL_VERIFICATION=required needs one']
    : []
}

/** The files that hold settings, by the name of what they hold. */
export const secretFiles = (from: Variables = environment): { name: string; file: string }[] =>
  secretNames.flatMap((name) => {
    const file = from[`${name}_FILE`]
    return file ? [{ name, file }] : []
  })

/** Replaces each `NAME_FILE` by `NAME` with the file's content, without the line end that editors leave. */
function withSecretFiles(environment: Variables, mistakes: string[]): Variables {
  const variables: Record<string, string | undefined> = { ...environment }
  for (const name of secretNames) {
    const file = variables[`${name}_FILE`]
    if (file === undefined || file === '') continue
    if (variables[name]) {
      mistakes.push(`${name}: expected either ${name} or ${name}_FILE, not both`)
      continue
    }
    try {
      variables[name] = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
    } catch {
      mistakes.push(`${name}_FILE: expected a file that the server can read`)
    }
  }
  return variables
}

/** What the operator's encrypted credentials hold of the settings. */
function fromCredentials(environment: Variables, mistakes: string[]): Variables {
  try {
    return settingsFromCredentials(environment, settingNames)
  } catch (error) {
    if (!(error instanceof CredentialsError)) throw error
    mistakes.push(`Credentials: ${error.message}`)
    return {}
  }
}

/**
 * Reads the configuration: the environment first, then the encrypted credentials, if there are any. An empty value counts as none.
 * Throws one ConfigError that names everything that is wrong.
 */
export function readConfig(from: Variables = environment): Config {
  const mistakes: string[] = []
  const variables = withSecretFiles(from, mistakes)
  const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''))
  const given: Variables = { ...fromCredentials(from, mistakes), ...set }
  mistakes.push(...missingSecrets(given), ...openDoor(given), ...missingMail(given))
  const result = Settings.safeParse(given)
  if (result.success) mistakes.push(...noRoomForRequests(result.data))
  if (!result.success)
    mistakes.push(...result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`))
  if (!result.success || mistakes.length > 0) throw new ConfigError([...new Set(mistakes)])
  return configOf(result.data)
}

/** Where a server with this configuration listens, for this machine. */
export const localUrl = ({ host, port }: Pick<Config, 'host' | 'port'>): string =>
  `http://${host.includes(':') ? `[${host}]` : host}:${port}`
