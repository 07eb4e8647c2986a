// The forms that settings are written in: each from the text of the environment to a value, or a sentence about what was expected.
import { accessSync, constants } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import type { S3Settings } from '../objects/s3.ts'
import type { DatabaseUrl } from '../store/open.ts'
import { formatDuration, parseDuration, parseSize } from '../units.ts'

export const duration = (min: number, max: number, example: string) =>
  z
    .string()
    .transform(parseDuration)
    .refine(
      (length) => length >= min && length <= max,
      `expected a duration from ${formatDuration(min)} to ${formatDuration(max)}, such as ${example}`,
    )

/** A whole number. */
export const amount = (min: number, max: number) =>
  z
    .string()
    .transform((text) => (/^\d{1,12}$/.test(text) ? Number(text) : Number.NaN))
    .refine((number) => number >= min && number <= max, `expected a whole number from ${min} to ${max}`)

/** Bytes. */
export const byteCount = (min: number, expected: string, max = Number.MAX_SAFE_INTEGER) =>
  z
    .string()
    .transform(parseSize)
    .refine((bytes) => bytes >= min && bytes <= max && Number.isSafeInteger(bytes), expected)

export const oneOf = <const Values extends [string, ...string[]]>(...values: Values) =>
  z.enum(values, `expected ${values.join(' or ')}`)

/** Whether this process can read a file now. */
function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK)
    return true
  } catch {
    return false
  }
}

/**
 * What is wrong with what a Postgres URL says of TLS, if anything. TLS that does not check whom it speaks to is refused: it looks safe and
 * is not. The names are those of libpq (https://www.postgresql.org/docs/17/libpq-ssl.html).
 */
function tlsMistake({ searchParams: given }: URL): string | undefined {
  const [mode, ca] = [given.get('sslmode'), given.get('sslrootcert')]
  if (
    given.has('ssl') ||
    given.has('uselibpqcompat') ||
    !(mode === null || /^(disable|verify-full)$/.test(mode))
  )
    return 'expected sslmode=verify-full for TLS, which checks certificate and name, or sslmode=disable'
  if (ca !== null && mode !== 'verify-full') return 'expected sslmode=verify-full beside sslrootcert'
  if (ca !== null && !isReadable(ca))
    return 'expected behind sslrootcert= a file with certificates that the server can read'
  return undefined
}

/** `file:./data/limpet.db` or `postgres://…`. */
export const databaseUrl = z.string().transform((text, context): DatabaseUrl => {
  if (text.startsWith('file:') && text.length > 'file:'.length)
    return { engine: 'sqlite', file: resolve(text.slice('file:'.length)) }
  const url = /^postgres(ql)?:\/\//.test(text) && URL.canParse(text) ? new URL(text) : undefined
  const mistake = url
    ? tlsMistake(url)
    : 'expected file:<path of an SQLite file> or postgres://user:password@host:port/database'
  if (mistake === undefined) return { engine: 'postgres', url: text }
  context.issues.push({ code: 'custom', input: undefined, message: mistake })
  return z.NEVER
})

/** The same, of Postgres only. */
export const postgresUrl = databaseUrl.transform((database, context) => {
  if (database.engine === 'postgres') return database.url
  context.issues.push({
    code: 'custom',
    input: undefined,
    message: 'expected postgres://user:password@host:port/database',
  })
  return z.NEVER
})

/** What DATABASE_URL would mean with this value, if it means anything. */
export const databaseFrom = (text: string): DatabaseUrl | undefined => databaseUrl.safeParse(text).data

export const publicUrl = z
  .string()
  .refine((text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    return url !== undefined && /^https?:$/.test(url.protocol) && !url.search && !url.hash && !url.username
  }, 'expected the http(s) URL under which clients reach the server, without query and fragment')
  .transform((text) => text.replace(/\/+$/, ''))

/** What Python's strtobool takes, in any case, as SnapPass has it. */
export const pythonBoolean = z.stringbool({
  truthy: ['y', 'yes', 't', 'true', 'on', '1'],
  falsy: ['n', 'no', 'f', 'false', 'off', '0'],
  error: 'expected yes or no',
})

export const host = z
  .string()
  .refine(
    (text) => /^([\w.-]+|\[[\da-f:.]+\])(:\d+)?$/i.test(text) && URL.canParse(`https://${text}`),
    'expected a host without scheme and path, such as snappass.example.com or 10.0.0.1:8080',
  )

/** A path that every URL parser leaves as it is, without the slashes around it. */
export const pathPrefix = z
  .string()
  .transform((text) => text.replaceAll(/^\/+|\/+$/g, ''))
  .refine(
    (path) => new URL('http://host').pathname + path === new URL(`http://host/${path}`).pathname,
    'expected a path such as /snappass, percent-encoded and without query and fragment',
  )

