// What a backup holds of each table, and what becomes of it when it is restored. docs/decisions/backups.md says why.
import { revokeOpenInvites } from '../domain/identity/invites.ts'
import { endAllTokens } from '../domain/identity/personal-tokens.ts'
import { forgetUnreadShares } from '../domain/shares/shares.ts'
import { renewEpoch } from '../store/open.ts'
import type { Tables } from '../store/schema.ts'
import { allTables, type Table } from '../store/shape.ts'
import type { Tx } from '../store/store.ts'

interface Restoring {
  readonly now: number
  /** Leaves what gives access as it was, also what was revoked or used up since. */
  readonly keepAccess: boolean
}

interface Content {
  /** Why it is in no backup; absent for what is in one. */
  readonly leftOut?: string
  /** What is done to the restored rows. @returns how many of them it changed, for what the operator should know of */
  readonly afterRestore?: (tx: Tx, restoring: Restoring) => Promise<number>
}

const kept: Content = {}

/** Every table has to stand here: whoever makes a new one decides what a backup has of it. */
const contents: Readonly<Record<keyof Tables, Content>> = {
  instance: {
    async afterRestore(tx) {
      await renewEpoch(tx)
      return 1
    },
  },
  accounts: kept,
  pendingRegistrations: { leftOut: 'they run out within days, and one could have become an account since' },
  emailChanges: { leftOut: 'one could have been confirmed or ended since' },
  accountDeletions: { leftOut: 'one could have been ended by its owner since' },
  outbox: { leftOut: 'it was sent since, or nobody waits for it any more' },
  sessions: { leftOut: 'one that was ended since would live again' },
  refreshTokens: { leftOut: 'they belong to sessions' },
  usedOnce: { leftOut: 'they count for minutes' },
  secondFactors: kept,
  // Also those that were used since: each still needs the password, and an owner without any could be locked out.
  recoveryCodes: kept,
  accountEvents: kept,
  startedLogins: { leftOut: 'they count for minutes' },
  invites: {
    afterRestore: async (tx, { keepAccess, now }) => (keepAccess ? 0 : revokeOpenInvites(tx, now)),
  },
  vaults: kept,
  deletedVaults: kept,
  items: kept,
  itemVersions: kept,
  personalTokens: { afterRestore: async (tx, { keepAccess }) => (keepAccess ? 0 : endAllTokens(tx)) },
  shares: { afterRestore: forgetUnreadShares },
  shareBodies: { leftOut: 'a secret that was read since could be read a second time' },
  claimedShareBodies: { leftOut: 'they count for a minute' },
  rateLimits: { leftOut: 'they count for minutes' },
}

const byKey: ReadonlyMap<string, Content> = new Map(Object.entries(contents))

/** The tables that a backup holds, each behind those that it refers to. */
export const tablesInBackups: readonly Table[] = allTables.filter(({ key }) => !byKey.get(key)?.leftOut)

/** Those that it does not hold, with the reason. */
export const tablesLeftOut: readonly { name: string; reason: string }[] = allTables.flatMap(
  ({ key, name }) => {
    const reason = byKey.get(key)?.leftOut
    return reason ? [{ name, reason }] : []
  },
)

/** Ends what a backup cannot know the end of, and begins a new history. @returns how many rows of each table that changed */
export async function settleRestored(tx: Tx, restoring: Restoring): Promise<Record<string, number>> {
  const changed: Record<string, number> = {}
  for (const [key, { afterRestore }] of byKey)
    if (afterRestore) changed[key] = await afterRestore(tx, restoring)
  return changed
}
