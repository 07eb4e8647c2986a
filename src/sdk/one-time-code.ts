// One-time codes of logins (TOTP, RFC 6238), from what stands in an item under `totp`.

/** What a site gave an authenticator app. */
export interface OneTimeCodeSettings {
  readonly secret: Uint8Array<ArrayBuffer>
  readonly algorithm: 'SHA-1' | 'SHA-256' | 'SHA-512'
  /** Length of a code. */
  readonly digits: number
  /** For how many seconds a code is good. */
  readonly period: number
  /** Five letters and digits in place of digits alone, as Steam has them. */
  readonly steam: boolean
}

export interface OneTimeCode {
  readonly code: string
  /** Seconds for which a code is good, all in all. */
  readonly period: number
  /** Milliseconds since 1970 at which the next code comes. */
  readonly endsAt: number
}

/** What stands under `totp` is no secret of an authenticator app. Says why, and never what stood there. */
export class OneTimeCodeError extends Error {
  override readonly name = 'OneTimeCodeError'
}

const base32Letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** Base32 as people copy it (RFC 4648, section 6): in any case, with spaces and dashes, with padding or without. */
function decodeBase32(text: string): Uint8Array<ArrayBuffer> {
  const letters = text.toUpperCase().replaceAll(/[\s-]/g, '').replace(/=+$/, '')
  const bytes = new Uint8Array(Math.floor((letters.length * 5) / 8))
  let [bits, count, at] = [0, 0, 0]
  for (const letter of letters) {
    const value = base32Letters.indexOf(letter)
    if (value < 0) throw new OneTimeCodeError('The secret is not base32: letters, and digits from 2 to 7')
    bits = ((bits << 5) | value) & 0xfff
    count += 5
    if (count >= 8) {
      count -= 8
      bytes[at++] = (bits >> count) & 0xff
    }
  }
  if (bytes.length === 0) throw new OneTimeCodeError('The secret is empty')
  return bytes
}

const algorithms: Readonly<Record<string, OneTimeCodeSettings['algorithm']>> = {
  SHA1: 'SHA-1',
  SHA256: 'SHA-256',
  SHA512: 'SHA-512',
}

const standard = { algorithm: 'SHA-1', digits: 6, period: 30, steam: false } as const
const [leastDigits, mostDigits, mostSeconds] = [6, 10, 86_400]
const steamDigits = 5

function numberIn(parameters: URLSearchParams, name: string, standard: number, least: number, most: number) {
  const text = parameters.get(name)
  if (text === null) return standard
  const number = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (number >= least && number <= most) return number
  throw new OneTimeCodeError(`Its ${name} is not a whole number from ${least} to ${most}`)
}

function settingsOfUri(text: string): OneTimeCodeSettings {
  const uri = URL.canParse(text) ? new URL(text) : undefined
  const kind = uri && (uri.host || uri.pathname.split('/').find((part) => part !== ''))
  if (!uri || kind?.toLowerCase() !== 'totp')
    throw new OneTimeCodeError(
      kind?.toLowerCase() === 'hotp'
        ? 'Its codes go by a counter (HOTP), which a vault does not keep'
        : 'It is not an otpauth://totp/ URI',
    )
  const parameters = uri.searchParams
  const secret = decodeBase32(parameters.get('secret') ?? '')
  if (parameters.get('encoder')?.toLowerCase() === 'steam')
    return { ...standard, secret, digits: steamDigits, steam: true }
  const named = (parameters.get('algorithm') ?? 'SHA1').toUpperCase().replace('-', '')
  const algorithm = Object.hasOwn(algorithms, named) ? algorithms[named] : undefined
  if (!algorithm) throw new OneTimeCodeError('Its algorithm is not SHA1, SHA256 or SHA512')
  return {
    secret,
    algorithm,
    digits: numberIn(parameters, 'digits', standard.digits, leastDigits, mostDigits),
    period: numberIn(parameters, 'period', standard.period, 1, mostSeconds),
    steam: false,
  }
}

/**
 * Reads what an item has under `totp`: an `otpauth://totp/` URI with its algorithm, digits and period; `steam://` and a secret; or the
 * secret alone in base32, which means SHA-1, six digits and thirty seconds.
 * @throws OneTimeCodeError
 */
export function oneTimeCodeSettings(totp: string): OneTimeCodeSettings {
  const text = totp.trim()
  if (/^otpauth:/i.test(text)) return settingsOfUri(text)
  if (/^steam:\/\//i.test(text))
    return {
      ...standard,
      secret: decodeBase32(text.slice('steam://'.length)),
      digits: steamDigits,
      steam: true,
    }
  return { ...standard, secret: decodeBase32(text) }
}

const steamLetters = '23456789BCDFGHJKMNPQRTVWXY'

function lettersOf(number: number): string {
  let [rest, code] = [number, '']
  for (let length = 0; length < steamDigits; length++) {
    code += steamLetters[rest % steamLetters.length]
    rest = Math.floor(rest / steamLetters.length)
  }
  return code
}

/** The code of a moment (RFC 6238, section 4, over RFC 4226, section 5.3). @param now milliseconds since 1970 */
export async function oneTimeCode(settings: OneTimeCodeSettings, now: number): Promise<OneTimeCode> {
  const { secret, algorithm, digits, period, steam } = settings
  const step = Math.floor(now / 1000 / period)
  const counter = new DataView(new ArrayBuffer(8))
  counter.setBigUint64(0, BigInt(step))
  const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: algorithm }, false, ['sign'])
  const mac = new DataView(await crypto.subtle.sign('HMAC', key, counter))
  const offset = mac.getUint8(mac.byteLength - 1) & 0xf
  const number = mac.getUint32(offset) & 0x7fffffff
  const code = steam ? lettersOf(number) : String(number % 10 ** digits).padStart(digits, '0')
  return { code, period, endsAt: (step + 1) * period * 1000 }
}
