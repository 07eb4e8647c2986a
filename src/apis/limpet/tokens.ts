// Personal access tokens over HTTP: list, make, revoke, and what a bearer learns of its own.

import { z } from 'zod'
import { tokenPaths } from '../../contract/paths.ts'
import { TokenId } from '../../contract/primitives.ts'
import {
  CreatedToken,
  CreateToken,
  CurrentToken,
  TokenList,
  type TokenSummary,
} from '../../contract/tokens.ts'
import { fromBase64url, toBase64url, toTimestamp, toTimestampOrNull } from '../../domain/encoding.ts'
import { Failure } from '../../domain/failure.ts'
import { createToken, revokeToken } from '../../domain/identity/personal-token-changes.ts'
import { getToken, listTokens, type PersonalToken } from '../../domain/identity/personal-tokens.ts'
import { keyChangedFailure, rotationUnderWay } from './key-failures.ts'
import { proofIn } from './passwords.ts'
import { route } from './route.ts'

const tag = 'Personal access tokens'

export const toTokenSummary = ({
  id,
  name,
  scopes,
  vaultId,
  createdAt,
  expiresAt,
  lastUsedAt,
}: PersonalToken): TokenSummary => ({
  id,
  name,
  scopes,
  vaultId,
  createdAt: toTimestamp(createdAt),
  expiresAt: toTimestampOrNull(expiresAt),
  lastUsedAt: toTimestampOrNull(lastUsedAt),
})

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
    return { status: 200, body: { tokens: tokens.map(toTokenSummary) } }
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
  problems: ['invalid-credentials', 'not-found', 'key-changed', 'rotation-under-way', 'quota-exceeded'],
  async handler({ caller, body }, services) {
    const { name, scopes, vaultId = null, vaultKey, keyVersion, expiresAt } = body
    const outcome = await createToken(
      caller,
      {
        name,
        scopes,
        vaultId,
        vaultKey: vaultKey === undefined ? null : fromBase64url(vaultKey),
        keyVersion,
        expiresAt: expiresAt === undefined ? null : Date.parse(expiresAt),
        proof: proofIn(body),
      },
      services,
    )
    if (outcome.kind === 'expired')
      throw new Failure('malformed-request', 'The token would have expired already.', {
        errors: [{ path: 'body.expiresAt', message: 'Expected a time in the future' }],
      })
    if (outcome.kind === 'key-changed') throw keyChangedFailure(outcome)
    if (outcome.kind === 'under-way') throw rotationUnderWay(outcome)
    return { status: 201, body: { ...toTokenSummary(outcome.token), token: outcome.text } }
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
    const { token, keyVersion } = await store.read((reader) => getToken(reader, caller))
    const vaultKey = token.vaultKey && toBase64url(token.vaultKey)
    const body = { ...toTokenSummary(token), accountId: caller.accountId, vaultKey, keyVersion }
    return { status: 200, body }
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
    await revokeToken(caller, tokenId, services)
    return { status: 204 }
  },
})

// The path with a word of its own stands before the one with a parameter, which would match it too.
export const tokenRoutes = [list, create, current, revoke]
