// The lock of an account: its row, held until the end of a transaction.
import { eq } from 'drizzle-orm'
import type { Tx } from '../store/store.ts'

/**
 * Holds the account's row until the end of the transaction: what is decided by its other rows is then decided once, and the account
 * cannot go in between. @returns whether it is there
 */
export async function holdAccount({ db, tables: { accounts } }: Tx, id: string): Promise<boolean> {
  // An update that changes nothing: the one way that both engines have.
  const held = await db.update(accounts).set({ id }).where(eq(accounts.id, id)).returning({ id: accounts.id })
  return held.length === 1
}
