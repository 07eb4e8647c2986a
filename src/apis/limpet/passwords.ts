// Passwords between the wire and the rules.
import type { NewVerifier, PasswordProof as WireProof } from '../../contract/accounts.ts'
import { fromBase64url } from '../../domain/encoding.ts'
import { Failure } from '../../domain/failure.ts'
import type { NewPassword, PasswordProof } from '../../domain/identity/passwords.ts'

export const proofIn = (body: WireProof): PasswordProof =>
  'opaque' in body ? { opaque: body.opaque } : { authKey: fromBase64url(body.authKey) }

export const newPasswordIn = (body: NewVerifier): NewPassword =>
  'opaque' in body ? { opaque: body.opaque } : { authKey: fromBase64url(body.authKey) }

/** A message of OPAQUE has the right length and is none. @param path where it stands in the request */
export const noOpaqueMessage = (path: string, message: string) =>
  new Failure('malformed-request', 'The request is not as the contract says.', {
    errors: [{ path: `body.${path}`, message }],
  })
