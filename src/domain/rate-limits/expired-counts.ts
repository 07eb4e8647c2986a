// Rows of counts that have run out; the limiter itself writes all others.
import { lte } from 'drizzle-orm'
import type { Tx } from '../../store/store.ts'

export async function deleteExpiredCounts({ db, tables: { rateLimits } }: Tx, now: number): Promise<void> {
  await db.delete(rateLimits).where(lte(rateLimits.expire, now))
}