/** What the library may be told in the URL. Whether there has to be TLS is not among it: it would win over SMTP_ALLOW_PLAINTEXT. */
const smtpParameter = /^(tls\.\w+|name|servername|localAddress|authMethod)$/

export const smtpUrl = z
  .string()
  .refine(
    (text) => /^smtps?:\/\//.test(text) && URL.canParse(text) && new URL(text).hostname !== '',
    'expected smtp://user:password@host:port or smtps://…',
  )
  .refine(
    (text) =>
      !URL.canParse(text) || [...new URL(text).searchParams.keys()].every((name) => smtpParameter.test(name)),
    'expected behind ? nothing but tls.…, name, servername, localAddress and authMethod; SMTP_ALLOW_PLAINTEXT says whether TLS is needed',
  )

const s3Expected =
  'expected https://KEY_ID:SECRET@host/bucket, with a folder behind the bucket or not, and ?region=… unless it is us-east-1'

/** `https://KEY_ID:SECRET@host/bucket/folder?region=…`, each part percent-encoded. */
export const s3Url = z.string().transform((text, context): S3Settings => {
  const given = /^https?:\/\//.test(text) && URL.canParse(text) ? new URL(text) : undefined
  const [bucket = '', ...folders] = (given?.pathname ?? '').split('/').filter((part) => part !== '')
  const parameters = [...(given?.searchParams.keys() ?? [])]
  const isGood =
    given?.username &&
    given.password &&
    /^[a-z\d][a-z\d.-]{1,62}$/.test(bucket) &&
    folders.every((folder) => /^[\w.-]+$/.test(folder)) &&
    given.hash === '' &&
    parameters.every((name) => name === 'region')
  if (!given || !isGood) {
    context.issues.push({ code: 'custom', input: undefined, message: s3Expected })
    return z.NEVER
  }
  return {
    url: new URL(`${given.origin}/${bucket}`),
    prefix: folders.map((folder) => `${folder}/`).join(''),
    region: given.searchParams.get('region') ?? 'us-east-1',
    accessKeyId: decodeURIComponent(given.username),
    secretAccessKey: decodeURIComponent(given.password),
  }
})

const address = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])

export const port = z
  .string()
  .regex(/^\d{1,5}$/, 'expected a port from 0 to 65535')
  .transform(Number)
  .refine((number) => number <= 65_535, 'expected a port from 0 to 65535')

/** Values that stand in documentation: a copied one is no secret. */
export const exampleSecrets = ['change-me-to-32-random-bytes-or-more']

export const jwtSecret = z
  .string()
  .refine(
    (secret) => Buffer.byteLength(secret) >= 32,
    'expected 32 bytes or more, such as `openssl rand -base64 32` prints',
  )
  .refine(
    (secret) => !exampleSecrets.includes(secret),
    'expected a secret of your own, not the one of the example',
  )

export const opaqueSetup = z
  .string()
  .regex(/^[\w-]{171}$/, 'expected 171 characters, such as `limpet-server new-opaque-setup` prints')

export const listenAddress = z.string().min(1, 'expected an address to listen on')

/** Separated by commas. */
const list = (text: string) => text.split(',').map((part) => part.trim())

export const origins = z
  .string()
  .transform((text) => list(text).filter((part) => part !== ''))
  .refine(
    (all) => all.every((origin) => /^[a-z][a-z\d+.-]*:[^\s,]+$/.test(origin)),
    'expected origins with commas between them, such as android:apk-key-hash:…,chrome-extension://…',
  )

/** Of pages, as browsers write them. */
export const webOrigins = z
  .string()
  .transform((text) => list(text).filter((part) => part !== ''))
  .refine(
    (all) =>
      all.every((part) => /^https?:/.test(part) && URL.canParse(part) && new URL(part).origin === part),
    'expected origins of pages with commas between them, such as https://vault.example.com, without a path',
  )

/** Off, or a URL in which `{}` stands once, behind the host, for the host of which there is to be an icon. */
export const iconService = z
  .string()
  .refine(
    (text) =>
      text === 'off' ||
      (/^https:\/\/[^/{}]+\/[^{}]*\{\}[^{}]*$/.test(text) && URL.canParse(text.replace('{}', 'example.com'))),
    'expected off, or the https URL of a service with {} where the host stands, such as https://icons.example.com/{}/icon.png',
  )
  .transform((text) => (text === 'off' ? undefined : text))

/** The absolute path of a folder. */
export const folder = z.string().transform((text) => resolve(text))

export const proxies = z
  .string()
  .transform((text) => (text.trim() === '' || text.trim() === 'none' ? [] : list(text)))
  .refine(
    (all) => all.every((part) => address.safeParse(part).success),
    'expected none, or addresses and ranges with commas between them, such as 10.0.0.0/8,::1',
  )
