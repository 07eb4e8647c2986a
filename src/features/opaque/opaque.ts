// The one place where the server calls the OPAQUE library (RFC 9807): ristretto255, SHA-512, 3DH.
import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { client, ready, server } from '@serenity-kit/opaque'

export interface OpaqueServer {
  /** Stands for the whole setup and tells nothing of it: what the database remembers it by. */
  readonly fingerprint: string
  /** The answer to somebody who chooses a password, or undefined where the request is no message of OPAQUE. */
  startRegistration(email: string, request: string): string | undefined
  /** Whether a client's record can be logged in with. One that cannot would lock its account out. */
  isRecord(record: string): boolean
  /**
   * The answer to somebody who claims to know a password, and what to check the finish against; undefined where the request is
   * no message of OPAQUE.
   * @param record of nobody when undefined; the answer then has the same form, and takes as long
   */
  startLogin(
    email: string,
    record: string | undefined,
    request: string,
  ): { response: string; state: string } | undefined
  /** Whether the finish proves the password. A state must be used for one finish only. */
  finishLogin(state: string, finish: string): boolean
}

/** The library throws for messages that are none. Everything else that it is given here was checked before. */
function unlessMalformed<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

const derived = (setup: string, purpose: string) =>
  Buffer.from(hkdfSync('sha256', Buffer.from(setup, 'base64url'), '', `limpet/v1/opaque/${purpose}`, 32))

/** A new server setup: the seed of every account's key, and the server's own key pair. */
export async function createOpaqueSetup(): Promise<string> {
  await ready
  return server.createSetup()
}

/**
 * The record of a password that nobody knows. It is secret too, and therefore made anew by each process: who knew it could
 * tell its answers from those for accounts.
 */
function recordOfNobody(setup: string): string {
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

/** @param setup OPAQUE_SERVER_SETUP; rejects where it is none */
export async function createOpaqueServer(setup: string): Promise<OpaqueServer> {
  await ready
  if (unlessMalformed(() => server.getPublicKey(setup)) === undefined)
    throw new Error(
      'OPAQUE_SERVER_SETUP is not a server setup. Make one with: limpet-server new-opaque-setup. Where accounts exist, it has to be the one that they were made with.',
    )
  const nobodys = recordOfNobody(setup)
  const identifierKey = derived(setup, 'credential-identifier')
  const identifierOf = (email: string) =>
    createHmac('sha256', identifierKey).update(email).digest('base64url')
  const anyRequest = client.startLogin({ password: 'any' }).startLoginRequest

  const startLogin = (userIdentifier: string, registrationRecord: string, startLoginRequest: string) =>
    unlessMalformed(() =>
      server.startLogin({ serverSetup: setup, userIdentifier, registrationRecord, startLoginRequest }),
    )
  return {
    fingerprint: derived(setup, 'fingerprint').toString('base64url'),
    startRegistration: (email, registrationRequest) =>
      unlessMalformed(() =>
        server.createRegistrationResponse({
          serverSetup: setup,
          userIdentifier: identifierOf(email),
          registrationRequest,
        }),
      )?.registrationResponse,
    isRecord: (record) => startLogin('nobody', record, anyRequest) !== undefined,
    startLogin(email, record, request) {
      // Not the library's own way without a record: that one is measurably faster.
      const started = startLogin(identifierOf(email), record ?? nobodys, request)
      return started && { response: started.loginResponse, state: started.serverLoginState }
    },
    finishLogin: (serverLoginState, finishLoginRequest) =>
      unlessMalformed(() => server.finishLogin({ serverLoginState, finishLoginRequest })) !== undefined,
  }
}
