// The access tokens of Bitwarden's apps: JWTs of an hour, signed with HS256 under a key of their own, so that none is a token of Limpet's
// own API or the other way round. Apps decode the middle and need some claims of it; the server believes the session alone.
import type { KeyObject } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { z } from 'zod'
import { minutes } from '../../clock.ts'
import { AccountId, SessionId } from '../../contract/primitives.ts'

const algorithm = 'HS256'

/** Apps refresh when fewer than five minutes are left. */
export const bitwardenTokenTtl = minutes(60)

interface Signing {
  readonly key: KeyObject
  /** PUBLIC_URL */
  readonly publicUrl: string
}

/** Who a token speaks for. */
export interface BitwardenBearer {
  readonly accountId: string
  readonly sessionId: string
  /** As the client calls its installation. */
  readonly deviceIdentifier: string
}

/** What the apps read in a token beside that. */
interface Claims {
  readonly email: string
  readonly name: string | null
  /** Of the client: `web`, `cli`, … */
  readonly clientId: string
  readonly deviceType: number
  readonly securityStamp: string
}

const issuerOf = ({ publicUrl }: Signing) => `${publicUrl}/identity`

/** @param now milliseconds since 1970 */
export const signBitwardenToken = (
  signing: Signing,
  { accountId, sessionId, deviceIdentifier }: BitwardenBearer,
  { email, name, clientId, deviceType, securityStamp }: Claims,
  now: number,
): string => {
  const iat = Math.floor(now / 1000)
  return jwt.sign(
    {
      nbf: iat,
      iat,
      exp: iat + bitwardenTokenTtl / 1000,
      iss: issuerOf(signing),
      sub: accountId,
      sid: sessionId,
      client_id: clientId,
      email,
      email_verified: true,
      name,
      premium: true,
      sstamp: securityStamp,
      device: deviceIdentifier,
      devicetype: String(deviceType),
      scope: ['api', 'offline_access'],
      amr: ['Application'],
    },
    signing.key,
    { algorithm },
  )
}

const Payload = z.object({ sub: AccountId, sid: SessionId, device: z.string() })

/** @returns 'expired' if it was good once, undefined if it is none of ours */
export function verifyBitwardenToken(
  signing: Signing,
  token: string,
  now: number,
): BitwardenBearer | 'expired' | undefined {
  try {
    const payload = jwt.verify(token, signing.key, {
      algorithms: [algorithm],
      issuer: issuerOf(signing),
      clockTimestamp: Math.floor(now / 1000),
      // A clock that is set back logs nobody out.
      ignoreNotBefore: true,
    })
    const { sub, sid, device } = Payload.parse(payload)
    return { accountId: sub, sessionId: sid, deviceIdentifier: device }
  } catch (error) {
    // The signature was looked at before.
    return error instanceof jwt.TokenExpiredError ? 'expired' : undefined
  }
}
