// The environment → one frozen Config. Every mistake is reported at once.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { days, hours, minutes } from '../clock.ts'
import type { Allowed } from '../contract/quotas.ts'
import { mostSecondFactors } from '../contract/second-factors.ts'
import { settingsFromCredentials } from '../credentials/credentials.ts'
import { environment, type Variables } from '../credentials/environment.ts'
import { CredentialsError } from '../credentials/master-key.ts'
import type { DatabaseUrl } from '../store/open.ts'
import {
  address,
  amount,
  byteCount,
  databaseUrl,
  duration,
  host,
  oneOf,
  pathPrefix,
  port,
  publicUrl,
  pythonBoolean,
  smtpUrl,
} from './setting-forms.ts'

export interface Config {
  readonly host: string
  readonly port: number
  /** Without a slash at the end. */
  readonly publicUrl: string
  readonly database: DatabaseUrl
  /** Undefined where the server is to make and keep one beside the SQLite file. */
  readonly jwtSecret: string | undefined
  /** The same; a form that only OPAQUE's library can check further. */
  readonly opaqueSetup: string | undefined
  /** Milliseconds. */
  readonly accessTokenTtl: number
  readonly sessionTtl: number
  /** Milliseconds from its login after which a session ends, however much it is used. */
  readonly sessionMaxAge: number | undefined
  /** What one account may pile up. */
  readonly quotas: Allowed
  readonly registration: 'open' | 'invite' | 'closed'
  /** Who may make one-time shares. */
  readonly shares: 'public' | 'accounts' | 'off'
  /** The routes of SnapPass, if it has them, and the base of the links that they hand out, without a slash at the end. */
  readonly snappass: { readonly baseUrl: string } | undefined
  /** How mail is sent, if it is; `allowPlaintext` also where the mail server has no TLS. */
  readonly smtp: { readonly url: string; readonly from: string; readonly allowPlaintext: boolean } | undefined
  /** Whether an account can be used before its address is confirmed. */
  readonly emailVerification: 'off' | 'required'
  /** How long an account waits that its mailbox wants deleted, in milliseconds; undefined where the operator has that off. */
  readonly accountDeletion: { readonly wait: number } | undefined
  /** From where passkeys are used beside `publicUrl` itself: apps and browser extensions. */
  readonly webauthnOrigins: string[]
  /** Addresses or ranges whose X-Forwarded-For counts. */
  readonly trustProxy: string[]
  readonly rateLimits: boolean
  /** Open connections of one process; one more is closed at once. */
  readonly maxConnections: number
  /** Milliseconds in which those who send requests here can notice that the server is about to stop. */
  readonly shutdownGrace: number
  /** Where metrics are served, if they are. */
  readonly metrics: { readonly host: string; readonly port: number } | undefined
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'
  readonly production: boolean
}

/** What is wrong with the configuration: one sentence for each setting, none of which holds a value of a secret. */
export class ConfigError extends Error {
  override name = 'ConfigError'

  readonly mistakes: readonly string[]

  constructor(mistakes: string[]) {
    super(`The configuration is not right:\n${mistakes.map((mistake) => `  ${mistake}`).join('\n')}`)
    this.mistakes = mistakes
  }
}

/** Values that stand in documentation; whoever copies one has no secret. */
export const exampleSecrets = ['change-me-to-32-random-bytes-or-more']

