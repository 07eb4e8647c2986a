// OPAQUE as the rules use it (RFC 9807): what is computed for whom. The threads compute it.
import { createHmac } from 'node:crypto'
import { deriveFromSetup } from './opaque-setup.ts'
import { createOpaqueThreads, type ThreadOptions } from './opaque-threads.ts'

/** Every call throws `unavailable` while too many people log in. */
export interface OpaqueServer {
  /**
   * The credential identifier (RFC 9807, section 5) that goes with an e-mail address where no record has one of its own.
   * @param spare the other one, for where a record of another address is under the first
   */
  credentialIdOf(email: string, spare?: 'spare'): string
  /**
   * The answer to a client that chooses a password, or undefined if the request is no message of OPAQUE.
   * @param credentialId new and random. Under that of a record, the answer would tell whether a guess is its password.
   */
  startRegistration(credentialId: string, request: string): Promise<string | undefined>
  /** Whether a client's record can be logged in with. One that cannot would lock its account out. */
  isRecord(record: string): Promise<boolean>
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
  ): Promise<{ response: string; state: string } | undefined>
  /** Whether the finish proves the password. A state must be used for one finish only. */
  finishLogin(state: string, finish: string): Promise<boolean>
  /** How many calls wait for their turn at this moment. */
  waiting(): number
  /** Answers what was asked, and ends the threads. */
  close(): Promise<void>
}

/** @param setup OPAQUE_SERVER_SETUP, which `requireSameSetup` has looked at */
export function createOpaqueServer(setup: string, options?: ThreadOptions): OpaqueServer {
  const { close, compute, waiting } = createOpaqueThreads(setup, options)
  const [idKey, spareIdKey] = [
    deriveFromSetup(setup, 'credential-identifier'),
    deriveFromSetup(setup, 'spare-credential-identifier'),
  ]
  return {
    credentialIdOf: (email, spare) =>
      createHmac('sha256', spare ? spareIdKey : idKey)
        .update(email)
        .digest('base64url'),
    async startRegistration(credentialId, request) {
      const [response] = (await compute({ name: 'startRegistration', given: [credentialId, request] })) ?? []
      return response
    },
    isRecord: async (record) => (await compute({ name: 'isRecord', given: [record] })) !== undefined,
    async startLogin(credentialId, record, request) {
      const given = [credentialId, request, ...(record === undefined ? [] : [record])]
      const [response, state] = (await compute({ name: 'startLogin', given })) ?? []
      return response === undefined || state === undefined ? undefined : { response, state }
    },
    finishLogin: async (state, finish) =>
      (await compute({ name: 'finishLogin', given: [state, finish] })) !== undefined,
    waiting,
    close,
  }
}
