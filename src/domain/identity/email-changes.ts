// How the owner is reached and reminded: the change of an account's address, which waits until the new one is confirmed, and of its hint.
import { and, eq, gt, type InferSelectModel, inArray } from 'drizzle-orm'
import type { Random } from '../../random.ts'
import type { Tables } from '../../store/schema.ts'
import type { Reader, Tx } from '../../store/store.ts'
import { noteChange } from '../audit/noted-changes.ts'
import type { SessionCaller } from '../caller.ts'
import { announce } from '../live/announcements.ts'
import { linkValidForMs } from '../mail/links.ts'
import { enqueueMail } from '../mail/outbox.ts'
import type { MailSettings } from '../mail/settings.ts'
import { mailRequestKey } from '../rate-limits/keys.ts'
import { cancelDeletion } from './account-deletion.ts'
import { type AccountRow, emailTaken, findAccountById } from './accounts.ts'
import { makeRoomAt } from './addresses.ts'
import type { OpaqueServer } from './opaque.ts'
import { credentialIdToKeep } from './opaque-credential-ids.ts'
import { type PasswordProof, type ProofNeeds, proveAccount, wrongPassword } from './passwords.ts'
import { endPendingRegistrations } from './pending-registrations.ts'
import { holdProved, setHint } from './proved-accounts.ts'

type EmailChange = InferSelectModel<Tables['emailChanges']>

/** Mail may wait in the outbox before its link is made: the change outlives both. */
const livesForMs = 4 * linkValidForMs

interface ChangeNeeds extends ProofNeeds {
  readonly config: MailSettings
  readonly random: Random
}

/** Notes the address that an account is to have, in place of one that was noted before. */
async function startEmailChange(
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
  await announce(tx, { kind: 'account-changed', accountId })
  return before
}

/**
 * Gives the caller's account another address: at once where the server sends no mail, and otherwise when the link that goes there was
 * opened. Throws `invalid-credentials`, `email-taken` and `too-many-requests`.
 * @param change.email in its normalized form
 * @returns whether the change waits for that; it does for an address that is taken as well
 */
export async function changeEmail(
  caller: SessionCaller,
  { current, email }: { current: PasswordProof; email: string },
  needs: ChangeNeeds,
): Promise<{ isWaiting: boolean }> {
  const { clock, config, limiter, opaque, random, store } = needs
  const { accountId, address } = caller
  const isWaiting = config.smtp !== undefined
  const account = await proveAccount(caller, current, needs)
  const now = clock.now()
  if (isWaiting) await limiter.count('mailAbout', mailRequestKey({ address, email }))
  await store.write(async (tx) => {
    if (!(await holdProved(tx, account))) throw wrongPassword()
    await cancelDeletion(tx, accountId, { now, address }, needs)
    if (isWaiting) {
      await startEmailChange(tx, { accountId, email, now })
      await enqueueMail(tx, { id: random.uuid(), accountId, email, kind: 'confirm-change', now })
      await noteChange(tx, caller, 'email-change-started', needs)
    } else {
      if (!(await moveToAddress(tx, { accountId, email }, { isConfirmed: false, opaque }))) throw emailTaken()
      await noteChange(tx, caller, 'email-changed', needs)
    }
  })
  return { isWaiting }
}

/** Replaces the hint of the caller's account. Throws `invalid-credentials`. @param change.hint null to remove it */
export async function changeHint(
  caller: SessionCaller,
  { current, hint }: { current: PasswordProof; hint: string | null },
  needs: ChangeNeeds,
): Promise<void> {
  const account = await proveAccount(caller, current, needs)
  await needs.store.write(async (tx) => {
    if (!(await setHint(tx, account, hint))) throw wrongPassword()
    await noteChange(tx, caller, 'hint-changed', needs)
  })
}
