// Accounts without the SDK: their envelopes are random bytes, so that no key has to be derived.
import { randomBytes, randomUUID } from 'node:crypto'
import { minKdf, Session } from '../../src/contract/accounts.ts'
import { bodyOf, outcomeOf, type Server, send } from './requests.ts'

/** An envelope in form, of so many bytes, that nobody can open. */
export const fakeEnvelope = (bytes = 120): string =>
  Buffer.concat([Buffer.from([1]), randomBytes(bytes - 1)]).toString('base64url')

export const randomKey = () => randomBytes(32).toString('base64url')

/** The body of a registration. */
export const registration = () => ({
  accountId: randomUUID(),
  email: `${randomUUID()}@example.com`,
  kdf: { algorithm: 'argon2id' as const, ...minKdf, salt: randomBytes(16).toString('base64url') },
  authKey: randomKey(),
  accountKey: fakeEnvelope(),
  vault: { id: randomUUID(), key: fakeEnvelope(), data: fakeEnvelope() },
})

export const logInBody = ({ email, authKey }: { email: string; authKey: string }) => ({
  email,
  authKey,
  device: { id: randomUUID(), name: 'test', type: 'other' as const },
})

export async function logIn(server: Server, credentials: { email: string; authKey: string }) {
  const answer = await send(server, {
    method: 'POST',
    path: '/api/v1/login',
    body: logInBody(credentials),
  })
  const { accessToken, refreshToken, sessionId } = bodyOf(Session, answer)
  return { token: accessToken, refreshToken, sessionId }
}

/** A new account with a session. */
export async function newAccount(server: Server) {
  const body = registration()
  const { accountId, email, authKey, vault } = body
  const registered = await send(server, { method: 'POST', path: '/api/v1/register', body })
  if (registered.status !== 201) throw new Error(`Registration was answered ${outcomeOf(registered)}`)
  return { accountId, email, authKey, vaultId: vault.id, ...(await logIn(server, body)) }
}

export type RawAccount = Awaited<ReturnType<typeof newAccount>>
