// Choosing and proving passwords by either method: what a client sends for it, and the wrap key that stays.

import type * as z from 'zod'
import type { AuthMethod, KdfParameters, NewVerifier, PasswordProof } from '../contract/accounts.ts'
import { OpaqueLoginStarted, OpaqueRegistrationStarted } from '../contract/opaque.ts'
import { accountPaths, opaquePaths } from '../contract/paths.ts'
import { problemCatalogue } from '../contract/problems.ts'
import { accountKeyAssociatedData } from '../protocol/associated-data.ts'
import { encodeBase64url } from '../protocol/base64url.ts'
import { seal } from '../protocol/envelope.ts'
import { deriveKeys, type KdfCosts, newKdf } from '../protocol/keys.ts'
import {
  opaqueCosts,
  requireOpaqueCosts,
  startOpaqueLogin,
  startOpaqueRegistration,
} from '../protocol/opaque.ts'
import { ProblemError } from './errors.ts'
import { requireChoosable } from './password-choice.ts'
import type { Transport } from './transport.ts'

/** How a password is to be proved from now on; OPAQUE unless said otherwise. Only of `authKey` the costs can be chosen. */
export type MethodChoice =
  | { readonly method?: 'opaque'; readonly kdf?: never }
  | { readonly method: 'authKey'; readonly kdf?: KdfCosts }

/** An account key, 32 bytes, and which one it is. */
export interface AccountKey {
  readonly bytes: Uint8Array
  readonly version: number
}

/** A password that was chosen: what the server gets of it, and what seals the account key. */
export interface ChosenPassword {
  readonly method: AuthMethod
  readonly kdf: KdfParameters
  readonly verifier: NewVerifier
  readonly wrapKey: Uint8Array
}

/**
 * By authKey, without asking a server.
 * @throws PasswordRefusedError if the password must not be chosen
 */
export async function chooseByAuthKey(email: string, password: string, costs?: KdfCosts) {
  const kdf = newKdf(costs)
  await requireChoosable(password, { email, kdf })
  const { authKey, wrapKey } = await deriveKeys(password, kdf)
  return { method: 'authKey', kdf, verifier: { authKey: encodeBase64url(authKey) }, wrapKey } as const
}

/** Asks the server for the first half of a choice by OPAQUE. */
type StartChoice = (request: string) => Promise<z.infer<typeof OpaqueRegistrationStarted>>

async function chooseByOpaque(start: StartChoice, email: string, password: string) {
  await requireChoosable(password, { email, kdf: opaqueCosts })
  const { request, finish } = await startOpaqueRegistration(password)
  const { response, registration } = await start(request)
  const { record, wrapKey } = await finish(response)
  const verifier = { opaque: { record, registration } }
  return { method: 'opaque', kdf: newKdf(opaqueCosts), verifier, wrapKey } as const
}

/** A choice for a new account with this address. */
export const forNewAccount =
  (transport: Transport, email: string): StartChoice =>
  (request) =>
    transport.send(OpaqueRegistrationStarted, {
      method: 'POST',
      path: opaquePaths.register,
      body: { email, request },
    })

/** A choice for the account of the session. */
export const forThisAccount =
  (transport: Transport): StartChoice =>
  (request) =>
    transport.sendAuthorized(OpaqueRegistrationStarted, {
      method: 'POST',
      path: accountPaths.passwordByOpaque,
      body: { request },
    })

/** Makes everything that is sent to set a password, for the account with this address. Throws KdfRefusedError, PasswordRefusedError, RefusedError. */
export const choosePassword = (
  start: StartChoice,
  email: string,
  password: string,
  choice: MethodChoice,
): Promise<ChosenPassword> =>
  choice.method === 'authKey'
    ? chooseByAuthKey(email, password, choice.kdf)
    : chooseByOpaque(start, email, password)

/**
 * Seals the account key once more, for unlocking on this device without the server: OPAQUE's own key can only be had from it.
 * An attacker who takes the device's storage can guess the password by it, as with `authKey`.
 */
export async function sealForDevice(password: string, accountId: string, { bytes, version }: AccountKey) {
  const kdf = newKdf()
  const { wrapKey } = await deriveKeys(password, kdf)
  return { kdf, accountKey: await seal(wrapKey, accountKeyAssociatedData(accountId, kdf, version), bytes) }
}

/** The server's own words for a wrong password: with OPAQUE it is the client that finds out. */
function wrongPassword(): ProblemError {
  const code = 'invalid-credentials'
  const { status, title } = problemCatalogue[code]
  const detail = 'The e-mail address or the password is wrong.'
  return new ProblemError({ type: 'about:blank', title, status, detail, code, requestId: '' })
}

interface Proved {
  readonly proof: PasswordProof
  readonly wrapKey: Uint8Array
}

async function proveByOpaque(transport: Transport, email: string, password: string): Promise<Proved> {
  const { request, finish } = await startOpaqueLogin(password)
  const { handshake, response } = await transport.send(OpaqueLoginStarted, {
    method: 'POST',
    path: opaquePaths.login,
    body: { email, request },
  })
  const finished = await finish(response)
  if (!finished) throw wrongPassword()
  return { proof: { opaque: { handshake, finish: finished.finish } }, wrapKey: finished.wrapKey }
}

/**
 * Proves a password and does with the proof what it is for.
 *
 * A finish that could be made is right. Where the server refuses it all the same, its handshake has run out, or was used up by
 * a request whose answer was lost: then it is done once more, with a new one.
 */
export async function withProof<T>(
  transport: Transport,
  account: { email: string; password: string; method: AuthMethod; kdf: KdfParameters },
  use: (proved: Proved) => Promise<T>,
): Promise<T> {
  const { email, password, method, kdf } = account
  if (method === 'authKey') {
    const { authKey, wrapKey } = await deriveKeys(password, kdf)
    return use({ proof: { authKey: encodeBase64url(authKey) }, wrapKey })
  }
  requireOpaqueCosts(kdf)
  const proved = await proveByOpaque(transport, email, password)
  try {
    return await use(proved)
  } catch (error) {
    if (!(error instanceof ProblemError && error.code === 'invalid-credentials')) throw error
    return use(await proveByOpaque(transport, email, password))
  }
}
