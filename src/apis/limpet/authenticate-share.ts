// Who makes a share, who opens one, and who may look after it.

import { fromBase64url } from '../../domain/encoding.ts'
import { Failure } from '../../domain/failure.ts'
import { hashSecret } from '../../domain/secret-hash.ts'
import type { Authenticators } from '../../http/route.ts'
import type { Callers, Services } from './route.ts'

/** A manage token is 32 bytes; other bearer tokens have dots in them. */
const bearer = /^Bearer ([\w-]{43})$/i

/** @param accountSharer who may share on servers on which that takes an account */
export function shareAuthenticators(
  { config }: Pick<Services, 'config'>,
  accountSharer: Authenticators<Callers>['sharer'],
): Pick<Authenticators<Callers>, 'visitor' | 'sharer' | 'shareManager'> {
  const visitor: Authenticators<Callers>['visitor'] = async ({ address }) => ({
    caller: { address },
    rateLimitKey: address,
  })
  return {
    visitor,
    sharer: config.shares === 'accounts' ? accountSharer : visitor,
    async shareManager({ address, authorization }) {
      const token = bearer.exec(authorization ?? '')?.[1]
      if (token === undefined)
        throw new Failure(
          'not-authenticated',
          'Send the manage token: "Authorization: Bearer <manageToken>".',
        )
      return { caller: { tokenHash: hashSecret(fromBase64url(token)), address }, rateLimitKey: address }
    },
  }
}
