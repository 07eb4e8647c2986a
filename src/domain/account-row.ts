// The lock of an account: its row, held until the end of a transaction.
import { eq } from 'drizzle-orm'
import type { Tx } from '../store/store.ts'
import { Failure } from './failure.ts'

/**
 * Holds the account's row until the end of the transaction: what is decided by its other rows is then decided once, and the account
 * cannot go in between. @returns whether it is there
 */
export async function holdAccount({ db, tables: { accounts } }: Tx, id: string): Promise<boolean> {
  // An update that changes nothing: the one way that both engines have.
  const held = await db.update(accounts).set({ id }).where(eq(accounts.id, id)).returning({ id: accounts.id })
  return held.length === 1
}

/** The account key is not the one that a request was made for. @param accountKeyVersion of the present one */
export const accountKeyChanged = (accountKeyVersion: number) =>
  new Failure('key-changed', `The account key is at version ${accountKeyVersion} now.`, { accountKeyVersion })

/**
 * Throws `key-changed` unless the account key is at this version: what is sealed under another one would never open. The account's row
 * has to be held.
 */
export async function requireAccountKey(
  { db, tables: { accounts } }: Tx,
  id: string,
  version: number,
): Promise<void> {
  const [row] = await db
    .select({ version: accounts.accountKeyVersion })
    .from(accounts)
    .where(eq(accounts.id, id))
  if (row && row.version !== version) throw accountKeyChanged(row.version)
}
