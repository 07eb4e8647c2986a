// One-time shares: what making, reading, revoking and forgetting them does to the rows.
import { and, count, eq, gt, isNotNull, isNull, lte, or, sql } from 'drizzle-orm'
import { minutes } from '../../clock.ts'
import type { ShareReceipt } from '../../contract/shares.ts'
import type { Tables } from '../../store/schema.ts'
import { rowsStatement, statement } from '../../store/statement.ts'
import { type Reader, type Tx, Unchanged } from '../../store/store.ts'
import { isSameHash } from '../secret-hash.ts'

/** How long the reader may ask again with its claim, for an answer that was lost. */
const repeatableForMs = minutes(1)

/** A share without its ciphertext. Times are milliseconds since 1970. */
export type Share = Tables['shares']['$inferSelect']

export type ShareState = ShareReceipt['state']

/** What has become of a share. It is expired from the millisecond of `expiresAt` on, whatever is still in the database. */
export function stateOf({ readAt, revokedAt, expiresAt }: Share, now: number): ShareState {
  if (readAt !== null) return 'read'
  if (revokedAt !== null) return 'revoked'
  return now < expiresAt ? 'pending' : 'expired'
}

/** How many shares are known in each state. */
export async function countShares(
  { db, tables: { shares, shareBodies } }: Reader,
  now: number,
): Promise<Record<ShareState, number>> {
  const ended = await db
    .select({ read: count(shares.readAt), revoked: count(shares.revokedAt) })
    .from(shares)
    .where(or(isNotNull(shares.readAt), isNotNull(shares.revokedAt)))
  const [pending] = await db.select({ left: count() }).from(shareBodies).where(gt(shareBodies.expiresAt, now))
  const [expired] = await db
    .select({ left: count() })
    .from(shares)
    .where(and(isNull(shares.readAt), isNull(shares.revokedAt), lte(shares.expiresAt, now)))
  const { read = 0, revoked = 0 } = ended[0] ?? {}
  return { pending: pending?.left ?? 0, read, revoked, expired: expired?.left ?? 0 }
}

const insertShareStatement = rowsStatement<[], Tx>('inserted_share', ({ db, tables: { shares } }) =>
  db.insert(shares).values({
    id: sql.placeholder('id'),
    proofHash: sql.placeholder('proofHash'),
    manageTokenHash: sql.placeholder('manageTokenHash'),
    hasPassphrase: sql.placeholder('hasPassphrase'),
    createdAt: sql.placeholder('createdAt'),
    expiresAt: sql.placeholder('expiresAt'),
  }),
)

const insertBodyStatement = rowsStatement<[], Tx>('inserted_share_body', ({ db, tables: { shareBodies } }) =>
  db.insert(shareBodies).values({
    shareId: sql.placeholder('id'),
    ciphertext: sql.placeholder('ciphertext'),
    expiresAt: sql.placeholder('expiresAt'),
  }),
)

export async function insertShare(
  tx: Tx,
  share: Omit<Share, 'readAt' | 'claimHash' | 'revokedAt'> & { ciphertext: Uint8Array },
): Promise<void> {
  await tx.withCommit([insertShareStatement(tx)({ ...share }), insertBodyStatement(tx)({ ...share })])
}

const shareByIdStatement = statement(({ db, tables: { shares } }: Reader) =>
  db
    .select()
    .from(shares)
    .where(eq(shares.id, sql.placeholder('id')))
    .prepare('share_by_id'),
)

export async function findShare(reader: Reader, id: string): Promise<Share | undefined> {
  const [share] = await shareByIdStatement(reader).execute({ id })
  return share
}

/** Takes the ciphertext out: of all who try at the same time, one statement gives it to one. */
const takeBodyStatement = rowsStatement<[ciphertext: Uint8Array], Tx>(
  'taken_share_body',
  ({ db, tables: { shareBodies } }) =>
    db
      .delete(shareBodies)
      .where(
        and(
          eq(shareBodies.shareId, sql.placeholder('id')),
          gt(shareBodies.expiresAt, sql.placeholder('now')),
        ),
      )
      .returning({ ciphertext: shareBodies.ciphertext }),
)

