// How long a session lives, and its refresh tokens with it.
import { gt, sql } from 'drizzle-orm'
import type { Tx } from '../../store/store.ts'

/** How long sessions live, in milliseconds. */
export interface SessionLifetime {
  /** Without being used: SESSION_TTL. */
  readonly sessionTtl: number
  /** However much they are used: SESSION_MAX_AGE. */
  readonly sessionMaxAge: number | undefined
}

/** When a session ends that is used now, and not again. All in milliseconds since 1970. */
export const endOfSession = (
  { sessionTtl, sessionMaxAge }: SessionLifetime,
  { createdAt, now }: { createdAt: number; now: number },
): number => Math.min(now + sessionTtl, sessionMaxAge === undefined ? Infinity : createdAt + sessionMaxAge)

/**
 * Brings the ends of sessions forward that go beyond SESSION_MAX_AGE, for those from before it was set or lowered. Then the end that is
 * stored is the one that counts, at every use.
 */
export async function capSessions(
  { db, tables: { sessions } }: Tx,
  { sessionMaxAge }: SessionLifetime,
): Promise<void> {
  if (sessionMaxAge === undefined) return
  const end = sql<number>`${sessions.createdAt} + ${sessionMaxAge}`
  await db.update(sessions).set({ expiresAt: end }).where(gt(sessions.expiresAt, end))
}
