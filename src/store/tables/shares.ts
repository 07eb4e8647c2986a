// One-time shares.
import { days } from '../../clock.ts'
import type { Columns } from '../columns.ts'

export const shareTables = ({ bytes, flag, index, table, text, time }: Columns) => {
  /** What is known of a one-time share, kept for a while after its end so that the receipt and a late reader learn why. */
  const shares = table('shares', {
    columns: {
      id: text('id').primaryKey(),
      proofHash: bytes('proof_hash').notNull(),
      manageTokenHash: bytes('manage_token_hash').notNull(),
      hasPassphrase: flag('has_passphrase').notNull(),
      createdAt: time('created_at').notNull(),
      expiresAt: time('expires_at').notNull(),
      readAt: time('read_at'),
      /** Of the claim that the reader chose, if it did. */
      claimHash: bytes('claim_hash'),
      revokedAt: time('revoked_at'),
    },
    keys: (table) => [index('shares_by_expiry').on(table.expiresAt)],
    backup: { settled: 'forgetUnreadShares' },
    expires: { after: 'expiresAt', keptFor: days(30), every: 'minute' },
  })

  const shareId = () =>
    text('share_id')
      .primaryKey()
      .references(() => shares.id, { onDelete: 'cascade' })

  /** The ciphertext until the share ends: the request that deletes the row is the one reader. */
  const shareBodies = table('share_bodies', {
    columns: {
      shareId: shareId(),
      expiresAt: time('expires_at').notNull(),
      ciphertext: bytes('ciphertext').notNull(),
    },
    keys: (table) => [index('share_bodies_by_expiry').on(table.expiresAt)],
    backup: { leftOut: 'a secret that was read since could be read a second time' },
    expires: { after: 'expiresAt', every: 'minute' },
  })

  /** The ciphertext after it was read under a claim, for its reader alone. */
  const claimedShareBodies = table('claimed_share_bodies', {
    columns: {
      shareId: shareId(),
      expiresAt: time('expires_at').notNull(),
      ciphertext: bytes('ciphertext').notNull(),
    },
    keys: (table) => [index('claimed_share_bodies_by_expiry').on(table.expiresAt)],
    backup: { leftOut: 'they count for a minute' },
    expires: { after: 'expiresAt', every: 'minute' },
  })

  return { shares, shareBodies, claimedShareBodies }
}