const markReadStatement = rowsStatement<[], Tx>('marked_share_read', ({ db, tables: { shares } }) =>
  db
    .update(shares)
    .set({ readAt: sql`${sql.placeholder('now')}`, claimHash: sql`${sql.placeholder('claimHash')}` })
    .where(eq(shares.id, sql.placeholder('id'))),
)

const putAsideStatement = rowsStatement<[], Tx>(
  'claimed_share_body_put_aside',
  ({ db, tables: { claimedShareBodies } }) =>
    db.insert(claimedShareBodies).values({
      shareId: sql.placeholder('id'),
      ciphertext: sql.placeholder('ciphertext'),
      expiresAt: sql.placeholder('expiresAt'),
    }),
)

const claimedBodyStatement = statement(({ db, tables: { claimedShareBodies } }: Tx) =>
  db
    .select({ ciphertext: claimedShareBodies.ciphertext })
    .from(claimedShareBodies)
    .where(
      and(
        eq(claimedShareBodies.shareId, sql.placeholder('id')),
        gt(claimedShareBodies.expiresAt, sql.placeholder('now')),
      ),
    )
    .prepare('claimed_share_body'),
)

/**
 * Reads a share whose proof was right: the first time gives the ciphertext and takes it out of the database, or puts it aside
 * for the reader with the claim.
 * @returns the ciphertext, or undefined if another reader has it or it is gone
 */
export async function readShare(
  tx: Tx,
  share: Share,
  { claimHash, now }: { claimHash: Uint8Array | undefined; now: number },
): Promise<Uint8Array | undefined | Unchanged<Uint8Array | undefined>> {
  const { id } = share
  const [taken] = await takeBodyStatement(tx)({ id, now })
  if (taken) {
    const [ciphertext] = taken
    const expiresAt = Math.min(now + repeatableForMs, share.expiresAt)
    await tx.withCommit([
      markReadStatement(tx)({ id, now, claimHash: claimHash ?? null }),
      ...(claimHash ? [putAsideStatement(tx)({ id, ciphertext, expiresAt })] : []),
    ])
    return ciphertext
  }
  if (!claimHash) return new Unchanged(undefined)
  const [current] = await shareByIdStatement(tx).execute({ id })
  if (!current || !isSameHash(current.claimHash, claimHash)) return new Unchanged(undefined)
  const [repeated] = await claimedBodyStatement(tx).execute({ id, now })
  return new Unchanged(repeated?.ciphertext)
}

/** Forgets what was put aside for the reader. */
export async function forgetClaimed({ db, tables: { claimedShareBodies } }: Tx, id: string): Promise<void> {
  await db.delete(claimedShareBodies).where(eq(claimedShareBodies.shareId, id))
}

/** @returns whether the share could still have been read */
export async function takeBack(tx: Tx, { id }: Share, now: number): Promise<boolean | Unchanged<boolean>> {
  const { db, tables } = tx
  const [taken] = await takeBodyStatement(tx)({ id, now })
  if (!taken) return new Unchanged(false)
  await db.update(tables.shares).set({ revokedAt: now }).where(eq(tables.shares.id, id))
  return true
}

/**
 * After a restore: forgets the shares of which the backup does not know an end. Since then they may have been read, expired or
 * been revoked, and their ciphertext is in no backup; neither their readers nor their senders are to be told something untrue.
 * @returns how many there were
 */
export async function forgetUnreadShares({ db, tables: { shares } }: Tx): Promise<number> {
  const forgotten = await db
    .delete(shares)
    .where(and(isNull(shares.readAt), isNull(shares.revokedAt)))
    .returning({ id: shares.id })
  return forgotten.length
}
