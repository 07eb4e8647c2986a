// What a server knows of itself and of what it has seen: its database, what was used once, what was counted.
import type { Columns } from '../columns.ts'

export const serverTables = ({ bytes, flag, index, table, text, time, whole }: Columns) => {
  /** One row about the database itself. */
  const instance = table('instance', {
    columns: {
      id: whole('id').primaryKey(),
      /** Random; a restore replaces it, so that every cursor from before is refused. */
      epoch: text('epoch').notNull(),
      /** Of the OPAQUE setup that the accounts were made with; null until the first start that knows of it. */
      opaqueFingerprint: text('opaque_fingerprint'),
    },
    backup: { settled: 'renewEpoch' },
    expires: 'never',
    filledByStart: true,
  })

  /** Ids of what works once and was used: OPAQUE's handshakes, WebAuthn's challenges. What they held is nowhere. */
  const usedOnce = table('used_once', {
    columns: {
      id: bytes('id').primaryKey(),
      expiresAt: time('expires_at').notNull(),
      /** OPAQUE: whether it was finished for the account that it was begun for, so that how it ended is known. */
      settled: flag('settled').notNull().default(false),
    },
    keys: (table) => [index('used_once_by_expiry').on(table.expiresAt)],
    backup: { leftOut: 'they count for minutes' },
    expires: { by: 'forgetUsedOnce' },
  })

  /** Counts of the rate limiter, which wants these columns in this order; written on Postgres only. */
  const rateLimits = table('rate_limits', {
    columns: {
      /** A kind and a keyed hash: no address of a person or a network. */
      key: text('key').primaryKey(),
      points: whole('points').notNull(),
      expire: time('expire'),
    },
    backup: { leftOut: 'they count for minutes' },
    expires: { after: 'expire', every: 'hour' },
    filledByStart: true,
  })

  return { instance, usedOnce, rateLimits }
}
