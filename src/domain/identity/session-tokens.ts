// What a session is used with: an access token for some minutes, and the refresh token that gets the next one.
import type { KeyObject } from 'node:crypto'
import type { Random } from '../../random.ts'
import type { Caller } from '../caller.ts'
import { signAccessToken } from './access-tokens.ts'

export interface AccessTokenSettings {
  /** PUBLIC_URL, which stands in each token as its issuer. */
  readonly publicUrl: string
  /** Milliseconds that a token is good for: ACCESS_TOKEN_TTL. */
  readonly accessTokenTtl: number
}

/** What signing access tokens takes. */
export interface SigningNeeds {
  readonly config: AccessTokenSettings
  readonly keys: { readonly accessTokens: KeyObject }
  readonly random: Random
}

/** What a client gets for a session. */
export interface SessionTokens extends Caller {
  /** A JWT (see access-tokens.ts). */
  readonly accessToken: string
  /** Milliseconds that the access token is good for. */
  readonly accessTokenTtl: number
  /** 32 bytes; good for one use. */
  readonly refreshToken: Uint8Array
}

/** @param now milliseconds since 1970 */
export const issueTokens = (
  { accountId, sessionId }: Caller,
  refreshToken: Uint8Array,
  now: number,
  { config, keys, random }: SigningNeeds,
): SessionTokens => ({
  accountId,
  sessionId,
  accessToken: signAccessToken(
    { key: keys.accessTokens, issuer: config.publicUrl },
    { accountId, sessionId },
    { now, ttl: config.accessTokenTtl, id: random.uuid() },
  ),
  accessTokenTtl: config.accessTokenTtl,
  refreshToken,
})
