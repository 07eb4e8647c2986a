// From an access token to the caller with a session of one of Bitwarden's apps.
import { z } from 'zod'
import { Failure } from '../../domain/failure.ts'
import { verifyBitwardenToken } from '../../domain/identity/bitwarden-tokens.ts'
import { readGrant } from '../../domain/sends/access.ts'
import type { Authenticators, RawRequest } from '../../http/route.ts'
import type { Callers, ClientKind, Services } from './route.ts'

/** What a grant of a send gives: a sealed token, and no JWT. */
const sendBearer = /^Bearer ([\w-]+)$/i

const bearer = /^Bearer (\S+)$/i

const tokenForm = /^[\w-]+\.[\w-]+\.[\w-]+$/

const versionForm = /^(\d{1,4})\.(\d{1,4})\.(\d{1,4})/

const textOf = (header: string | string[] | undefined) => (typeof header === 'string' ? header : undefined)

const WithToken = z.object({ access_token: z.string() })

/** The token of a request to upgrade: browsers put it into the query, which is never logged. */
const tokenInQuery = ({ query }: RawRequest) => WithToken.safeParse(query).data?.access_token

/** What a client says of itself: third parties say anything, or nothing. */
function clientOf({ headers }: Pick<RawRequest, 'headers'>): ClientKind {
  const [, year, month, patch] = versionForm.exec(textOf(headers['bitwarden-client-version']) ?? '') ?? []
  return {
    name: textOf(headers['bitwarden-client-name']),
    version: year === undefined ? undefined : [Number(year), Number(month), Number(patch)],
  }
}

export function bitwardenAuthenticators({
  clock,
  config,
  keys,
  sessionCache,
  wrongTokens,
}: Services): Authenticators<Callers> {
  const signing = { key: keys.bitwardenTokens, publicUrl: config.publicUrl }

  async function callerBy(request: RawRequest, given: string | undefined) {
    const { address } = request
    const token = given !== undefined && tokenForm.test(given) ? given : undefined
    const found = token === undefined ? undefined : verifyBitwardenToken(signing, token, clock.now())
    if (token !== undefined && found === undefined) await wrongTokens.count(address)
    if (found === undefined || found === 'expired' || !(await sessionCache.isLiving(found)))
      throw new Failure('not-authenticated', 'This session has ended. Log in again.')
    const caller = { ...found, address, client: clientOf(request) }
    return { caller, rateLimitKey: found.accountId }
  }

  const tokenInHeader = ({ authorization = '' }: RawRequest) => bearer.exec(authorization)?.[1]

  return {
    public: async ({ address }) => ({ caller: undefined, rateLimitKey: address }),
    account: (request) => callerBy(request, tokenInHeader(request)),
    listener: (request) => callerBy(request, tokenInHeader(request) ?? tokenInQuery(request)),
    async sendReader({ address, authorization }) {
      const token = sendBearer.exec(authorization ?? '')?.[1]
      const caller = token === undefined ? undefined : readGrant({ clock, keys }, token)
      if (caller) return { caller, rateLimitKey: address }
      throw new Failure('not-authenticated', 'This Send was opened too long ago. Open its link again.')
    },
  }
}
