// What scripts for SnapPass send and look for: tokens, passwords with their lifetimes, and the answer that they would like.
import { z } from 'zod'
import { toBase64url } from '../../domain/encoding.ts'

/** Seconds that a password lives. */
const usualTtl = 1_209_600
const ttl = { least: 1, most: usualTtl }

/** What the form calls them. */
const periods = new Map([
  ['hour', 3600],
  ['day', 86_400],
  ['week', 604_800],
  ['two weeks', usualTtl],
])

// ---- Tokens: "snappass", the id in hex, "~", the Fernet key with its padding

const tokenForm = /^snappass([\da-f]{32})(?:~(.*))?$/s
const keyForm = /^([\w-]{42}[AEIMQUYcgkosw048])=?$/

export interface Token {
  /** The share's. */
  readonly id: string
  /** As in Limpet's own links: without padding. */
  readonly linkKey: string | undefined
}

export const formatToken = (id: Uint8Array, linkKey: string): string =>
  `snappass${Buffer.from(id).toString('hex')}~${linkKey}=`

/** As Python's quote_plus leaves a token. */
export const quoteToken = (token: string): string => token.replaceAll('=', '%3D')

/** Percent-decoding that never fails: a token has nothing beyond ASCII in it. */
const unquote = (text: string) =>
  text.replaceAll(/%([\da-f]{2})/gi, (_match, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))

/** The token at the end of a path. Flask decodes the path and SnapPass decodes once more, so some scripts encode twice. */
export function tokenAt(path: string): Token | undefined {
  const text = unquote(unquote(path.slice(path.lastIndexOf('/') + 1)))
  const [, id, key = ''] = tokenForm.exec(text) ?? []
  if (id === undefined) return undefined
  return { id: toBase64url(Buffer.from(id, 'hex')), linkKey: keyForm.exec(key)?.[1] }
}

// ---- Passwords and how long they live

export interface Mistake {
  readonly name: string
  readonly reason: string
}

export interface Order {
  readonly password: string
  readonly ttl: number
}

const Body = z.object({ password: z.unknown().optional(), ttl: z.unknown().optional() })

/** Python's int() of a number or of digits in a text; not a number for everything else. */
function toInt(given: unknown): number {
  if (typeof given === 'number') return Math.trunc(given)
  return typeof given === 'string' && /^\s*[+-]?\d+\s*$/.test(given) ? Number(given) : Number.NaN
}

function passwordMistakes(password: unknown): Mistake[] {
  const name = 'password'
  if (!password) return [{ name, reason: 'The password is required and should not be null or empty.' }]
  // What has no UTF-8 form would come back as something else.
  if (typeof password !== 'string' || !password.isWellFormed())
    return [{ name, reason: 'The password should be text that can be written in UTF-8.' }]
  return []
}

function ttlMistakes(seconds: number): Mistake[] {
  const name = 'ttl'
  if (seconds > ttl.most) return [{ name, reason: 'The specified TTL is longer than the maximum supported.' }]
  if (seconds >= ttl.least) return []
  return [{ name, reason: `The TTL should be a number of seconds from ${ttl.least} to ${ttl.most}.` }]
}

/** What a JSON body asks for, or everything that is wrong with it. Members that SnapPass does not know are ignored, as there. */
export function readOrder(body: unknown): Order | Mistake[] {
  const given = Body.safeParse(body).data ?? {}
  const password = typeof given.password === 'string' ? given.password : ''
  const seconds = given.ttl === undefined ? usualTtl : toInt(given.ttl)
  const mistakes = [...passwordMistakes(given.password), ...ttlMistakes(seconds)]
  return mistakes.length > 0 ? mistakes : { password, ttl: seconds }
}

/** The same for the form, which sends a period in place of seconds. */
export function readFormOrder({
  password,
  ttl: period,
}: Readonly<Record<string, string>>): Order | Mistake[] {
  const seconds = period === undefined ? undefined : periods.get(period.toLowerCase())
  const order = readOrder({ password, ttl: seconds })
  if (seconds !== undefined) return order
  const reason = `The TTL should be one of: ${[...periods.keys()].join(', ')}.`
  return [...(Array.isArray(order) ? order : []), { name: 'ttl', reason }]
}

// ---- Accept

/** What Werkzeug counts as HTML. */
const htmlTypes = ['text/html', 'application/xhtml+xml', 'application/xml']

/** Whether a header asks for JSON and leaves no room for HTML. Quality counts for nothing, as in Werkzeug. */
export function wantsJson(accept = ''): boolean {
  const ranges = accept.split(',').map((range) =>
    range
      .replace(/;\s*q\s*=[^;]*/i, '')
      .trim()
      .toLowerCase(),
  )
  const accepts = (type: string) =>
    ['*/*', `${type.split('/')[0]}/*`, type].some((range) => ranges.includes(range))
  return accepts('application/json') && !htmlTypes.some(accepts)
}
