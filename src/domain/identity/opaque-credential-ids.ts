// Which credential identifier goes with whom (RFC 9807, section 5). The OPRF key comes from it, so a stranger with an evaluation
// under the identifier of a record can test a guess of its password. Logins alone give one, and each is counted.
import type { Reader } from '../../store/store.ts'
import { type AccountRow, findAccountByEmail, isCredentialIdTaken } from './accounts.ts'
import type { OpaqueServer } from './opaque.ts'

/** Whom a login claims to be from, by an e-mail address. */
export interface Subject {
  readonly account: AccountRow | undefined
  readonly credentialId: string
}

/**
 * The account of an address, and the identifier to answer under; for an address without an account one that is derived from it, so that it stays the same.
 * @param email in its normalized form
 */
export async function findSubject(reader: Reader, email: string, opaque: OpaqueServer): Promise<Subject> {
  const account = await findAccountByEmail(reader, email)
  // Both are looked up and made for everybody, so that a clock tells nothing.
  const [derived, spare] = [opaque.credentialIdOf(email), opaque.credentialIdOf(email, 'spare')]
  const isTaken = await isCredentialIdTaken(reader, derived)
  // Taken by an account that has left the address: under its identifier the old address gets no answer.
  const own = account?.authMethod === 'opaque' ? (account.credentialId ?? derived) : undefined
  return { account, credentialId: own ?? (isTaken ? spare : derived) }
}

/**
 * What to store as the account's credential identifier when its e-mail address changes, so that its password stays right.
 * @param account as it is before the change
 */
export const credentialIdToKeep = (
  { authMethod, credentialId, email }: Pick<AccountRow, 'authMethod' | 'credentialId' | 'email'>,
  opaque: OpaqueServer,
): string | null => (authMethod === 'opaque' ? (credentialId ?? opaque.credentialIdOf(email)) : null)
