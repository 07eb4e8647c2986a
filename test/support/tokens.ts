// Personal access tokens without the SDK: the sealed key is random bytes.
import { CreatedToken } from '../../src/contract/tokens.ts'
import type { RawAccount } from './accounts.ts'
import { bodyOf, outcomeOf, type Server, send } from './requests.ts'

interface NewToken {
  readonly scopes?: readonly ('read' | 'write' | 'shares')[]
  readonly vaultId?: string
  readonly vaultKey?: string
  readonly expiresAt?: string
}

/** Who makes tokens: by a session, and a fresh proof of the password. */
type Owner = Pick<RawAccount, 'token' | 'authKey'>

export const postToken = (server: Server, { token: session, authKey }: Owner, token: object) =>
  send(server, { method: 'POST', path: '/api/v1/tokens', token: session, body: { authKey, ...token } })

/** A new token of the owner; it may read unless said otherwise. */
export async function newToken(server: Server, owner: Owner, token: NewToken = {}): Promise<CreatedToken> {
  const answer = await postToken(server, owner, { name: 'test', scopes: ['read'], ...token })
  if (answer.status !== 201) throw new Error(`Making a token was answered ${outcomeOf(answer)}`)
  return bodyOf(CreatedToken, answer)
}

export const revokeToken = (server: Server, session: string, id: string) =>
  send(server, { method: 'DELETE', path: `/api/v1/tokens/${id}`, token: session })