const Environment = z.object({
  NODE_ENV: z.string().optional(),
  HOST: z.string().min(1, 'expected an address to listen on').default('127.0.0.1'),
  PORT: port.default(8080),
  PUBLIC_URL: publicUrl.optional(),
  DATABASE_URL: databaseUrl.prefault('file:./data/limpet.db'),
  JWT_SECRET: z
    .string()
    .refine(
      (secret) => Buffer.byteLength(secret) >= 32,
      'expected 32 bytes or more, such as `openssl rand -base64 32` prints',
    )
    .refine(
      (secret) => !exampleSecrets.includes(secret),
      'expected a secret of your own, not the one of the example',
    )
    .optional(),
  OPAQUE_SERVER_SETUP: z
    .string()
    .regex(/^[\w-]{171}$/, 'expected 171 characters, such as `limpet-server new-opaque-setup` prints')
    .optional(),
  ACCESS_TOKEN_TTL: duration(minutes(1), hours(1), 'expected a duration from 1m to 1h, such as 15m').prefault(
    '15m',
  ),
  SESSION_TTL: duration(hours(1), days(366), 'expected a duration from 1h to 366d, such as 30d').prefault(
    '30d',
  ),
  SESSION_MAX_AGE: duration(
    hours(1),
    days(366),
    'expected a duration from 1h to 366d, such as 90d, or nothing for no such end',
  ).optional(),
  MAX_VAULTS: amount(1, 100_000).prefault('100'),
  MAX_ITEMS: amount(1, 10_000_000).prefault('20000'),
  MAX_DELETED_ITEMS: amount(0, 10_000_000).prefault('100000'),
  MAX_BYTES: byteCount(2 ** 20, 'expected bytes, 1M at the least, such as 256M or 1G').prefault('256M'),
  MAX_TOKENS: amount(0, 10_000).prefault('100'),
  MAX_SESSIONS: amount(1, 10_000).prefault('100'),
  REGISTRATION: oneOf('open', 'invite', 'closed').default('open'),
  SHARES: oneOf('public', 'accounts', 'off').default('public'),
  SNAPPASS_API: oneOf('on', 'off').default('off'),
  URL_PREFIX: pathPrefix.default(''),
  HOST_OVERRIDE: host.optional(),
  NO_SSL: pythonBoolean.default(false),
  SMTP_URL: smtpUrl.optional(),
  SMTP_ALLOW_PLAINTEXT: oneOf('on', 'off').default('off'),
  MAIL_FROM: z.email('expected the e-mail address that mail comes from').optional(),
  EMAIL_VERIFICATION: oneOf('off', 'required').default('off'),
  ACCOUNT_DELETION_BY_MAIL: oneOf('on', 'off').default('on'),
  ACCOUNT_DELETION_WAIT: duration(
    days(1),
    days(90),
    'expected a duration from 1d to 90d, such as 7d',
  ).prefault('7d'),
  WEBAUTHN_ORIGINS: z
    .string()
    .transform((list) =>
      list
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .refine(
      (list) => list.every((origin) => /^[a-z][a-z\d+.-]*:[^\s,]+$/.test(origin)),
      'expected origins with commas between them, such as android:apk-key-hash:…,chrome-extension://…',
    )
    .prefault(''),
  TRUST_PROXY: z
    .string()
    .transform((list) =>
      list.trim() === '' || list.trim() === 'none' ? [] : list.split(',').map((part) => part.trim()),
    )
    .refine(
      (list) => list.every((part) => address.safeParse(part).success),
      'expected none, or addresses and ranges with commas between them, such as 10.0.0.0/8,::1',
    )
    .prefault('none'),
  METRICS_HOST: z.string().min(1, 'expected an address to listen on').optional(),
  METRICS_PORT: port.optional(),
  RATE_LIMITS: oneOf('on', 'off').default('on'),
  MAX_CONNECTIONS: z
    .string()
    .regex(/^[1-9]\d{1,4}$/, 'expected a number from 10 to 99999')
    .transform(Number)
    .prefault('1000'),
  SHUTDOWN_GRACE: duration(0, minutes(5), 'expected a duration from 0s to 5m, such as 5s').prefault('0s'),
  LOG_LEVEL: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent').default('info'),
})

/** The names of all settings. */
export const settingNames: readonly string[] = Object.keys(Environment.shape)

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

/** The routes of SnapPass know no login: whoever wants one for making shares cannot have them too. */
function openDoor({ SNAPPASS_API, SHARES }: Variables): string[] {
  return SNAPPASS_API === 'on' && (SHARES === 'accounts' || SHARES === 'off')
    ? ['SNAPPASS_API: expected off, or SHARES=public: it lets everybody make shares, for it has no login']
    : []
}

/** Mail needs a server and a sender; and what is required has to be possible. */
function missingMail({ SMTP_URL, MAIL_FROM, EMAIL_VERIFICATION }: Variables): string[] {
  if (SMTP_URL !== undefined && MAIL_FROM === undefined)
    return ['MAIL_FROM: expected the e-mail address that mail comes from: SMTP_URL needs one']
  return EMAIL_VERIFICATION === 'required' && SMTP_URL === undefined
    ? ['SMTP_URL: expected a mail server: EMAIL_VERIFICATION=required needs one']
    : []
}

/** Settings that may also be given as a file that holds them: `JWT_SECRET_FILE` for `JWT_SECRET`. */
const secretNames = [...Object.keys(ownSecrets), 'DATABASE_URL', 'SMTP_URL']

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

/** The base of SnapPass's links. The Host header has no part in it: whoever sends a request could choose it. */
function snappassBase(
  { HOST_OVERRIDE, NO_SSL, URL_PREFIX }: z.output<typeof Environment>,
  publicUrl: string,
): string {
  const base = HOST_OVERRIDE === undefined ? publicUrl : `${NO_SSL ? 'http' : 'https'}://${HOST_OVERRIDE}`
  return URL_PREFIX === '' ? base : `${base}/${URL_PREFIX}`
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
  const result = Environment.safeParse(given)
  if (!result.success)
    mistakes.push(...result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`))
  if (!result.success || mistakes.length > 0) throw new ConfigError([...new Set(mistakes)])
  const { data } = result
  const publicUrl = data.PUBLIC_URL ?? `http://localhost:${data.PORT}`
  return Object.freeze({
    host: data.HOST,
    port: data.PORT,
    publicUrl,
    database: data.DATABASE_URL,
    jwtSecret: data.JWT_SECRET,
    opaqueSetup: data.OPAQUE_SERVER_SETUP,
    accessTokenTtl: data.ACCESS_TOKEN_TTL,
    sessionTtl: data.SESSION_TTL,
    sessionMaxAge: data.SESSION_MAX_AGE,
    quotas: {
      vaults: data.MAX_VAULTS,
      items: data.MAX_ITEMS,
      deletedItems: data.MAX_DELETED_ITEMS,
      bytes: data.MAX_BYTES,
      tokens: data.MAX_TOKENS,
      sessions: data.MAX_SESSIONS,
      secondFactors: mostSecondFactors,
    },
    registration: data.REGISTRATION,
    shares: data.SHARES,
    snappass: data.SNAPPASS_API === 'on' ? { baseUrl: snappassBase(data, publicUrl) } : undefined,
    smtp:
      data.SMTP_URL && data.MAIL_FROM
        ? {
            url: data.SMTP_URL,
            from: data.MAIL_FROM,
            allowPlaintext: data.SMTP_ALLOW_PLAINTEXT === 'on',
          }
        : undefined,
    emailVerification: data.EMAIL_VERIFICATION,
    accountDeletion:
      data.ACCOUNT_DELETION_BY_MAIL === 'on' ? { wait: data.ACCOUNT_DELETION_WAIT } : undefined,
    webauthnOrigins: data.WEBAUTHN_ORIGINS,
    trustProxy: data.TRUST_PROXY,
    metrics:
      data.METRICS_PORT === undefined
        ? undefined
        : { host: data.METRICS_HOST ?? data.HOST, port: data.METRICS_PORT },
    rateLimits: data.RATE_LIMITS === 'on',
    maxConnections: data.MAX_CONNECTIONS,
    shutdownGrace: data.SHUTDOWN_GRACE,
    logLevel: data.LOG_LEVEL,
    production: data.NODE_ENV === 'production',
  })
}

/** Where a server with this configuration listens, for this machine. */
export const localUrl = ({ host, port }: Pick<Config, 'host' | 'port'>): string =>
  `http://${host.includes(':') ? `[${host}]` : host}:${port}`
