// The one place where the server calls the OPAQUE library (RFC 9807): ristretto255, SHA-512, 3DH. A call that begins a login takes a
// millisecond, so a running server has its threads make them (opaque-threads.ts) and loads none of this itself.
import { randomBytes } from 'node:crypto'
import { client, ready, server } from '@serenity-kit/opaque'
import { fromBase64url, toBase64url } from '../encoding.ts'

/** The library throws for messages that are none. Everything else that it is given here was checked before. */
function unlessMalformed<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

/** A new server setup: the seed of every account's key, and the server's own key pair. */
export async function createOpaqueSetup(): Promise<string> {
  await ready
  return server.createSetup()
}

/** Whether OPAQUE_SERVER_SETUP is one. */
export async function isOpaqueSetup(setup: string): Promise<boolean> {
  await ready
  return unlessMalformed(() => server.getPublicKey(setup)) !== undefined
}

/** The record of a password that nobody knows. */
function createDecoyRecord(setup: string): string {
  const password = randomBytes(32).toString('base64url')
  const { clientRegistrationState, registrationRequest } = client.startRegistration({ password })
  const { registrationResponse } = server.createRegistrationResponse({
    serverSetup: setup,
    userIdentifier: 'nobody',
    registrationRequest,
  })
  return client.finishRegistration({
    password,
    clientRegistrationState,
    registrationResponse,
    // No use in stretching 256 random bits.
    keyStretching: { 'argon2id-custom': { memory: 8, iterations: 1, parallelism: 1 } },
  }).registrationRecord
}

type CallName = 'startRegistration' | 'isRecord' | 'startLogin' | 'finishLogin'

/** What a call has computed, base64url: nothing if it only says yes. Undefined for a no, and for what is no message of OPAQUE. */
export type Computed = readonly string[] | undefined

/** What a thread computes: `OpaqueServer` says what each is for. */
export type OpaqueCalls = Readonly<Record<CallName, (...given: readonly string[]) => Computed>>

/** A call, with what it is given. */
export interface OpaqueCall {
  readonly name: CallName
  readonly given: readonly string[]
}

/** @param given a setup, in any form of base64url */
export async function createOpaqueCalls(given: string): Promise<OpaqueCalls> {
  await ready
  const setup = toBase64url(fromBase64url(given))
  const decoyRecord = createDecoyRecord(setup)
  const anyRequest = client.startLogin({ password: 'any' }).startLoginRequest
  const startLogin = (
    userIdentifier: string,
    startLoginRequest: string,
    // Not the library's own way without a record: that one is measurably faster.
    registrationRecord = decoyRecord,
  ): Computed => {
    const started = unlessMalformed(() =>
      server.startLogin({ serverSetup: setup, userIdentifier, registrationRecord, startLoginRequest }),
    )
    return started && [started.loginResponse, started.serverLoginState]
  }
  return {
    startRegistration(userIdentifier: string, registrationRequest: string) {
      const made = unlessMalformed(() =>
        server.createRegistrationResponse({ serverSetup: setup, userIdentifier, registrationRequest }),
      )
      return made && [made.registrationResponse]
    },
    isRecord: (record: string) => startLogin('nobody', anyRequest, record) && [],
    startLogin,
    finishLogin: (serverLoginState: string, finishLoginRequest: string) =>
      unlessMalformed(() => server.finishLogin({ serverLoginState, finishLoginRequest })) && [],
  }
}
