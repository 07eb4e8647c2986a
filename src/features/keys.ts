// The server's own keys, each for one purpose, derived (HKDF, RFC 5869) from JWT_SECRET, or where they must outlive it from the
// OPAQUE setup, which never changes.
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
  /** Shows that who asks what the server sees is its operator. */
  readonly reflections: KeyObject
  /** Makes the challenges of WebAuthn. */
  readonly webauthnChallenges: KeyObject
  /** Seals the secrets that codes of authenticator apps are made from. */
  readonly totpSecrets: KeyObject
}

/**
 * @param secret JWT_SECRET, 32 bytes or more
 * @param opaqueSetup OPAQUE_SERVER_SETUP
 */
export function deriveServerKeys(secret: string, opaqueSetup: string): ServerKeys {
  const from = (source: string, purpose: string) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', source, '', `limpet/v1/server/${purpose}`, 32)))
  const derive = (purpose: string) => from(secret, purpose)
  return {
    accessTokens: derive('access-tokens'),
    refreshTokens: derive('refresh-tokens'),
    prelogin: derive('prelogin'),
    emailConfirmations: derive('email-confirmations'),
    rateLimits: derive('rate-limits'),
    opaqueHandshakes: derive('opaque-handshakes'),
    reflections: derive('reflections'),
    webauthnChallenges: derive('webauthn-challenges'),
    totpSecrets: from(opaqueSetup, 'totp-secrets'),
  }
}
