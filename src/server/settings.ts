// Every setting: its name, its form, its default, and what becomes of it in the configuration. Each stands in .env.example too,
// with its default, or with an example where it has none; a test compares the two.
import { z } from 'zod'
import { days, hours, minutes, seconds } from '../clock.ts'
import { sealedFileBytes } from '../contract/file-sizes.ts'
import { maxSecondFactors } from '../contract/second-factors.ts'
import type { DatabaseUrl } from '../store/open.ts'
import {
  amount,
  byteCount,
  databaseUrl,
  duration,
  folder,
  host,
  iconService,
  jwtSecret,
  listenAddress,
  oneOf,
  opaqueSetup,
  origins,
  pathPrefix,
  port,
  postgresUrl,
  proxies,
  publicUrl,
  pythonBoolean,
  s3Url,
  smtpUrl,
  webOrigins,
} from './setting-forms.ts'

/** What the environment may hold. Unset is the default or, without one, `undefined`. */
export const Settings = z.object({
  NODE_ENV: z.string().optional(),
  HOST: listenAddress.default('127.0.0.1'),
  PORT: port.prefault('8080'),
  PUBLIC_URL: publicUrl.optional(),
  DATABASE_URL: databaseUrl.prefault('file:./data/limpet.db'),
  DATABASE_LISTEN_URL: postgresUrl.optional(),
  DATABASE_CONNECTIONS: amount(2, 1000).prefault('10'),
  DATABASE_STATEMENT_TIMEOUT: duration(seconds(1), hours(1), '30s').prefault('30s'),
  DATABASE_WAIT: duration(seconds(1), minutes(1), '5s').prefault('5s'),
  JWT_SECRET: jwtSecret.optional(),
  OPAQUE_SERVER_SETUP: opaqueSetup.optional(),
  ACCESS_TOKEN_TTL: duration(minutes(1), hours(1), '15m').prefault('15m'),
  SESSION_TTL: duration(hours(1), days(366), '30d').prefault('30d'),
  SESSION_MAX_AGE: duration(hours(1), days(366), '90d, or nothing for no such end').optional(),
  MAX_VAULTS: amount(1, 100_000).prefault('100'),
  MAX_ITEMS: amount(1, 10_000_000).prefault('20000'),
  MAX_DELETED_ITEMS: amount(0, 10_000_000).prefault('100000'),
  MAX_BYTES: byteCount(2 ** 20, 'expected bytes, 1M at the least, such as 256M or 1G').prefault('256M'),
  MAX_ATTACHMENT_SIZE: byteCount(
    1024,
    'expected bytes, from 1K to 4G, such as 25M or 100M',
    2 ** 32,
  ).prefault('25M'),
  MAX_ATTACHMENT_BYTES: byteCount(0, 'expected bytes, such as 1G; 0 for no files').prefault('1G'),
  S3_URL: s3Url.optional(),
  MAX_TOKENS: amount(0, 10_000).prefault('100'),
  MAX_SESSIONS: amount(1, 10_000).prefault('100'),
  REGISTRATION: oneOf('open', 'invite', 'closed').default('open'),
  SHARES: oneOf('public', 'accounts', 'off').default('public'),
  SNAPPASS_API: oneOf('on', 'off').default('off'),
  BITWARDEN_API: oneOf('on', 'off').default('off'),
  BITWARDEN_ORIGINS: webOrigins.optional(),
  BITWARDEN_ICONS: iconService.prefault('off'),
  BITWARDEN_WEB_VAULT: folder.optional(),
  URL_PREFIX: pathPrefix.optional(),
  HOST_OVERRIDE: host.optional(),
  NO_SSL: pythonBoolean.optional(),
  SMTP_URL: smtpUrl.optional(),
  SMTP_ALLOW_PLAINTEXT: oneOf('on', 'off').default('off'),
  MAIL_FROM: z.email('expected the e-mail address that mail comes from').optional(),
  EMAIL_VERIFICATION: oneOf('off', 'required').default('off'),
  ACCOUNT_DELETION_BY_MAIL: oneOf('on', 'off').default('on'),
  ACCOUNT_DELETION_WAIT: duration(days(1), days(90), '7d').prefault('7d'),
  WEBAUTHN_ORIGINS: origins.optional(),
  TRUST_PROXY: proxies.prefault('none'),
  METRICS_HOST: listenAddress.optional(),
  METRICS_PORT: port.optional(),
  RATE_LIMITS: oneOf('on', 'off').default('on'),
  MAX_CONNECTIONS: amount(10, 99_999).prefault('1000'),
  MAX_STREAMS: amount(0, 99_998).optional(),
  MAX_STREAMS_PER_ACCOUNT: amount(1, 99_999).prefault('20'),
  MAX_STREAMS_PER_ADDRESS: amount(1, 99_999).prefault('200'),
  SHUTDOWN_GRACE: duration(0, minutes(5), '5s').prefault('0s'),
  LOG_LEVEL: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent').default('info'),
})

type Settings = z.output<typeof Settings>

/** Settings that may also be given as a file that holds them: `JWT_SECRET_FILE` for `JWT_SECRET`. */
export const secretNames = [
  'JWT_SECRET',
  'OPAQUE_SERVER_SETUP',
  'DATABASE_URL',
  'DATABASE_LISTEN_URL',
  'SMTP_URL',
  'S3_URL',
] as const satisfies (keyof Settings)[]

