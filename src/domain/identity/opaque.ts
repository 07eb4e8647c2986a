// The one place where the server calls the OPAQUE library (RFC 9807): ristretto255, SHA-512, 3DH.
import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { client, ready, server } from '@serenity-kit/opaque'

export interface OpaqueServer {
  /** Stands for the whole setup and tells nothing of it: what the database remembers it by. */
  readonly fingerprint: string
  /**
   * The credential identifier (RFC 9807, section 5) that goes with an e-mail address where no record has one of its own.
   * @param spare the other one, for where a record of another address is under the first
   */
  credentialIdOf(email: string, spare?: 'spare'): string
  /**
   * The answer to a client that chooses a password, or undefined if the request is no message of OPAQUE.
   * @param credentialId new and random. Under that of a record, the answer would tell whether a guess is its password.
   */
  startRegistration(credentialId: string, request: string): string | undefined
  /** Whether a client's record can be logged in with. One that cannot would lock its account out. */
  isRecord(record: string): boolean
  /**
   * The answer to a client that claims to know a password, and what to check the finish against; undefined if the request is
   * no message of OPAQUE.
   * @param credentialId that of the record
   * @param record undefined for an address without one; the answer then has the same form, and takes as long
   */
  startLogin(
    credentialId: string,
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

/** @param setup OPAQUE_SERVER_SETUP; rejects where it is none */
export async function createOpaqueServer(setup: string): Promise<OpaqueServer> {
  await ready
  if (unlessMalformed(() => server.getPublicKey(setup)) === undefined)
    throw new Error(
      'OPAQUE_SERVER_SETUP is not a server setup. Make one with: limpet-server new-opaque-setup. Where accounts exist, it has to be the one that they were made with.',
    )
  const decoyRecord = createDecoyRecord(setup)
  const [idKey, spareIdKey] = [
    derived(setup, 'credential-identifier'),
    derived(setup, 'spare-credential-identifier'),
  ]
  const anyRequest = client.startLogin({ password: 'any' }).startLoginRequest

  const startLogin = (userIdentifier: string, registrationRecord: string, startLoginRequest: string) =>
    unlessMalformed(() =>
      server.startLogin({ serverSetup: setup, userIdentifier, registrationRecord, startLoginRequest }),
    )
  return {
    fingerprint: derived(setup, 'fingerprint').toString('base64url'),
    credentialIdOf: (email, spare) =>
      createHmac('sha256', spare ? spareIdKey : idKey)
        .update(email)
        .digest('base64url'),
    startRegistration: (userIdentifier, registrationRequest) =>
      unlessMalformed(() =>
        server.createRegistrationResponse({ serverSetup: setup, userIdentifier, registrationRequest }),
      )?.registrationResponse,
    isRecord: (record) => startLogin('nobody', record, anyRequest) !== undefined,
    startLogin(credentialId, record, request) {
      // Not the library's own way without a record: that one is measurably faster.
      const started = startLogin(credentialId, record ?? decoyRecord, request)
      return started && { response: started.loginResponse, state: started.serverLoginState }
    },
    finishLogin: (serverLoginState, finishLoginRequest) =>
      unlessMalformed(() => server.finishLogin({ serverLoginState, finishLoginRequest })) !== undefined,
  }
}
