// `secret`: the members by which a request within a session shows that its sender knows the password, or has the account's mailbox.
import { z } from 'zod'
import { tooLong } from '../../contract/primitives.ts'
import type { AccountRow } from '../../domain/identity/accounts.ts'
import { type OwnerProof, proveOwner } from '../../domain/identity/bitwarden-proofs.ts'
import { anyQuery } from '../../http/route.ts'
import type { BitwardenCaller, Services } from './route.ts'
import { caseless } from './wire.ts'

const clientHashForm = /^[0-9A-Za-z+/]{42}[AEIMQUYcgkosw048]=$/
const clientHashMessage = 'Expected 32 bytes in base64'

/** The hash of the password that clients send: 32 bytes, in canonical base64 of 44 characters. */
export const ClientHash = z
  .string()
  .length(44, tooLong(clientHashMessage))
  .regex(clientHashForm, clientHashMessage)
  .transform((text): Uint8Array => Buffer.from(text, 'base64'))

/** The members; add them to the others of a request by `caseless({ ...secretMembers, … })`. One of the two has to be there. */
export const secretMembers = {
  masterPasswordHash: ClientHash.nullish(),
  otp: z.string().max(50).nullish(),
}

/** What routes have in common that are asked by the proof alone: spread it into their declarations. */
export const bySecret = {
  method: 'post',
  auth: 'account',
  limit: 'proof',
  request: { query: anyQuery, body: caseless(secretMembers) },
} as const

interface Secret {
  readonly masterPasswordHash?: Uint8Array | null | undefined
  readonly otp?: string | null | undefined
}

const proofIn = ({ masterPasswordHash, otp }: Secret): OwnerProof =>
  masterPasswordHash ? { clientHash: masterPasswordHash } : { code: otp ?? '' }

/**
 * Throws `invalid-credentials` (400 here) unless the caller has proved right now to be the owner; a code is used up by this.
 * @returns the account with the verifier that was looked at, for `holdProved` in the transaction of the change
 */
export const proveSecret = (caller: BitwardenCaller, body: Secret, services: Services): Promise<AccountRow> =>
  proveOwner(caller, proofIn(body), services)
