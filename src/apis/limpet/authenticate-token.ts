// From the Authorization header to the bearer of a personal access token, beside sessions where a route takes both.
import type { TokenScope } from '../../contract/tokens.ts'
import { type TokenHolder, VaultCaller } from '../../domain/caller.ts'
import { Failure } from '../../domain/failure.ts'
import { deadToken, type FoundToken, noteUse, usedToMs } from '../../domain/identity/personal-tokens.ts'
import { hashSecret } from '../../domain/secret-hash.ts'
import type { Authenticators, RawRequest } from '../../http/route.ts'
import type { Callers, Services } from './route.ts'

const prefixed = /^Bearer lmp_/i
const bearer = /^Bearer (lmp_[\w-]{43})$/i

/** Bounds the memory; beyond it uses are noted anew. */
const maxRemembered = 10_000

/** Notes uses in the database, at most once a minute for each token, so that most requests write nothing. */
function createUseNotes({ clock, store }: Services): (found: FoundToken) => Promise<void> {
  /** What was found is believed for a moment, in which it does not show what was noted here. */
  const notedAt = new Map<string, number>()
  return async ({ holder, lastUsedAt }) => {
    const now = clock.now()
    if (now - Math.max(lastUsedAt, notedAt.get(holder.tokenId) ?? lastUsedAt) < usedToMs) return
    if (notedAt.size >= maxRemembered) notedAt.clear()
    notedAt.set(holder.tokenId, now)
    await store.write((tx) => noteUse(tx, holder, now))
  }
}

function requireScope({ scopes }: TokenHolder, scope: TokenScope) {
  if (scopes.includes(scope) || (scope === 'read' && scopes.includes('write'))) return
  throw new Failure(
    'insufficient-scope',
    `This takes the scope "${scope}", and the token has ${scopes.map((one) => `"${one}"`).join(' and ')}.`,
  )
}

/**
 * Who may call with a token, and who with a session only. Wrong tokens are counted by address.
 * @param session how a session is told
 */
export function tokenAuthenticators(services: Services, session: Authenticators<Callers>['session']) {
  const { clock, sessionCache, wrongTokens } = services
  const note = createUseNotes(services)

  /** The bearer of a personal access token; undefined for requests without one. Throws for one that is not good. */
  async function holderOf({ address, authorization = '' }: RawRequest): Promise<TokenHolder | undefined> {
    if (!prefixed.test(authorization)) return undefined
    const token = bearer.exec(authorization)?.[1]
    if (token === undefined)
      throw new Failure(
        'not-authenticated',
        'A personal access token is "lmp_" and 43 characters. What stands behind a dot is the key of its bearer: never send that.',
      )
    const hash = hashSecret(token)
    // Nobody guesses a token that exists. A script that goes on with one that has expired, or whose account is disabled, must
    // not use up the budget of its address: the token is to work as soon as the account is enabled.
    const found = await wrongTokens.find(address, Buffer.from(hash).toString('base64'), () =>
      sessionCache.findToken(hash),
    )
    if (!found || found.isAccountDisabled || found.expiresAt <= clock.now()) throw deadToken()
    await note(found)
    return found.holder
  }

  const sessionOnly: Authenticators<Callers>['session'] = async (request) => {
    if (await holderOf(request))
      throw new Failure(
        'token-not-allowed',
        'This is about the account itself, for which a personal access token is not good.',
      )
    return session(request)
  }

  const withScope =
    (scope: TokenScope): Authenticators<Callers>['reader'] =>
    async (request) => {
      const holder = await holderOf(request)
      if (!holder) return wholeAccount(await session(request))
      requireScope(holder, scope)
      return { caller: VaultCaller.byToken(holder), rateLimitKey: holder.accountId }
    }

  const wholeAccount = ({ caller, rateLimitKey }: Awaited<ReturnType<typeof session>>) => ({
    caller: VaultCaller.bySession(caller),
    rateLimitKey,
  })

  return {
    session: sessionOnly,
    vaultOwner: async (request) => wholeAccount(await sessionOnly(request)),
    reader: withScope('read'),
    writer: withScope('write'),
    async tokenHolder(request) {
      const holder = await holderOf(request)
      if (!holder)
        throw new Failure('not-authenticated', 'Send a personal access token: "Authorization: Bearer lmp_…".')
      return { caller: holder, rateLimitKey: holder.accountId }
    },
    /** Who may share where sharing takes an account. */
    async accountSharer(request) {
      const holder = await holderOf(request)
      if (!holder) return session(request)
      requireScope(holder, 'shares')
      return { caller: holder, rateLimitKey: holder.accountId }
    },
  } satisfies Pick<
    Authenticators<Callers>,
    'session' | 'vaultOwner' | 'reader' | 'writer' | 'tokenHolder'
  > & { accountSharer: Authenticators<Callers>['sharer'] }
}
