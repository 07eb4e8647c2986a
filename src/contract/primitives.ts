// The small shapes that every wire schema is made of: ids, times, base64url, envelopes, revisions, cursors.
import * as z from 'zod'
import { encodedLength, limits } from './sizes.ts'

/** A version byte, a salt, a commitment, an AES-GCM tag and at least one padded byte (docs/protocol.md, "Envelope"). */
const minSealedBytes = 1 + 32 + 32 + 16 + 1

// Patterns stand in the contract too, where other languages read them: no \\w, which has more letters in some of them, no \\p,
// and nothing that looks ahead.
export const base64urlLetter = '[0-9A-Za-z_-]'
const base64urlEnd = `(?:${base64urlLetter}[AQgw]|${base64urlLetter}{2}[AEIMQUYcgkosw048])`

/** Canonical base64url without padding (RFC 4648, section 5): unused trailing bits are zero, so a value has one spelling. */
const canonicalBase64url = `(?:${base64urlLetter}{4})*${base64urlEnd}?`

/**
 * Ends the checks of a text that is too long: matching a pattern against megabytes overflows the stack, which would be an error
 * of the server and not one of the request.
 */
export const tooLong = (error?: string) => ({ abort: true, ...(error !== undefined && { error }) })

/** Base64url of exactly `bytes` bytes. */
export const base64urlOf = (bytes: number) =>
  z
    .string()
    .length(encodedLength(bytes), tooLong())
    .regex(new RegExp(`^${canonicalBase64url}$`), `Expected base64url, without padding, of ${bytes} bytes`)

/** Base64url of `least` to `most` bytes. */
export const base64urlOfUpTo = (least: number, most: number) =>
  z
    .string()
    .min(encodedLength(least))
    .max(encodedLength(most), tooLong())
    .regex(
      new RegExp(`^${canonicalBase64url}$`),
      `Expected base64url, without padding, of ${least} to ${most} bytes`,
    )

// The first two characters of an envelope spell the version byte 0x01.
const sealedForm = new RegExp(`^A[Q-Za-f]${base64urlLetter}{2}${canonicalBase64url}$`)

/** An envelope of docs/protocol.md of at most `bytes` bytes. The server checks its form and never its content. */
const sealedUpTo = (bytes: number) =>
  z
    .string()
    .min(encodedLength(minSealedBytes), 'Too short for an envelope')
    .max(encodedLength(bytes), tooLong(`An envelope here holds at most ${bytes} bytes`))
    .regex(sealedForm, 'Expected base64url, without padding, of an envelope of version 1')

export const Sealed = sealedUpTo(limits.sealedBytes).meta({
  id: 'Sealed',
  description: 'An envelope of the client protocol, base64url without padding. Only clients can open it.',
})

export const SealedKey = sealedUpTo(limits.sealedKeyBytes).meta({
  id: 'SealedKey',
  description: 'An envelope of the client protocol that holds a key.',
})

/**
 * One of these names, or one that a newer server knows: clients are not to fail over it. The contract tells the names, and that
 * there may be more, in the way that generators of clients have agreed on.
 */
export const oneOfMore = (names: readonly string[]) =>
  z.string().meta({ override: { 'x-extensible-enum': [...names] } })

/** A UUID in lower case; clients may choose it. */
const uuid = () =>
  z
    .string()
    .length(36, tooLong())
    .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, 'Expected a UUID in lower case')

export const AccountId = uuid().meta({ description: 'An account' })
export const AttachmentId = uuid().meta({ description: 'A file beside an item' })
export const DeviceId = uuid().meta({ description: 'A device, named by itself' })
export const FolderId = uuid().meta({ description: 'A folder' })
export const ItemId = uuid().meta({ description: 'An item' })
export const SecondFactorId = uuid().meta({ description: 'A second factor' })
export const SessionId = uuid().meta({ description: 'A session' })
export const TokenId = uuid().meta({ description: 'A personal access token, not the token itself' })
export const VaultId = uuid().meta({ description: 'A vault' })

export const Timestamp = z.iso
  .datetime({ precision: 3 })
  .meta({ description: 'A time in UTC with milliseconds', example: '2026-01-31T12:00:00.000Z' })

const instantForm = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,30})?([Zz]|[+-]\d{2}:\d{2})$/

/**
 * A date-time of RFC 3339, section 5.6, as it is for people and other programs: any offset, any digits of a second, either case.
 * @returns milliseconds since 1970, rounded down; undefined for anything else, such as the 30th of February
 */
function readInstant(text: string): number | undefined {
  if (!instantForm.test(text)) return undefined
  const upper = text.toUpperCase()
  // A leap second is a time of RFC 3339 that Date does not know. It is read as the second after it, as POSIX does.
  const leap = upper.slice(17, 19) === '60'
  const at = Date.parse(leap ? `${upper.slice(0, 17)}59${upper.slice(19)}` : upper)
  // Date takes the 30th of February for the 1st or 2nd of March, and 24:00 for the next day.
  const written = Date.parse(`${upper.slice(0, 10)}T00:00:00Z`)
  if (Number.isNaN(at) || Number.isNaN(written) || upper.slice(11, 13) === '24') return undefined
  if (new Date(written).toISOString().slice(0, 10) !== upper.slice(0, 10)) return undefined
  const ms = leap ? at + 1000 : at
  // Leap seconds are the last ones of a day in UTC (section 5.7).
  if (leap && Math.floor(ms / 1000) % 86_400 !== 0) return undefined
  return ms >= firstInstant && ms <= lastInstant ? ms : undefined
}

