// The server's own keys, each for one purpose, derived (HKDF, RFC 5869). One of the two secrets alone makes none of those
// that come from both. docs/decisions/server-keys.md says what each is worth to whom.
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
  /** Seals what the choice of a password by OPAQUE has to remember between its halves. */
  readonly opaqueRegistrations: KeyObject
  /** Shows that who asks what the server sees is its operator. */
  readonly reflections: KeyObject
  /** Makes the challenges of WebAuthn. */
  readonly webauthnChallenges: KeyObject
  /** Seals the secrets that codes of authenticator apps are made from. */
  readonly totpSecrets: KeyObject
  /** Signs the access tokens of Bitwarden's apps (HS256). */
  readonly bitwardenTokens: KeyObject
  /** Seals what Bitwarden's apps carry from one step to the next: that a password was proved just now. */
  readonly bitwardenProofs: KeyObject
  /** Seals what opens a send, or one file, for minutes. */
  readonly bitwardenLinks: KeyObject
  /** Seals the secrets that Bitwarden's apps show again: recovery codes and API keys. */
  readonly bitwardenSecrets: KeyObject
  /** Makes the codes that are mailed. */
  readonly mailedCodes: KeyObject
}

/**
 * @param secret JWT_SECRET, 32 bytes or more
 * @param opaqueSetup OPAQUE_SERVER_SETUP
 */
export function deriveServerKeys(secret: string, opaqueSetup: string): ServerKeys {
  const from = (source: string, salt: string, purpose: string) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', source, salt, `limpet/v1/server/${purpose}`, 32)))
  const fromSecret = (purpose: string) => from(secret, '', purpose)
  const fromSetup = (purpose: string) => from(opaqueSetup, '', purpose)
  // HKDF extracts by HMAC, with one secret as its key and the other as its message: who lacks either knows nothing of the result.
  const fromBoth = (purpose: string) => from(opaqueSetup, secret, purpose)
  return {
    accessTokens: fromBoth('access-tokens'),
    refreshTokens: fromBoth('refresh-tokens'),
    prelogin: fromSecret('prelogin'),
    emailConfirmations: fromBoth('email-confirmations'),
    rateLimits: fromBoth('rate-limits'),
    opaqueHandshakes: fromBoth('opaque-handshakes'),
    opaqueRegistrations: fromBoth('opaque-registrations'),
    reflections: fromBoth('reflections'),
    webauthnChallenges: fromBoth('webauthn-challenges'),
    totpSecrets: fromSetup('totp-secrets'),
    bitwardenTokens: fromBoth('bitwarden-tokens'),
    bitwardenProofs: fromBoth('bitwarden-proofs'),
    bitwardenLinks: fromBoth('bitwarden-links'),
    bitwardenSecrets: fromSetup('bitwarden-secrets'),
    mailedCodes: fromBoth('mailed-codes'),
  }
}
