// Changing the key of a vault: what the account has to do with it. It begins with a fresh proof of the password, and ends tokens.
import type { Random } from '../../random.ts'
import { Unchanged } from '../../store/store.ts'
import { requireAccountKey } from '../account-row.ts'
import { noteSessionsAct } from '../audit/audit-log.ts'
import { noteChange } from '../audit/noted-changes.ts'
import { type SessionCaller, VaultCaller } from '../caller.ts'
import type { MailSettings } from '../mail/settings.ts'
import {
  endRotation,
  type NewKey,
  type RotationEnd,
  type RotationStart,
  startRotation,
} from '../vaults/rotation.ts'
import { requireVault } from '../vaults/vault-row.ts'
import { type PasswordProof, type ProofNeeds, proveAccount, wrongPassword } from './passwords.ts'
import { endTokensOfVault, type PersonalToken } from './personal-tokens.ts'
import { holdProved } from './proved-accounts.ts'

export type KeyChangeStart = RotationStart & { readonly endedTokens: readonly PersonalToken[] }

interface Wanted extends NewKey {
  readonly vaultId: string
  readonly proof: PasswordProof
  /** Of the account key that the new key is sealed under. */
  readonly accountKeyVersion: number
}

/**
 * Begins to change the key of a vault of the caller. The tokens for it end: they hold the old key alone. Throws `invalid-credentials`,
 * `not-found`, and `key-changed` if the new key is sealed under another account key than the present one.
 */
export async function beginKeyChange(
  caller: SessionCaller,
  { vaultId, proof, accountKeyVersion, ...newKey }: Wanted,
  needs: ProofNeeds & { readonly config: MailSettings; readonly random: Random },
): Promise<KeyChangeStart> {
  const { clock, store } = needs
  const owner = VaultCaller.bySession(caller)
  await store.read((reader) => requireVault(reader, owner, vaultId))
  const account = await proveAccount(caller, proof, needs)
  return store.write(async (tx) => {
    const now = clock.now()
    const start = await startRotation(tx, owner, vaultId, { ...newKey, now })
    if (start.kind !== 'begun') return new Unchanged<KeyChangeStart>({ ...start, endedTokens: [] })
    if (!(await holdProved(tx, account))) throw wrongPassword()
    await requireAccountKey(tx, caller.accountId, accountKeyVersion)
    const endedTokens = await endTokensOfVault(tx, caller, vaultId, now)
    await noteChange(tx, caller, 'vault-key-change-started', needs)
    if (endedTokens.length > 0) await noteSessionsAct(tx, caller, 'tokens-ended', now)
    return { ...start, endedTokens }
  })
}

/** Finishes the change of a vault's key, as `endRotation` says, and notes it. */
export const finishKeyChange = (
  caller: SessionCaller,
  { vaultId, keyVersion }: { vaultId: string; keyVersion: number },
  { clock, store }: Pick<ProofNeeds, 'clock' | 'store'>,
): Promise<RotationEnd> =>
  store.write(async (tx) => {
    const end = await endRotation(tx, VaultCaller.bySession(caller), vaultId, keyVersion)
    if (end.kind !== 'finished') return new Unchanged<RotationEnd>(end)
    await noteSessionsAct(tx, caller, 'vault-key-changed', clock.now())
    return end
  })
