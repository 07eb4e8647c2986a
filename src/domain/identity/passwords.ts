// Passwords as accounts prove them: by the method that the account has, and by no other.
import type { Clock } from '../../clock.ts'
import type { Store } from '../../store/store.ts'
import type { FailedLogins } from '../audit/failed-logins.ts'
import type { SessionCaller } from '../caller.ts'
import { Failure } from '../failure.ts'
import type { RateLimiter } from '../rate-limits/limiter.ts'
import type { ServerKeys } from '../server-keys.ts'
import { type AccountRow, getAccount, type Verifier } from './accounts.ts'
import { guardLogin } from './guard-login.ts'
import type { OpaqueServer } from './opaque.ts'
import { type CheckedPassword, finishHandshake } from './opaque-handshakes.ts'
import { type Choice, credentialIdOf } from './opaque-registrations.ts'
import type { PasswordHasher } from './password-hasher.ts'

/** What Bitwarden's apps derive from a password to log in with: 32 bytes. Only accounts of these apps are proved by it. */
interface ClientHash {
  readonly clientHash: Uint8Array
}

/** A proof of a password: the key that a client derives from it, or the second half of an OPAQUE login. */
export type PasswordProof =
  | { readonly authKey: Uint8Array }
  | ClientHash
  | {
      readonly opaque: {
        /** What came with the answer to the first half. */
        readonly handshake: string
        /** KE3 (RFC 9807), base64url. */
        readonly finish: string
      }
    }

/** A password as it is chosen: of any kind. */
export type NewPassword =
  | { readonly authKey: Uint8Array }
  | ClientHash
  | {
      readonly opaque: {
        /** RegistrationRecord (RFC 9807), base64url. */
        readonly record: string
        /** What came with the answer to the first half. */
        readonly registration: string
      }
    }

/** What checking a password takes. */
export interface PasswordNeeds {
  readonly clock: Clock
  readonly keys: Pick<ServerKeys, 'opaqueHandshakes'>
  readonly opaque: OpaqueServer
  readonly passwordHasher: PasswordHasher
  readonly store: Store
}

/** What a fresh proof within a session takes beside that. */
export interface ProofNeeds extends PasswordNeeds {
  readonly failedLogins: FailedLogins
  readonly limiter: RateLimiter
}

/** What choosing a password takes. */
export interface ChoiceNeeds {
  readonly clock: Clock
  readonly keys: Pick<ServerKeys, 'opaqueRegistrations'>
  readonly opaque: OpaqueServer
  readonly passwordHasher: PasswordHasher
}

/**
 * Checks whether the proof is of the account's password. For no account and for one of another method the work is the same. Throws
 * `unavailable` while too many passwords are being checked.
 * @returns what has to be used up before anything is told of it (`CheckedPassword`)
 */
export async function checkPassword(
  account: AccountRow | undefined,
  proof: PasswordProof,
  needs: PasswordNeeds,
): Promise<CheckedPassword> {
  if ('opaque' in proof) return finishHandshake(account, proof.opaque, needs)
  const [method, secret] =
    'clientHash' in proof ? ['bitwarden', proof.clientHash] : ['authKey', proof.authKey]
  const hash = account?.authMethod === method ? account.authVerifier : undefined
  return { isRight: await needs.passwordHasher.verify(hash, secret) }
}

/** Uses a proof up by itself. @returns whether it was unused, or may be used again and again */
export const useUp = async (
  { use }: CheckedPassword,
  { store }: Pick<PasswordNeeds, 'store'>,
): Promise<boolean> => (use ? store.write(use) : true)

/** Whether the proof is of the account's password: `checkPassword`, and the proof is used up. */
export async function provesPassword(
  account: AccountRow | undefined,
  proof: PasswordProof,
  needs: PasswordNeeds,
): Promise<boolean> {
  const checked = await checkPassword(account, proof, needs)
  return (await useUp(checked, needs)) && checked.isRight
}

export const wrongPassword = () => new Failure('invalid-credentials', 'The password is wrong.')

/**
 * The caller's account, after the caller has proved to know its password right now. Throws `invalid-credentials`, and `unavailable`
 * while too many passwords are being checked.
 */
export async function proveAccount(
  caller: SessionCaller,
  proof: PasswordProof,
  needs: ProofNeeds,
): Promise<AccountRow> {
  const account = await needs.store.read((reader) => getAccount(reader, caller))
  const { address } = caller
  const attempt = { address, email: account.email, isFinish: true }
  const prove = () => provesPassword(account, proof, needs)
  // The first half of a proof by OPAQUE cannot be told from a login's, and was counted as one that failed.
  const isProved =
    'opaque' in proof
      ? await guardLogin(needs, attempt, prove, (isRight) => (isRight ? 'right' : 'wrong'))
      : await prove()
  if (isProved) return account
  needs.failedLogins.noteProof(caller, needs.clock.now())
  throw wrongPassword()
}

/**
 * What the account keeps to check its password against from now on. Slow: not inside `write`. Throws `stale-opaque-registration` if
 * the first half was not for this choice, or too long ago.
 * @returns undefined if the record is none that OPAQUE could log in with
 */
export async function verifierOf(
  chosen: NewPassword,
  choice: Choice,
  needs: ChoiceNeeds,
): Promise<Verifier | undefined> {
  const { opaque, passwordHasher } = needs
  if ('authKey' in chosen) {
    const authVerifier = await passwordHasher.hash(chosen.authKey)
    return { authMethod: 'authKey', authVerifier, credentialId: null }
  }
  if ('clientHash' in chosen) {
    const authVerifier = await passwordHasher.hash(chosen.clientHash)
    return { authMethod: 'bitwarden', authVerifier, credentialId: null }
  }
  const { record, registration } = chosen.opaque
  const credentialId = credentialIdOf(choice, registration, needs)
  return (await opaque.isRecord(record))
    ? { authMethod: 'opaque', authVerifier: record, credentialId }
    : undefined
}
