// Changing the account key: one request with every vault's key under the new one, which is done as a whole or not at all.
import { and, eq, isNotNull, isNull, sql } from 'drizzle-orm'
import type { Random } from '../../random.ts'
import type { Tx } from '../../store/store.ts'
import { accountKeyChanged, requireAccountKey } from '../account-row.ts'
import { noteChange } from '../audit/noted-changes.ts'
import type { SessionCaller } from '../caller.ts'
import { announceVault } from '../live/announcements.ts'
import type { MailSettings } from '../mail/settings.ts'
import { countVaults } from '../vaults/vaults.ts'
import { type PasswordProof, type ProofNeeds, proveAccount, wrongPassword } from './passwords.ts'
import { holdProved, setAccountKey } from './proved-accounts.ts'

/** The key of a vault, and the one that is to follow if it is being changed, sealed under the new account key. */
interface VaultKeys {
  readonly id: string
  /** That the vault has to be at. */
  readonly keyVersion: number
  readonly key: Uint8Array
  readonly nextKey?: Uint8Array | undefined
}

interface AccountKeyChange {
  /** A proof of the password. */
  readonly current: PasswordProof
  /** Sealed under a key of the password. */
  readonly accountKey: Uint8Array
  /** One more than the account's. */
  readonly accountKeyVersion: number
  /** Every vault of the account, each once. */
  readonly vaults: readonly VaultKeys[]
}

/** @returns whether the vault is the account's and stands as the request says; if not, nothing was changed */
async function replaceKeys(
  tx: Tx,
  accountId: string,
  { id, keyVersion, key, nextKey }: VaultKeys,
): Promise<boolean> {
  const { vaults } = tx.tables
  const [replaced] = await tx.db
    .update(vaults)
    .set({ key, ...(nextKey && { nextKey }), revision: sql`${vaults.revision} + 1` })
    .where(
      and(
        eq(vaults.id, id),
        eq(vaults.accountId, accountId),
        eq(vaults.keyVersion, keyVersion),
        nextKey ? isNotNull(vaults.nextKey) : isNull(vaults.nextKey),
      ),
    )
    .returning({ revision: vaults.revision })
  if (replaced) announceVault(tx, { accountId, vaultId: id, revision: replaced.revision })
  return replaced !== undefined
}

/**
 * Puts another account key in place of the present one, with the keys of all vaults under it. Sessions and tokens stay. Throws
 * `invalid-credentials`, and `key-changed` if the account key, a vault or the list of vaults is not as the request says.
 */
export async function changeAccountKey(
  caller: SessionCaller,
  { current, accountKey, accountKeyVersion, vaults }: AccountKeyChange,
  needs: ProofNeeds & { readonly config: MailSettings; readonly random: Random },
): Promise<void> {
  const { accountId } = caller
  const account = await proveAccount(caller, current, needs)
  const { accountKeyVersion: present } = account
  // In one order, so that two processes do not wait for each other.
  const inOrder = vaults.toSorted((one, other) => (one.id < other.id ? -1 : 1))
  await needs.store.write(async (tx) => {
    for (const vault of inOrder)
      if (!(await replaceKeys(tx, accountId, vault))) throw accountKeyChanged(present)
    if (!(await holdProved(tx, account))) throw wrongPassword()
    await requireAccountKey(tx, accountId, accountKeyVersion - 1)
    // A vault that is being made waits for the account's row, and is refused: its key lies under the old account key.
    if ((await countVaults(tx, accountId)) !== vaults.length) throw accountKeyChanged(present)
    await setAccountKey(tx, account, { accountKey, accountKeyVersion })
    await noteChange(tx, caller, 'account-key-changed', needs)
  })
}
