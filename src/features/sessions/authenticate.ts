// From the Authorization header to the Caller.
import { problem } from '../../http/problem.ts'
import type { Authenticators } from '../../http/route.ts'
import type { Callers, Services } from '../route.ts'
import { accessTokenVerifier } from './access-token.ts'

const bearer = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i

/** The ways of `auth` in a route's declaration. */
export function authenticators({ clock, config, keys, liveness }: Services): Authenticators<Callers> {
  const verify = accessTokenVerifier({ key: keys.accessTokens, issuer: config.publicUrl })
  return {
    public: async ({ address }) => ({ caller: undefined, countedAs: address }),
    async session({ authorization }) {
      const token = bearer.exec(authorization ?? '')?.[1]
      if (token === undefined)
        throw problem('not-authenticated', 'Send an access token: "Authorization: Bearer <accessToken>".')
      const caller = verify(token, clock.now())
      if (!caller || !(await liveness.isLiving(caller)))
        throw problem('not-authenticated', 'The access token is not valid, or its session has ended.')
      return { caller, countedAs: caller.accountId }
    },
  }
}
