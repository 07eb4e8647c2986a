// How the owner of an account of Bitwarden's apps shows within a session that it is them: by the password, or by a code that was mailed.
import type { Random } from '../../random.ts'
import type { SessionCaller } from '../caller.ts'
import { Failure, PassingFailure } from '../failure.ts'
import type { MailSettings } from '../mail/settings.ts'
import { mailRequestKey } from '../rate-limits/keys.ts'
import type { ServerKeys } from '../server-keys.ts'
import { type AccountRow, getAccount } from './accounts.ts'
import { checkCode, codeValidForMs, mailCode } from './mailed-codes.ts'
import { type ProofNeeds, proveAccount } from './passwords.ts'

/** The hash of the password as clients send it, or a code. */
export type OwnerProof = { readonly clientHash: Uint8Array } | { readonly code: string }

export interface OwnerProofNeeds extends ProofNeeds {
  readonly keys: ProofNeeds['keys'] & Pick<ServerKeys, 'mailedCodes'>
}

const subjectOf = ({ accountId }: SessionCaller) => ({ accountId, purpose: 'proof' as const, detail: null })

export const wrongCode = () => new Failure('invalid-credentials', 'The code is wrong, or has expired.')

/** Checks a mailed code. Throws `invalid-credentials`. @param isLast whether a right one is used up by this */
async function requireCode(
  caller: SessionCaller,
  given: { readonly code: string; readonly isLast: boolean },
  { clock, failedLogins, keys, store }: OwnerProofNeeds,
): Promise<void> {
  const now = clock.now()
  const isRight = await store.write((tx) => checkCode(tx, subjectOf(caller), given, { keys, now }))
  if (isRight) return
  failedLogins.noteProof(caller, now)
  throw wrongCode()
}

/**
 * The caller's account, after the caller has proved right now to be its owner. Throws `invalid-credentials`, and `unavailable` while
 * too many passwords are being checked.
 */
export async function proveOwner(
  caller: SessionCaller,
  proof: OwnerProof,
  needs: OwnerProofNeeds,
): Promise<AccountRow> {
  if ('clientHash' in proof) return proveAccount(caller, proof, needs)
  const account = await needs.store.read((reader) => getAccount(reader, caller))
  await requireCode(caller, { code: proof.code, isLast: true }, needs)
  return account
}

/** Looks at a mailed code that is used for something else afterwards. Throws `invalid-credentials`. */
export const verifyOwnersCode = (
  caller: SessionCaller,
  code: string,
  needs: OwnerProofNeeds,
): Promise<void> => requireCode(caller, { code, isLast: false }, needs)

/** A code was given wrong so often that there is none for a while. */
export const noCodeForNow = () =>
  new PassingFailure(
    'too-many-requests',
    'Too many wrong codes were given. Ask for a new one later.',
    codeValidForMs / 1000,
  )

/** Has a code mailed to the owner. Throws `email-off`, `email-unconfirmed` and `too-many-requests`. */
export async function requestOwnersCode(
  caller: SessionCaller,
  needs: OwnerProofNeeds & { readonly config: MailSettings; readonly random: Random },
): Promise<void> {
  const { config, limiter, store } = needs
  if (!config.smtp) throw new Failure('email-off', 'This server sends no e-mail. Use the master password.')
  const { email, emailVerified } = await store.read((reader) => getAccount(reader, caller))
  if (!emailVerified)
    throw new Failure(
      'email-unverified',
      'The address of this account is not confirmed. Use the master password.',
    )
  await limiter.count('mailAbout', mailRequestKey({ address: caller.address, email }))
  if (!(await store.write((tx) => mailCode(tx, subjectOf(caller), needs)))) throw noCodeForNow()
}
