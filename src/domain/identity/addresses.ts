// Who has an e-mail address: it is decided in one transaction after the other, and by its confirmation.
import { and, eq } from 'drizzle-orm'
import type { Tx } from '../../store/store.ts'
import { type AccountRow, findAccountByEmail, hasItsAddress, removeAccount } from './accounts.ts'

/**
 * Lets one transaction after the other decide who has an address, in all processes, until its end. Two that give the same address
 * at once would otherwise both find it free, and the second would fail on the row of the first.
 */
export async function decideOnAddresses({ db, tables: { instance } }: Tx): Promise<void> {
  await db.update(instance).set({ id: 1 }).where(eq(instance.id, 1))
}

/**
 * Frees an address that was confirmed at this moment. An account that was made for it, neither confirmed nor ever used, has no
 * better right to it, and goes: before addresses had to be confirmed, any stranger could make one.
 * @param keeping the account that is to have the address, if it exists already
 * @returns whether no other account has it now
 */
export async function makeRoomAt(tx: Tx, email: string, keeping?: string): Promise<boolean> {
  await decideOnAddresses(tx)
  const holder = await findAccountByEmail(tx, email)
  if (!holder || holder.id === keeping) return true
  if (hasItsAddress(holder)) return false
  return removeAccount(tx, holder.id)
}

/** Notes that the address is confirmed, and ends other registrations of it. */
export async function confirmAddress(
  { db, tables: { accounts, pendingRegistrations } }: Tx,
  { id, email }: Pick<AccountRow, 'id' | 'email'>,
): Promise<void> {
  await db.delete(pendingRegistrations).where(eq(pendingRegistrations.email, email))
  await db
    .update(accounts)
    .set({ emailVerified: true })
    .where(and(eq(accounts.id, id), eq(accounts.email, email)))
}
