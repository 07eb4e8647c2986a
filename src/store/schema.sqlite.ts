// For drizzle-kit, which takes tables from named exports: those of SQLite.
import { sqliteTables } from './schema.ts'

export const {
  instance,
  accounts,
  accountDeletions,
  emailChanges,
  outbox,
  pendingRegistrations,
  sessions,
  refreshTokens,
  usedOnce,
  secondFactors,
  recoveryCodes,
  accountEvents,
  startedLogins,
  invites,
  vaults,
  deletedVaults,
  items,
  itemVersions,
  personalTokens,
  shares,
  shareBodies,
  claimedShareBodies,
  rateLimits,
} = sqliteTables
