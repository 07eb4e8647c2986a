// Access tokens: JWTs of a few minutes (RFC 7519, with the profile of RFC 9068), signed with HS256 and nothing else.
import type { KeyObject } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { z } from 'zod'
import { AccountId, SessionId } from '../../contract/primitives.ts'
import type { Caller } from '../caller.ts'

const algorithm = 'HS256'
const type = 'at+jwt'
const audience = 'limpet-api'

interface Signing {
  readonly key: KeyObject
  /** PUBLIC_URL: a token of one server is nothing to another that was given the same secret by mistake. */
  readonly issuer: string
}

const Header = z.strictObject({ alg: z.literal(algorithm), typ: z.literal(type) })

const Payload = z.strictObject({
  iss: z.string(),
  aud: z.literal(audience),
  sub: AccountId,
  sid: SessionId,
  jti: z.string().min(1),
  iat: z.int(),
  exp: z.int(),
})

/**
 * Signs an access token.
 * @param options.now milliseconds since 1970
 * @param options.ttl milliseconds that it is good for
 */
export const signAccessToken = (
  { key, issuer }: Signing,
  { accountId, sessionId }: Caller,
  options: { now: number; ttl: number; id: string },
): string => {
  const iat = Math.floor(options.now / 1000)
  const exp = iat + Math.floor(options.ttl / 1000)
  return jwt.sign(
    { iss: issuer, aud: audience, sub: accountId, sid: sessionId, jti: options.id, iat, exp },
    key,
    {
      algorithm,
      header: { alg: algorithm, typ: type },
    },
  )
}

interface VerifiedToken {
  readonly caller: Caller
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/**
 * Who a token speaks for; 'expired' if it was good once, and undefined if it is not one of ours. jsonwebtoken checks signature, algorithm,
 * times, issuer and audience; header and payload must then be exactly what `signAccessToken` writes, so that `crit`, other
 * kinds of token under the same key, and claims left out are refused.
 */
function verifyAccessToken(
  { key, issuer }: Signing,
  token: string,
  now: number,
): VerifiedToken | 'expired' | undefined {
  try {
    const { header, payload } = jwt.verify(token, key, {
      algorithms: [algorithm],
      issuer,
      audience,
      clockTimestamp: Math.floor(now / 1000),
      complete: true,
    })
    Header.parse(header)
    const { sub, sid, exp } = Payload.parse(payload)
    return { caller: { accountId: sub, sessionId: sid }, expiresAt: exp * 1000 }
  } catch (error) {
    // The signature was looked at before.
    return error instanceof jwt.TokenExpiredError ? 'expired' : undefined
  }
}

/** Bounds the memory; beyond it all tokens are verified anew. */
const maxRemembered = 10_000

/**
 * Makes a `verifyAccessToken` that remembers what it verified, for a client sends the same token with every request of some
 * minutes. Only byte for byte the same token is found again, and its time is looked at each time.
 */
export function accessTokenVerifier(
  signing: Signing,
): (token: string, now: number) => Caller | 'expired' | undefined {
  const verified = new Map<string, VerifiedToken>()
  return (token, now) => {
    const known = verified.get(token) ?? verifyAccessToken(signing, token, now)
    if (known === undefined || known === 'expired') return known
    if (now >= known.expiresAt) {
      verified.delete(token)
      return 'expired'
    }
    if (verified.size >= maxRemembered) verified.clear()
    verified.set(token, known)
    return known.caller
  }
}
