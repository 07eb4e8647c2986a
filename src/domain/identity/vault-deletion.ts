// Deleting a vault for good, which takes a fresh proof of the password.
import type { Random } from '../../random.ts'
import { Unchanged } from '../../store/store.ts'
import { noteChange } from '../audit/noted-changes.ts'
import { type SessionCaller, VaultCaller } from '../caller.ts'
import type { MailSettings } from '../mail/settings.ts'
import { requireVault } from '../vaults/vault-row.ts'
import { deleteVault, type VaultConflict } from '../vaults/vaults.ts'
import { type PasswordProof, type ProofNeeds, proveAccount, wrongPassword } from './passwords.ts'
import { holdProved } from './proved-accounts.ts'

/**
 * Deletes a vault of the caller with everything in it. Throws `invalid-credentials` and `not-found`.
 * @param expected the revision that the vault must be at; undefined for any
 * @returns undefined if it is deleted
 */
export async function deleteVaultWithProof(
  caller: SessionCaller,
  { vaultId, proof, expected }: { vaultId: string; proof: PasswordProof; expected: number | undefined },
  needs: ProofNeeds & { readonly config: MailSettings; readonly random: Random },
): Promise<VaultConflict | undefined> {
  const { clock, store } = needs
  const owner = VaultCaller.bySession(caller)
  await store.read((reader) => requireVault(reader, owner, vaultId))
  const account = await proveAccount(caller, proof, needs)
  return store.write(async (tx) => {
    const conflict = await deleteVault(tx, owner, vaultId, { expected, now: clock.now() })
    if (conflict) return new Unchanged<VaultConflict | undefined>(conflict)
    if (!(await holdProved(tx, account))) throw wrongPassword()
    await noteChange(tx, caller, 'vault-deleted', needs)
    return undefined
  })
}