// What `Timestamp` can write: the years 0000 to 9999.
const firstInstant = Date.parse('0000-01-01T00:00:00.000Z')
const lastInstant = Date.parse('9999-12-31T23:59:59.999Z')

const instantMessage = 'Expected a time of RFC 3339 with its offset, such as 2026-01-31T12:00:00Z'

/** A time in a request, in any spelling of RFC 3339. Becomes the one spelling of `Timestamp`. */
export const Instant = z
  .string()
  .max(64, tooLong(instantMessage))
  .refine((text) => readInstant(text) !== undefined, { abort: true, error: instantMessage })
  .transform((text) => new Date(readInstant(text) ?? 0).toISOString())
  .meta({
    override: { type: 'string', format: 'date-time' },
    description: 'A time of RFC 3339, with any offset',
    example: '2026-01-31T13:00:00+01:00',
  })

/** The vault's counter at the write that last touched something: 1 or more. */
export const Revision = z.int().min(1).meta({ description: 'The vault revision that last touched it' })

/** Raised by each change of a key, of a vault or of an account: 1 for the key that it was made with. */
export const KeyVersion = z
  .int()
  .min(1)
  .meta({ description: 'Which key it is sealed under: 1, and one more after each change of the key' })

/** `?keyVersion=`; 1 without it. */
export const KeyVersionText = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, 'Expected a whole number, 1 or more')
  .transform(Number)
  .default(1)
  .meta({
    override: ({ jsonSchema }: { jsonSchema: Record<string, unknown> }) => {
      delete jsonSchema.pattern
      Object.assign(jsonSchema, { type: 'integer', format: 'int32', minimum: 1, default: 1 })
    },
    description: 'Of the vault key that seals it',
  })

export const Cursor = z
  .string()
  .min(1)
  .max(128, tooLong())
  .regex(new RegExp(`^${base64urlLetter}+$`), 'Expected a cursor as an earlier answer gave it')
  .meta({ description: 'Opaque: give back what an earlier answer gave' })

/** Control characters, as patterns of every language name them: Unicode's category Cc. */
const controlCharacters = String.raw`\x00-\x1f\x7f-\x9f`

/** Text of at most so many characters, counted as JSON Schema and most languages do: by code points, not by UTF-16 units. */
const text = (most: number) =>
  z
    .string()
    // No text of fewer code points is longer, and nothing below has to look at more.
    .max(2 * most, tooLong())
    .refine((text) => [...text].length <= most, {
      abort: true,
      error: `Too long: expected at most ${most} characters`,
    })
    // Half of a surrogate pair is no character: neither engine's text column can be trusted with it.
    .refine((text) => text.isWellFormed(), 'Expected text that can be written in UTF-8')

/** One line of text without control characters. */
export const line = (most: number) =>
  text(most)
    .min(1)
    .regex(new RegExp(`^[^${controlCharacters}]*$`), 'Expected text without control characters')
    .meta({ override: { maxLength: most } })

/** E-mail addresses are compared trimmed, in NFC and lower case; this is that form, shared by server and clients. */
export const normalizeEmail = (email: string) => email.trim().normalize('NFC').toLowerCase().normalize('NFC')

const maxEmailCharacters = 320

// None of the characters that have a meaning of their own in a mail's header (RFC 5322, section 3.2.3): one address stays one.
const emailLetter = String.raw`[^\s@${controlCharacters}()<>\[\]:;\\,"]`

export const Email = text(maxEmailCharacters)
  .overwrite(normalizeEmail)
  .regex(new RegExp(`^${emailLetter}+@${emailLetter}+$`), 'Expected an e-mail address')
  .meta({
    override: { minLength: 3, maxLength: maxEmailCharacters },
    description: 'An e-mail address',
    example: 'ada@example.com',
  })

/** A whole number in a query, as JSON Schema says it. */
const wholeNumber = (minimum: number, maximum: number, byDefault: number) => ({
  override: ({ jsonSchema }: { jsonSchema: Record<string, unknown> }) => {
    delete jsonSchema.pattern
    Object.assign(jsonSchema, { type: 'integer', format: 'int32', minimum, maximum, default: byDefault })
  },
})

const pageLimit = `Expected a whole number from 1 to ${limits.pageItems}`

const waitSeconds = `Expected a whole number from 0 to ${limits.waitSeconds}`

/** `?limit=`: how many items a page holds at the most. */
export const PageLimit = z
  .string()
  .regex(/^[1-9]\d{0,3}$/, pageLimit)
  .transform(Number)
  .refine((number) => number <= limits.pageItems, pageLimit)
  .default(limits.pageItems)
  .meta(wholeNumber(1, limits.pageItems, limits.pageItems))

/** `?wait=`: how many seconds an answer may wait for something to say. */
export const WaitSeconds = z
  .string()
  .regex(/^(?:0|[1-9]\d?)$/, waitSeconds)
  .transform(Number)
  .refine((number) => number <= limits.waitSeconds, waitSeconds)
  .default(0)
  .meta(wholeNumber(0, limits.waitSeconds, 0))

/** `?name=true` or `?name=false`; false without it. */
export const Flag = z
  .enum(['true', 'false'])
  .transform((text) => text === 'true')
  .default(false)
  .meta({
    override: ({ jsonSchema }: { jsonSchema: Record<string, unknown> }) => {
      delete jsonSchema.enum
      Object.assign(jsonSchema, { type: 'boolean', default: false })
    },
  })

export type Cursor = z.infer<typeof Cursor>
export type Sealed = z.infer<typeof Sealed>
