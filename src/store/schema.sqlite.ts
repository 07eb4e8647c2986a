// For drizzle-kit, which takes tables from named exports: those of SQLite.
import { sqliteTables } from './schema.ts'

export const {
  instance,
  accounts,
  outbox,
  sessions,
  refreshTokens,
  usedOnce,
  secondFactors,
  recoveryCodes,
  accountEvents,
  startedLogins,
  invites,
  vaults,
  items,
  itemVersions,
  personalTokens,
  shares,
  shareBodies,
  claimedShareBodies,
  rateLimits,
} = sqliteTables
