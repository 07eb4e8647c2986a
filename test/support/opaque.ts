// The client's side of OPAQUE without the SDK, and with next to no stretching: the server cannot tell.
import { createHmac } from 'node:crypto'
import { client, ready } from '@serenity-kit/opaque'
import { Session } from '../../src/contract/accounts.ts'
import { OpaqueLoginStarted, OpaqueRegistrationStarted } from '../../src/contract/opaque.ts'
import { createOpaqueServer } from '../../src/domain/identity/opaque.ts'
import { createOpaqueCalls } from '../../src/domain/identity/opaque-library.ts'
import { logInBody, registration } from './accounts.ts'
import type { TestDatabase } from './database.ts'
import { bodyOf, outcomeOf, type Server, send } from './requests.ts'
import { runStatement } from './rows.ts'
import { testOpaqueSetup } from './server.ts'

const keyStretching = { 'argon2id-custom': { memory: 8, iterations: 1, parallelism: 1 } }

export const post = (server: Server, path: string, body: unknown, token?: string) =>
  send(server, { method: 'POST', path: `/api/v1/${path}`, body, token })

/** HKDF-Expand with SHA-512 (RFC 5869, section 2.3). */
export function expand(key: Uint8Array, info: Uint8Array, length: number): Buffer {
  const blocks: Buffer[] = []
  for (let counter = 1; blocks.length * 64 < length; counter++)
    blocks.push(
      createHmac('sha512', key)
        .update(blocks.at(-1) ?? '')
        .update(info)
        .update(Uint8Array.of(counter))
        .digest(),
    )
  return Buffer.concat(blocks).subarray(0, length)
}

/** The record of a password, by the server's answer. */
const finishChoice = (
  password: string,
  clientRegistrationState: string,
  registrationResponse: string,
): string =>
  client.finishRegistration({ password, clientRegistrationState, registrationResponse, keyStretching })
    .registrationRecord

/**
 * Chooses a password, by the server's answer: what POST /register and POST /account/password take as `opaque`.
 * @param who the address of a new account, or the access token of one that is there
 */
export async function choosePassword(
  server: Server,
  who: { email: string } | { token: string },
  password: string,
): Promise<{ record: string; registration: string }> {
  await ready
  const { clientRegistrationState, registrationRequest: request } = client.startRegistration({ password })
  const answer =
    'token' in who
      ? await post(server, 'account/opaque', { request }, who.token)
      : await post(server, 'opaque/register', { email: who.email, request })
  const { response: registrationResponse, registration } = bodyOf(OpaqueRegistrationStarted, answer)
  return { record: finishChoice(password, clientRegistrationState, registrationResponse), registration }
}

/** The body of a registration by OPAQUE. */
export async function opaqueRegistration(server: Server, password: string) {
  const { authKey: _, ...body } = registration()
  return { ...body, opaque: await choosePassword(server, body, password) }
}

/** Asks to begin a login, and keeps what finishes it. */
export async function beginLogin(server: Server, email: string, password: string) {
  await ready
  const { clientLoginState, startLoginRequest } = client.startLogin({ password })
  return {
    clientLoginState,
    answer: await post(server, 'opaque/login', { email, request: startLoginRequest }),
  }
}

/** What `login` and every other proof take; of a wrong password the finish is undefined. */
export async function startProof(server: Server, email: string, password: string) {
  const { answer, clientLoginState } = await beginLogin(server, email, password)
  const { handshake, response: loginResponse } = bodyOf(OpaqueLoginStarted, answer)
  const finished = client.finishLogin({ password, clientLoginState, loginResponse, keyStretching })
  return { handshake, finish: finished?.finishLoginRequest }
}

export type Proof = Awaited<ReturnType<typeof startProof>>

export const finishLogin = (server: Server, email: string, opaque: Proof) => {
  const { device } = logInBody({ email, authKey: '' })
  return post(server, 'login', { email, opaque, device })
}

export const opaqueLogin = async (server: Server, email: string, password: string) =>
  finishLogin(server, email, await startProof(server, email, password))

/** A new account with the method `opaque`, and a session. */
export async function newOpaqueAccount(server: Server, password = 'correct horse') {
  const body = await opaqueRegistration(server, password)
  const registered = await post(server, 'register', body)
  if (registered.status !== 201) throw new Error(`Registration was answered ${outcomeOf(registered)}`)
  const { accountId, email, kdf, accountKey } = body
  const { accessToken: token } = bodyOf(Session, await opaqueLogin(server, email, password))
  return { accountId, email, password, kdf, accountKey, token }
}

/** Gives an account the record that it would have from before 0.3: under an identifier that comes from its address. */
export async function makeRecordOld(
  database: TestDatabase,
  { accountId, email, password }: { accountId: string; email: string; password: string },
): Promise<void> {
  const { credentialIdOf } = createOpaqueServer(testOpaqueSetup)
  const { startRegistration } = await createOpaqueCalls(testOpaqueSetup)
  const { clientRegistrationState, registrationRequest } = client.startRegistration({ password })
  const [response] = startRegistration(credentialIdOf(email), registrationRequest) ?? []
  const record = finishChoice(password, clientRegistrationState, response ?? '')
  await runStatement(
    database,
    `update accounts set auth_verifier = '${record}', credential_id = null where id = '${accountId}'`,
  )
}
