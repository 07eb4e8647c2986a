// From the Authorization header to the Caller with a session.

import { Failure } from '../../domain/failure.ts'
import { accessTokenVerifier } from '../../domain/identity/access-tokens.ts'
import type { Authenticators } from '../../http/route.ts'
import type { Callers, Services } from './route.ts'

const bearer = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i

export function sessionAuthenticators({
  clock,
  config,
  keys,
  sessionCache,
  wrongTokens,
}: Services): Pick<Authenticators<Callers>, 'public' | 'session'> {
  const verify = accessTokenVerifier({ key: keys.accessTokens, issuer: config.publicUrl })
  return {
    public: async ({ address }) => ({ caller: undefined, rateLimitKey: address }),
    async session({ address, authorization }) {
      const token = bearer.exec(authorization ?? '')?.[1]
      if (token === undefined)
        throw new Failure('not-authenticated', 'Send an access token: "Authorization: Bearer <accessToken>".')
      const caller = verify(token, clock.now())
      // Expired ones are honest: their clients refresh. So are those of ended sessions, which are remembered for a moment.
      if (caller === undefined) await wrongTokens.count(address)
      if (caller === undefined || caller === 'expired' || !(await sessionCache.isLiving(caller)))
        throw new Failure('not-authenticated', 'The access token is not valid, or its session has ended.')
      return { caller: { ...caller, address }, rateLimitKey: caller.accountId }
    },
  }
}
