// One-time shares: what making, reading, revoking and forgetting them does to the rows.
import { and, count, eq, gt, isNotNull, isNull, lte, or, sql } from 'drizzle-orm'
import { minutes } from '../../clock.ts'
import type { ShareReceipt } from '../../contract/shares.ts'
import type { Tables } from '../../store/schema.ts'
import { rowsStatement } from '../../store/statement.ts'
import type { Reader, Tx } from '../../store/store.ts'
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

const shareByIdStatement = rowsStatement<
  [
    proofHash: Uint8Array,
    manageTokenHash: Uint8Array,
    /** As the engine has it. */
    hasPassphrase: boolean | number,
    createdAt: number,
    expiresAt: number,
    readAt: number | null,
    claimHash: Uint8Array | null,
    revokedAt: number | null,
  ]
>('share_by_id', ({ db, tables: { shares } }) =>
  db
    .select({
      ...{ proofHash: shares.proofHash, manageTokenHash: shares.manageTokenHash },
      ...{ hasPassphrase: shares.hasPassphrase, createdAt: shares.createdAt, expiresAt: shares.expiresAt },
      ...{ readAt: shares.readAt, claimHash: shares.claimHash, revokedAt: shares.revokedAt },
    })
    .from(shares)
    .where(eq(shares.id, sql.placeholder('id'))),
)

export async function findShare(reader: Reader, id: string): Promise<Share | undefined> {
  const [row] = await shareByIdStatement(reader)({ id })
  if (!row) return undefined
  const [proofHash, manageTokenHash, hasPassphrase, createdAt, expiresAt, readAt, claimHash, revokedAt] = row
  return {
    ...{ id, proofHash, manageTokenHash, hasPassphrase: Boolean(hasPassphrase) },
    ...{ createdAt, expiresAt, readAt, claimHash, revokedAt },
  }
}

/** Of all who want to end a share at the same time, in whichever way, one finds it so: the others wait for its commit. */
const isPending = ({ shares }: Tables) =>
  and(
    eq(shares.id, sql.placeholder('id')),
    isNull(shares.readAt),
    isNull(shares.revokedAt),
    gt(shares.expiresAt, sql.placeholder('now')),
  )

const markReadStatement = rowsStatement<[], Tx>('marked_share_read', ({ db, tables }) =>
  db
    .update(tables.shares)
    .set({ readAt: sql`${sql.placeholder('readAt')}`, claimHash: sql`${sql.placeholder('claimHash')}` })
    .where(isPending(tables)),
)

const markRevokedStatement = rowsStatement<[], Tx>('marked_share_revoked', ({ db, tables }) =>
  db
    .update(tables.shares)
    .set({ revokedAt: sql`${sql.placeholder('revokedAt')}` })
    .where(isPending(tables)),
)

/** The ciphertext of a share that can still be read. It is there as long as the share is pending, and goes with its end. */
const bodyOf = ({ shareBodies }: Tables) =>
  and(eq(shareBodies.shareId, sql.placeholder('id')), gt(shareBodies.expiresAt, sql.placeholder('now')))

const putAsideStatement = rowsStatement<[], Tx>('claimed_share_body_put_aside', ({ db, tables }) =>
  db.insert(tables.claimedShareBodies).select(
    db
      .select({
        shareId: tables.shareBodies.shareId,
        expiresAt: sql`cast(${sql.placeholder('until')} as bigint)`.as('expires_at'),
        ciphertext: sql`${tables.shareBodies.ciphertext}`.as('ciphertext'),
      })
      .from(tables.shareBodies)
      .where(bodyOf(tables)),
  ),
)

const takeBodyStatement = rowsStatement<[ciphertext: Uint8Array], Tx>('taken_share_body', ({ db, tables }) =>
  db
    .delete(tables.shareBodies)
    .where(bodyOf(tables))
    .returning({ ciphertext: tables.shareBodies.ciphertext }),
)

/** What became of an end of a share, once its unit is committed: the ciphertext that it took out, or nothing. */
interface Taken {
  readonly taken: Promise<[ciphertext: Uint8Array][]>
}

/**
 * Reads a share whose proof was right: takes the ciphertext out of the database, or puts it aside for the reader with the claim.
 * @returns the ciphertext, unless another one was first or it is gone
 */
export async function readShare(
  tx: Tx,
  { id, expiresAt }: Share,
  { claimHash, now }: { claimHash: Uint8Array | undefined; now: number },
): Promise<Taken> {
  const until = Math.min(now + repeatableForMs, expiresAt)
  const marked = markReadStatement(tx)({ id, now, readAt: now, claimHash: claimHash ?? null })
  const aside = claimHash ? [putAsideStatement(tx)({ id, now, until })] : []
  const taken = takeBodyStatement(tx)({ id, now })
  await tx.withCommit([marked, ...aside, taken])
  return { taken }
}

const claimedBodyStatement = rowsStatement<[ciphertext: Uint8Array]>(
  'claimed_share_body',
  ({ db, tables: { claimedShareBodies } }) =>
    db
      .select({ ciphertext: claimedShareBodies.ciphertext })
      .from(claimedShareBodies)
      .where(
        and(
          eq(claimedShareBodies.shareId, sql.placeholder('id')),
          gt(claimedShareBodies.expiresAt, sql.placeholder('now')),
        ),
      ),
)

/** @returns what was put aside for the reader with the claim, for an answer that was lost; undefined if that is another one */
export async function readAgain(
  reader: Reader,
  id: string,
  { claimHash, now }: { claimHash: Uint8Array; now: number },
): Promise<Uint8Array | undefined> {
  const share = await findShare(reader, id)
  if (!share || !isSameHash(share.claimHash, claimHash)) return undefined
  const [claimed] = await claimedBodyStatement(reader)({ id, now })
  return claimed?.[0]
}

/** Forgets what was put aside for the reader. */
export async function forgetClaimed({ db, tables: { claimedShareBodies } }: Tx, id: string): Promise<void> {
  await db.delete(claimedShareBodies).where(eq(claimedShareBodies.shareId, id))
}

/** @returns the ciphertext, if the share could still have been read */
export async function takeBack(tx: Tx, { id }: Share, now: number): Promise<Taken> {
  const marked = markRevokedStatement(tx)({ id, now, revokedAt: now })
  const taken = takeBodyStatement(tx)({ id, now })
  await tx.withCommit([marked, taken])
  return { taken }
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
