// One-time codes of authenticator apps (TOTP, RFC 6238): six digits, thirty seconds, SHA-1, which is what every app knows.
import { Secret, TOTP } from 'otpauth'

/** Bytes of a secret: as many as its HMAC has (RFC 4226, section 4, R6). */
export const totpSecretBytes = 20

const periodSeconds = 30

/** Steps before and after the present one whose codes are taken too: clocks differ, and typing takes a while. */
const window = 1

const totpOf = (secret: Uint8Array<ArrayBuffer>, issuer = '', label = '') =>
  new TOTP({ issuer, label, secret: new Secret({ buffer: secret.buffer }), period: periodSeconds })

/**
 * What goes into an app.
 * @param account.issuer shown as where the account is
 * @param account.label shown as whose it is
 */
export function describeTotp(
  secret: Uint8Array,
  { issuer, label }: { issuer: string; label: string },
): { secret: string; uri: string } {
  const totp = totpOf(new Uint8Array(secret), issuer, label)
  return { secret: totp.secret.base32, uri: totp.toString() }
}

/**
 * The time step that a code is of; undefined if it is of none near `now`.
 * @param now milliseconds since 1970
 */
export function stepOfCode(secret: Uint8Array, code: string, now: number): number | undefined {
  const delta = totpOf(new Uint8Array(secret)).validate({ token: code, timestamp: now, window })
  return delta === null ? undefined : Math.floor(now / 1000 / periodSeconds) + delta
}

/** A secret as people type it: base32 (RFC 4648, section 6) without padding. */
export const base32Of = (secret: Uint8Array): string => totpOf(new Uint8Array(secret)).secret.base32
