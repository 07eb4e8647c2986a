// What a restore does to rows that it has put back: each table says it beside its columns. docs/decisions/backups.md says why.
import { resyncBitwardenAccounts } from '../domain/identity/bitwarden-accounts.ts'
import { revokeOpenInvites } from '../domain/identity/invites.ts'
import { endAllTokens } from '../domain/identity/personal-tokens.ts'
import { disableSends } from '../domain/sends/ends.ts'
import { forgetUnreadShares } from '../domain/shares/shares.ts'
import { renewEpoch } from '../store/open.ts'
import { allTables } from '../store/shape.ts'
import type { Tx } from '../store/store.ts'
import type { RestoreStep } from '../store/table.ts'

interface Restoring {
  readonly now: number
  /** Leaves what gives access as it was, also what was revoked or used up since. */
  readonly keepAccess: boolean
}

/** Each changes restored rows. @returns how many, for what the operator should know of */
const steps: Readonly<Record<RestoreStep, (tx: Tx, restoring: Restoring) => Promise<number>>> = {
  async renewEpoch(tx) {
    await renewEpoch(tx)
    return 1
  },
  revokeOpenInvites: async (tx, { keepAccess, now }) => (keepAccess ? 0 : revokeOpenInvites(tx, now)),
  endAllTokens: async (tx, { keepAccess }) => (keepAccess ? 0 : endAllTokens(tx)),
  forgetUnreadShares,
  disableSends,
  resyncBitwardenAccounts,
}

/** Ends what a backup cannot know the end of, and begins a new history. @returns how many rows of each table that changed */
export async function settleRestored(tx: Tx, restoring: Restoring): Promise<Record<string, number>> {
  const changed: Record<string, number> = {}
  for (const { key, backup } of allTables)
    if (typeof backup === 'object' && 'settled' in backup)
      changed[key] = await steps[backup.settled](tx, restoring)
  return changed
}
