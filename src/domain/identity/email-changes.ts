// The change of an account's address: it waits until the new address is confirmed.
import { and, eq, gt, type InferSelectModel, inArray } from 'drizzle-orm'
import type { Tables } from '../../store/schema.ts'
import type { Reader, Tx } from '../../store/store.ts'
import { linkValidForMs } from '../mail/links.ts'
import { type AccountRow, findAccountById, makeRoomAt } from './accounts.ts'
import type { OpaqueServer } from './opaque.ts'
import { credentialIdToKeep } from './opaque-credential-ids.ts'
import { endPendingRegistrations } from './pending-registrations.ts'

type EmailChange = InferSelectModel<Tables['emailChanges']>

/** Mail may wait in the outbox before its link is made: the change outlives both. */
const livesForMs = 4 * linkValidForMs

/** Notes the address that an account is to have, in place of one that was noted before. */
export async function startEmailChange(
  tx: Tx,
  { accountId, email, now }: { accountId: string; email: string; now: number },
): Promise<void> {
  await endEmailChange(tx, { accountId })
  await tx.db.insert(tx.tables.emailChanges).values({ accountId, email, expiresAt: now + livesForMs })
}

/** Ends a change that waits: a new password is to end what was begun with the old one. */
export async function endEmailChange(
  { db, tables: { emailChanges } }: Tx,
  { accountId }: { accountId: string },
): Promise<void> {
  await db.delete(emailChanges).where(eq(emailChanges.accountId, accountId))
}

/** @returns undefined if the account has no change that waits */
export async function findEmailChange(
  { db, tables: { emailChanges } }: Reader,
  accountId: string,
  now: number,
): Promise<EmailChange | undefined> {
  const [row] = await db
    .select()
    .from(emailChanges)
    .where(and(eq(emailChanges.accountId, accountId), gt(emailChanges.expiresAt, now)))
  return row
}

/**
 * Gives an account its new address. Mail about it that was not sent yet still goes to the old one, in case it was somebody else who
 * changed it.
 * @param isConfirmed whether the owner has shown that the address is theirs
 * @returns the account as it was, or undefined if it is gone or another account has the address
 */
export async function moveToAddress(
  tx: Tx,
  { accountId, email }: Pick<EmailChange, 'accountId' | 'email'>,
  { isConfirmed, opaque }: { isConfirmed: boolean; opaque: OpaqueServer },
): Promise<AccountRow | undefined> {
  const { accounts, emailChanges, outbox } = tx.tables
  const isFree = await makeRoomAt(tx, email, accountId)
  const before = await findAccountById(tx, accountId)
  if (!isFree || !before) return undefined
  // Of a record from before there were identifiers it is derived from the address.
  const credentialId = credentialIdToKeep(before, opaque)
  await tx.db
    .update(accounts)
    .set({ email, emailVerified: isConfirmed, credentialId })
    .where(eq(accounts.id, accountId))
  if (before.emailVerified)
    await tx.db
      .update(outbox)
      .set({ email: before.email })
      .where(and(eq(outbox.accountId, accountId), inArray(outbox.kind, ['account-changed', 'new-device'])))
  await tx.db.delete(emailChanges).where(eq(emailChanges.accountId, accountId))
  await endPendingRegistrations(tx, email)
  return before
}
