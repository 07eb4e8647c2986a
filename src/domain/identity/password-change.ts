// The change of a password, and of its kind with it where wanted.
import type { Random } from '../../random.ts'
import { requireAccountKey } from '../account-row.ts'
import { noteSessionsAct } from '../audit/audit-log.ts'
import { noteChange } from '../audit/noted-changes.ts'
import type { SessionCaller } from '../caller.ts'
import type { MailSettings } from '../mail/settings.ts'
import { cancelDeletion } from './account-deletion.ts'
import type { PasswordData } from './accounts.ts'
import { endEmailChange } from './email-changes.ts'
import { requireStrongKdf } from './kdf.ts'
import {
  type ChoiceNeeds,
  type NewPassword,
  type PasswordProof,
  type ProofNeeds,
  proveAccount,
  verifierOf,
  wrongPassword,
} from './passwords.ts'
import { endTokens, listTokens, type PersonalToken } from './personal-tokens.ts'
import { replacePassword } from './proved-accounts.ts'
import { endOtherSessions } from './sessions.ts'

export interface PasswordChange extends Pick<PasswordData, 'kdf' | 'accountKey'> {
  /** A proof of the present password. */
  readonly current: PasswordProof
  readonly password: NewPassword
  /** Of the account key, which stays as it is. */
  readonly accountKeyVersion: number
  /** Whether the personal access tokens of the account live on; they end otherwise. */
  readonly keepTokens: boolean
}

export type PasswordChangeOutcome =
  | {
      readonly kind: 'changed'
      readonly endedTokens: readonly PersonalToken[]
      readonly keptTokens: readonly PersonalToken[]
    }
  /** The record is none that OPAQUE could log in with. */
  | { readonly kind: 'not-a-record' }

/**
 * Changes the password of the caller's account, and ends its other sessions. Throws `kdf-too-weak`, `invalid-credentials`,
 * `stale-opaque-registration`, and `key-changed` if the account key is not the present one: it would open no vault.
 */
export async function changePassword(
  caller: SessionCaller,
  { current, password, kdf, accountKey, accountKeyVersion, keepTokens }: PasswordChange,
  needs: ProofNeeds & ChoiceNeeds & { readonly config: MailSettings; readonly random: Random },
): Promise<PasswordChangeOutcome> {
  const { clock, store } = needs
  requireStrongKdf(kdf)
  const account = await proveAccount(caller, current, needs)
  const verifier = await verifierOf(password, { account: caller.accountId }, needs)
  if (!verifier) return { kind: 'not-a-record' }
  const tokens = await store.write(async (tx) => {
    const now = clock.now()
    if (!(await replacePassword(tx, account, { ...verifier, kdf, accountKey }))) throw wrongPassword()
    await requireAccountKey(tx, caller.accountId, accountKeyVersion)
    await noteChange(tx, caller, 'password-changed', needs)
    await endEmailChange(tx, caller)
    await cancelDeletion(tx, caller.accountId, { now, address: caller.address }, needs)
    await endOtherSessions(tx, caller, now, 'password-change')
    const tokens = await listTokens(tx, caller, now)
    if (keepTokens || tokens.length === 0) return tokens
    await endTokens(tx, caller)
    await noteSessionsAct(tx, caller, 'tokens-ended', now)
    return tokens
  })
  return keepTokens
    ? { kind: 'changed', endedTokens: [], keptTokens: tokens }
    : { kind: 'changed', endedTokens: tokens, keptTokens: [] }
}
