// The server's own keys, all derived from JWT_SECRET (HKDF, RFC 5869), each for one purpose.
import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'

export interface ServerKeys {
  /** Signs access tokens (HS256). */
  readonly accessTokens: KeyObject
  /** Derives a refresh token's successor. */
  readonly refreshTokens: KeyObject
  /** Derives the credible answer about e-mail addresses that have no account. */
  readonly prelogin: KeyObject
  /** Signs the links that confirm e-mail addresses. */
  readonly emailConfirmations: KeyObject
  /** Disguises addresses and accounts in the table of counts. */
  readonly rateLimits: KeyObject
  /** Seals what an OPAQUE login has to remember between its halves. */
  readonly opaqueHandshakes: KeyObject
}

/** @param secret JWT_SECRET, 32 bytes or more */
export function deriveServerKeys(secret: string): ServerKeys {
  const derive = (purpose: string) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `limpet/v1/server/${purpose}`, 32)))
  return {
    accessTokens: derive('access-tokens'),
    refreshTokens: derive('refresh-tokens'),
    prelogin: derive('prelogin'),
    emailConfirmations: derive('email-confirmations'),
    rateLimits: derive('rate-limits'),
    opaqueHandshakes: derive('opaque-handshakes'),
  }
}
