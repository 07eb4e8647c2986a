// Personal access tokens over HTTP: list, make, revoke, and what a bearer learns of its own.

import { z } from 'zod'
import { tokenPaths } from '../../contract/paths.ts'
import { TokenId } from '../../contract/primitives.ts'
import { CreatedToken, CreateToken, CurrentToken, TokenList } from '../../contract/tokens.ts'
import { noteChange } from '../../domain/audit/noted-changes.ts'
import { Failure, notFound } from '../../domain/failure.ts'
import { holdProved } from '../../domain/identity/accounts.ts'
import { proveAccount, wrongPassword } from '../../domain/identity/passwords.ts'
import { newToken } from '../../domain/identity/personal-token-text.ts'
import {
  countTokens,
  createToken,
  getToken,
  listTokens,
  revokeToken,
} from '../../domain/identity/personal-tokens.ts'
import { quotaExceeded } from '../../domain/quotas/usage.ts'
import { hashSecret } from '../../domain/secret-hash.ts'
import { proofIn } from './passwords.ts'
import { route } from './route.ts'

const tag = 'Personal access tokens'

const list = route({
  method: 'get',
  path: tokenPaths.tokens,
  operationId: 'listTokens',
  tag,
  summary: 'The living personal access tokens of the account, newest first',
  description: 'Tokens that were revoked or have expired are not in the list.',
  auth: 'session',
  limit: 'read',
  request: {},
  success: { 200: TokenList },
  problems: [],
  async handler({ caller }, { clock, store }) {
    const tokens = await store.read((reader) => listTokens(reader, caller, clock.now()))
    return { status: 200, body: { tokens } }
  },
})

const create = route({
  method: 'post',
  path: tokenPaths.tokens,
  operationId: 'createToken',
  tag,
  summary: 'Make a personal access token for a script',
  description:
    'The token is in this answer and never again. `vaultKey` is the key of the vault, sealed under one that the client keeps and the bearer needs to decrypt; the server hands it out to the bearer and cannot open it. It takes a fresh proof of the password. `write` includes `read`, and not deleting for good. Vaults themselves are made, renamed and deleted with a session only.',
  auth: 'session',
  limit: 'proof',
  request: { body: CreateToken },
  success: { 201: CreatedToken },
  problems: ['invalid-credentials', 'not-found', 'quota-exceeded'],
  async handler({ caller, body }, services) {
    const { clock, config, random, store } = services
    const now = clock.now()
    if (body.expiresAt !== undefined && Date.parse(body.expiresAt) <= now)
      throw new Failure('malformed-request', 'The token would have expired already.', {
        errors: [{ path: 'body.expiresAt', message: 'Expected a time in the future' }],
      })
    const account = await proveAccount(caller, proofIn(body), services)
    const token = newToken(random)
    const stamp = { id: random.uuid(), hash: hashSecret(token), now }
    const summary = await store.write(async (tx) => {
      const created = await createToken(tx, caller, body, stamp)
      if (!(await holdProved(tx, account))) throw wrongPassword()
      // The account's row is held from here on: of two at the same time, one counts the other.
      const tokens = await countTokens(tx, caller.accountId, now)
      const allowed = config.quotas.tokens
      if (tokens > allowed) throw quotaExceeded('tokens', tokens - 1, allowed)
      await noteChange(tx, caller, 'token-created', services)
      return created
    })
    return { status: 201, body: { ...summary, token } }
  },
})

const current = route({
  method: 'get',
  path: tokenPaths.current,
  operationId: 'getCurrentToken',
  tag,
  summary: 'What the personal access token that asks may do, with the key of its vault',
  description: 'A script begins with this: it needs to know nothing but its token.',
  auth: 'tokenHolder',
  limit: 'read',
  request: {},
  success: { 200: CurrentToken },
  problems: [],
  async handler({ caller }, { store }) {
    return { status: 200, body: await store.read((reader) => getToken(reader, caller)) }
  },
})

const revoke = route({
  method: 'delete',
  path: tokenPaths.token,
  operationId: 'revokeToken',
  tag,
  summary: 'Revoke a personal access token',
  description: 'It is refused everywhere within a second.',
  auth: 'session',
  limit: 'write',
  request: { params: z.strictObject({ tokenId: TokenId }) },
  success: { 204: null },
  problems: ['not-found'],
  async handler({ caller, params: { tokenId } }, services) {
    await services.store.write(async (tx) => {
      if (!(await revokeToken(tx, caller, tokenId))) throw notFound()
      await noteChange(tx, caller, 'token-revoked', services)
    })
    return { status: 204 }
  },
})

// The path with a word of its own stands before the one with a parameter, which would match it too.
export const tokenRoutes = [list, create, current, revoke]
