// Passwords as accounts prove them: by the method that the account has, and by no other.
import type { Clock } from '../../clock.ts'
import type { NewVerifier, PasswordProof } from '../../contract/accounts.ts'
import type { Store } from '../../store/store.ts'
import type { FailedLogins } from '../audit/failed-logins.ts'
import type { SessionCaller } from '../caller.ts'
import { fromBase64url } from '../encoding.ts'
import { Failure } from '../failure.ts'
import type { RateLimiter } from '../rate-limits/budgets.ts'
import type { ServerKeys } from '../server-keys.ts'
import { type AccountRow, getAccount, type Verifier } from './accounts.ts'
import { guardLogin } from './guard-login.ts'
import type { OpaqueServer } from './opaque.ts'
import { finishHandshake } from './opaque-handshakes.ts'
import { type Choice, credentialIdOf } from './opaque-registrations.ts'
import type { PasswordHasher } from './password-hasher.ts'

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

/** Whether the proof is of the account's password. For no account and for one of the other method the work is the same. */
export async function provesPassword(
  account: AccountRow | undefined,
  proof: PasswordProof,
  services: PasswordNeeds,
): Promise<boolean> {
  if ('opaque' in proof) return finishHandshake(account, proof.opaque, services)
  const hash = account?.authMethod === 'authKey' ? account.authVerifier : undefined
  return services.passwordHasher.verify(hash, fromBase64url(proof.authKey))
}

export const wrongPassword = () => new Failure('invalid-credentials', 'The password is wrong.')

/** The caller's account, after the caller has proved to know its password right now; throws `invalid-credentials`. */
export async function proveAccount(
  caller: SessionCaller,
  proof: PasswordProof,
  services: ProofNeeds,
): Promise<AccountRow> {
  const account = await services.store.read((reader) => getAccount(reader, caller))
  const prove = async () => {
    if (await provesPassword(account, proof, services)) return
    services.failedLogins.noteProof(caller, services.clock.now())
    throw wrongPassword()
  }
  // Its first half cannot be told from a login's, and was counted as one that failed.
  const { address } = caller
  if ('opaque' in proof) await guardLogin(services, { address, email: account.email, isFinish: true }, prove)
  else await prove()
  return account
}

/**
 * What the account keeps to check its password against from now on. Slow: not inside `write`. Throws `malformed-request`, and
 * `stale-opaque-registration` where the first half was not for this choice, or too long ago.
 */
export async function verifierOf(
  chosen: NewVerifier,
  choice: Choice,
  services: ChoiceNeeds,
): Promise<Verifier> {
  const { opaque, passwordHasher } = services
  if ('authKey' in chosen) {
    const authVerifier = await passwordHasher.hash(fromBase64url(chosen.authKey))
    return { authMethod: 'authKey', authVerifier, credentialId: null }
  }
  const { record, registration } = chosen.opaque
  const credentialId = credentialIdOf(choice, registration, services)
  if (!opaque.isRecord(record))
    throw new Failure('malformed-request', 'The request is not as the contract says.', {
      errors: [{ path: 'body.opaque.record', message: 'Expected a record of OPAQUE (RFC 9807)' }],
    })
  return { authMethod: 'opaque', authVerifier: record, credentialId }
}
