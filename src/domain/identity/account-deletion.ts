// The deletion of an account by its mailbox, for an owner who has lost the password: it waits, and a login in between ends it.
import { asc, eq, lte } from 'drizzle-orm'
import type { Random } from '../../random.ts'
import type { Reader, Store, Tx } from '../../store/store.ts'
import { holdAccount } from '../account-row.ts'
import { noteEvent } from '../audit/audit-log.ts'
import { enqueueMail } from '../mail/outbox.ts'
import { type AccountRow, findAccountById, removeAccount } from './accounts.ts'

/** Most that are deleted in one turn; the rest has its turn a minute later. */
const mostAtOnce = 100

/** What the deletion of accounts by mail needs to know of the settings. */
interface DeletionSettings {
  /** Whether mail is sent. */
  readonly smtp: object | undefined
  /** Whether accounts are deleted by mail. */
  readonly accountDeletion: object | undefined
}

interface At {
  readonly now: number
  /** Where who did it came from; null for what the server does by itself. */
  readonly address: string | null
  readonly services: { readonly config: Pick<DeletionSettings, 'smtp'>; readonly random: Random }
}

/** Has the owner told, where there is mail. */
async function tell(
  tx: Tx,
  accountId: string,
  kind: 'deletion-started' | 'deletion-cancelled',
  { now, services: { config, random } }: At,
): Promise<void> {
  if (config.smtp) await enqueueMail(tx, { id: random.uuid(), accountId, kind, now })
}

/** When the account goes, in milliseconds since 1970. @returns undefined if it stays */
export async function deletionOf(
  { db, tables: { accountDeletions } }: Reader,
  accountId: string,
): Promise<number | undefined> {
  const [row] = await db.select().from(accountDeletions).where(eq(accountDeletions.accountId, accountId))
  return row?.dueAt
}

/** Starts the waiting time, and has the owner told; a second start changes nothing. @returns when the account goes */
export async function startDeletion(
  tx: Tx,
  { id }: Pick<AccountRow, 'id'>,
  at: At,
  wait: number,
): Promise<number | undefined> {
  if (!(await holdAccount(tx, id))) return undefined
  const under = await deletionOf(tx, id)
  if (under !== undefined) return under
  const { now, address } = at
  const dueAt = now + wait
  await tx.db.insert(tx.tables.accountDeletions).values({ accountId: id, dueAt })
  await noteEvent(tx, id, { type: 'deletion-started', at: now, device: null, address })
  await tell(tx, id, 'deletion-started', at)
  return dueAt
}

/** Lets an account stay that was to be deleted. @returns whether it was */
export async function cancelDeletion(tx: Tx, accountId: string, at: At): Promise<boolean> {
  const { accountDeletions } = tx.tables
  const cancelled = await tx.db
    .delete(accountDeletions)
    .where(eq(accountDeletions.accountId, accountId))
    .returning({ accountId: accountDeletions.accountId })
  if (cancelled.length === 0) return false
  const { now, address } = at
  await noteEvent(tx, accountId, { type: 'deletion-cancelled', at: now, device: null, address })
  await tell(tx, accountId, 'deletion-cancelled', at)
  return true
}

/** Deletes an account whose time has come. A login holds its row, so that one of the two comes first. @returns whether it did */
async function deleteIfDue(tx: Tx, accountId: string, now: number, random: Random): Promise<boolean> {
  if (!(await holdAccount(tx, accountId))) return false
  const dueAt = await deletionOf(tx, accountId)
  const account = await findAccountById(tx, accountId)
  if (dueAt === undefined || dueAt > now || !account) return false
  await enqueueMail(tx, { id: random.uuid(), email: account.email, kind: 'account-deleted', now })
  return removeAccount(tx, accountId)
}

/**
 * Deletes the accounts whose time has come. Where the operator has switched it off meanwhile, it ends what was started.
 * @param now milliseconds since 1970
 */
export async function finishDeletions(
  services: { store: Store; config: DeletionSettings; random: Random },
  now: number,
): Promise<void> {
  const { store, config, random } = services
  const due = await store.read(({ db, tables: { accountDeletions } }) =>
    db
      .select()
      .from(accountDeletions)
      .where(config.accountDeletion ? lte(accountDeletions.dueAt, now) : undefined)
      .orderBy(asc(accountDeletions.dueAt))
      .limit(mostAtOnce),
  )
  for (const { accountId } of due)
    await store.write((tx) =>
      config.accountDeletion
        ? deleteIfDue(tx, accountId, now, random)
        : cancelDeletion(tx, accountId, { now, address: null, services }),
    )
}
