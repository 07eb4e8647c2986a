// What works once, on whichever process: its id is written down when it is used.
import { lte, sql } from 'drizzle-orm'
import { minutes } from '../clock.ts'
import { rowsStatement } from '../store/statement.ts'
import type { Tx } from '../store/store.ts'

/** Ids are kept for longer than what they are of is accepted, because the clocks of two servers differ. */
const rememberedFor = minutes(10)

const useStatement = rowsStatement<[id: Uint8Array], Tx>('use_once', ({ db, tables: { usedOnce } }) =>
  db
    .insert(usedOnce)
    .values({
      id: sql.placeholder('id'),
      expiresAt: sql.placeholder('expiresAt'),
      settled: sql.placeholder('settled'),
    })
    .onConflictDoNothing()
    .returning({ id: usedOnce.id }),
)

/**
 * @param used.id random, of whatever is used
 * @param used.settled for OPAQUE's handshakes: whether the security log needs no note of its start any more
 * @returns whether it was unused
 */
export async function useOnce(
  tx: Tx,
  { id, expiresAt, settled = false }: { id: Uint8Array; expiresAt: number; settled?: boolean },
): Promise<boolean> {
  const used = await useStatement(tx)({ id, expiresAt, settled })
  return used.length === 1
}

/** Forgets the ids of what nothing accepts any more. */
export async function forgetUsedOnce({ db, tables: { usedOnce } }: Tx, now: number): Promise<void> {
  await db.delete(usedOnce).where(lte(usedOnce.expiresAt, now - rememberedFor))
}