/** The base of SnapPass's links. The Host header has no part in it: the client chooses that. */
function snappassBase({ HOST_OVERRIDE, NO_SSL, URL_PREFIX = '' }: Settings, publicUrl: string): string {
  const base = HOST_OVERRIDE === undefined ? publicUrl : `${NO_SSL ? 'http' : 'https'}://${HOST_OVERRIDE}`
  return URL_PREFIX === '' ? base : `${base}/${URL_PREFIX}`
}

function databaseOf(settings: Settings): DatabaseUrl {
  const { DATABASE_URL, DATABASE_LISTEN_URL } = settings
  if (DATABASE_URL.engine === 'sqlite') return DATABASE_URL
  return {
    ...DATABASE_URL,
    ...(DATABASE_LISTEN_URL !== undefined && { listenUrl: DATABASE_LISTEN_URL }),
    bounds: {
      connections: settings.DATABASE_CONNECTIONS,
      statementMs: settings.DATABASE_STATEMENT_TIMEOUT,
      waitMs: settings.DATABASE_WAIT,
    },
  }
}

/** What the server works with. Times are milliseconds. */
export function configOf(settings: Settings) {
  const publicUrl = settings.PUBLIC_URL ?? `http://localhost:${settings.PORT}`
  const { SMTP_URL, MAIL_FROM, METRICS_PORT } = settings
  return Object.freeze({
    host: settings.HOST,
    port: settings.PORT,
    /** Without a slash at the end. */
    publicUrl,
    database: databaseOf(settings),
    /** Undefined if the server is to make one and keep it beside the SQLite file. */
    jwtSecret: settings.JWT_SECRET,
    /** The same; a form that only OPAQUE's library can check further. */
    opaqueSetup: settings.OPAQUE_SERVER_SETUP,
    accessTokenTtl: settings.ACCESS_TOKEN_TTL,
    sessionTtl: settings.SESSION_TTL,
    /** From its login; after that a session ends, however much it is used. */
    sessionMaxAge: settings.SESSION_MAX_AGE,
    /** What one account may pile up. */
    quotas: {
      vaults: settings.MAX_VAULTS,
      items: settings.MAX_ITEMS,
      deletedItems: settings.MAX_DELETED_ITEMS,
      bytes: settings.MAX_BYTES,
      attachmentBytes: settings.MAX_ATTACHMENT_BYTES,
      tokens: settings.MAX_TOKENS,
      sessions: settings.MAX_SESSIONS,
      secondFactors: maxSecondFactors,
    },
    /** Bytes of the largest file, sealed. */
    attachmentBytes: sealedFileBytes(settings.MAX_ATTACHMENT_SIZE),
    /** Where whole files are, if they do not stay in the database. */
    s3: settings.S3_URL,
    registration: settings.REGISTRATION,
    /** Who may make one-time shares. */
    shares: settings.SHARES,
    /** The routes of SnapPass, if they are on, and the base of the links that they hand out, without a slash at the end. */
    snappass: settings.SNAPPASS_API === 'on' ? { baseUrl: snappassBase(settings, publicUrl) } : undefined,
    /** Whether Bitwarden's apps can have accounts here. */
    bitwarden: settings.BITWARDEN_API === 'on',
    /** Web vaults of Bitwarden's that are served elsewhere, and may ask this server. */
    bitwardenOrigins: settings.BITWARDEN_ORIGINS ?? [],
    /** Where apps find the icon of a host, for which `{}` stands; undefined for nowhere. */
    bitwardenIcons: settings.BITWARDEN_ICONS,
    /** The folder of an unpacked web vault of Bitwarden's, if one is served. */
    bitwardenWebVault: settings.BITWARDEN_WEB_VAULT,
    /** How mail is sent, if it is; `allowPlaintext` also if the mail server has no TLS. */
    smtp:
      SMTP_URL && MAIL_FROM
        ? { url: SMTP_URL, from: MAIL_FROM, allowPlaintext: settings.SMTP_ALLOW_PLAINTEXT === 'on' }
        : undefined,
    /** Whether an account can be used before its address is confirmed. */
    emailVerification: settings.EMAIL_VERIFICATION,
    /** How long an account waits that its mailbox wants deleted; undefined if the operator has that off. */
    accountDeletion:
      settings.ACCOUNT_DELETION_BY_MAIL === 'on' ? { wait: settings.ACCOUNT_DELETION_WAIT } : undefined,
    /** From where passkeys are used beside `publicUrl` itself: apps and browser extensions. */
    webauthnOrigins: settings.WEBAUTHN_ORIGINS ?? [],
    /** Addresses or ranges whose X-Forwarded-For counts. */
    trustProxy: settings.TRUST_PROXY,
    rateLimits: settings.RATE_LIMITS === 'on',
    /** Open connections of one process; one more is closed at once. */
    maxConnections: settings.MAX_CONNECTIONS,
    /** Streams of events, and requests for changes that wait, of one process. Each takes one of the connections. */
    watches: {
      total: settings.MAX_STREAMS ?? Math.floor(settings.MAX_CONNECTIONS / 2),
      ofAccount: settings.MAX_STREAMS_PER_ACCOUNT,
      ofAddress: settings.MAX_STREAMS_PER_ADDRESS,
    },
    /** How long a load balancer has to notice that the server is about to stop. */
    shutdownGrace: settings.SHUTDOWN_GRACE,
    /** Where metrics are served, if they are. */
    metrics:
      METRICS_PORT === undefined
        ? undefined
        : { host: settings.METRICS_HOST ?? settings.HOST, port: METRICS_PORT },
    logLevel: settings.LOG_LEVEL,
    production: settings.NODE_ENV === 'production',
  })
}
