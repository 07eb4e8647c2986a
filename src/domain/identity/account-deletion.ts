// The deletion of an account: at once by its owner, or by its mailbox, for an owner who has lost the password. That waits, and a login
// in between ends it.
import { asc, eq, lte, sql } from 'drizzle-orm'
import type { Clock } from '../../clock.ts'
import type { Random } from '../../random.ts'
import { rowsStatement } from '../../store/statement.ts'
import type { Reader, Store, Tx } from '../../store/store.ts'
import { holdAccount } from '../account-row.ts'
import { noteEvent } from '../audit/audit-log.ts'
import type { SessionCaller } from '../caller.ts'
import { Failure } from '../failure.ts'
import { idInLink, isLinkFor, toDelete, toKeep } from '../mail/links.ts'
import { enqueueMail } from '../mail/outbox.ts'
import type { MailSettings } from '../mail/settings.ts'
import type { ServerKeys } from '../server-keys.ts'
import { type AccountRow, findAccountById, removeAccount } from './accounts.ts'
import { type PasswordProof, type ProofNeeds, proveAccount, wrongPassword } from './passwords.ts'
import { deleteProved } from './proved-accounts.ts'

/** Most that are deleted in one turn; the rest has its turn a minute later. */
const maxAtOnce = 100

/** What the operator decides about deletion by mail. */
export interface DeletionSettings {
  /** How long an account waits, in milliseconds; undefined if accounts are not deleted by mail. */
  readonly accountDeletion: { readonly wait: number } | undefined
}

interface TellingNeeds {
  readonly config: MailSettings
  readonly random: Random
}

interface LinkNeeds extends TellingNeeds {
  readonly clock: Clock
  readonly keys: Pick<ServerKeys, 'emailConfirmations'>
  readonly store: Store
}

interface At {
  /** Milliseconds since 1970. */
  readonly now: number
  /** Where the request came from; null for what the server does by itself. */
  readonly address: string | null
}

/** Throws `account-deletion-off`. @returns how long an account waits, in milliseconds */
export function requireDeletionByMail({ accountDeletion }: DeletionSettings): number {
  if (accountDeletion) return accountDeletion.wait
  throw new Failure('account-deletion-off', 'This server does not delete accounts by mail.')
}

/** Has the owner told, where there is mail. */
async function tell(
  tx: Tx,
  accountId: string,
  kind: 'deletion-started' | 'deletion-cancelled',
  now: number,
  { config, random }: TellingNeeds,
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
async function startDeletion(
  tx: Tx,
  { id }: Pick<AccountRow, 'id'>,
  { now, address }: At,
  wait: number,
  needs: TellingNeeds,
): Promise<number | undefined> {
  if (!(await holdAccount(tx, id))) return undefined
  const under = await deletionOf(tx, id)
  if (under !== undefined) return under
  const dueAt = now + wait
  await tx.db.insert(tx.tables.accountDeletions).values({ accountId: id, dueAt })
  await noteEvent(tx, id, { type: 'deletion-started', at: now, device: null, address })
  await tell(tx, id, 'deletion-started', now, needs)
  return dueAt
}

const cancelStatement = rowsStatement<[accountId: string], Tx>(
  'cancel_deletion',
  ({ db, tables: { accountDeletions } }) =>
    db
      .delete(accountDeletions)
      .where(eq(accountDeletions.accountId, sql.placeholder('accountId')))
      .returning({ accountId: accountDeletions.accountId }),
)

/** Lets an account stay that was to be deleted. @returns whether it was */
export async function cancelDeletion(
  tx: Tx,
  accountId: string,
  { now, address }: At,
  needs: TellingNeeds,
): Promise<boolean> {
  const cancelled = await cancelStatement(tx)({ accountId })
  if (cancelled.length === 0) return false
  await noteEvent(tx, accountId, { type: 'deletion-cancelled', at: now, device: null, address })
  await tell(tx, accountId, 'deletion-cancelled', now, needs)
  return true
}

/**
 * Has an account deleted after the waiting time, by the link that was sent to its mailbox. Until then a login of the owner keeps it. A
 * second time changes nothing. Throws `account-deletion-off`.
 * @param address where the request came from
 * @returns when the account goes, in milliseconds since 1970; undefined if the link does not work
 */
export async function startDeletionByLink(
  token: string,
  address: string,
  needs: LinkNeeds & { readonly config: DeletionSettings },
): Promise<number | undefined> {
  const { clock, config, keys, store } = needs
  const wait = requireDeletionByMail(config)
  const now = clock.now()
  return store.write(async (tx) => {
    const account = await findAccountById(tx, idInLink(token))
    if (!account?.emailVerified || account.disabledAt !== null) return undefined
    if (!isLinkFor(keys.emailConfirmations, token, toDelete(account), now)) return undefined
    return startDeletion(tx, account, { now, address }, wait, needs)
  })
}

/** Keeps an account that is to be deleted, by the link that its mailbox was sent. @returns whether the link works */
export async function keepAccountByLink(token: string, address: string, needs: LinkNeeds): Promise<boolean> {
  const { clock, keys, store } = needs
  const now = clock.now()
  return store.write(async (tx) => {
    const account = await findAccountById(tx, idInLink(token))
    const dueAt = account && (await deletionOf(tx, account.id))
    if (!account || dueAt === undefined) return false
    if (!isLinkFor(keys.emailConfirmations, token, toKeep({ ...account, dueAt }), now)) return false
    return cancelDeletion(tx, account.id, { now, address }, needs)
  })
}

/** Keeps the caller's account, if it is to be deleted. */
export async function keepOwnAccount(
  { accountId, address }: SessionCaller,
  needs: TellingNeeds & { readonly clock: Clock; readonly store: Store },
): Promise<void> {
  const { clock, store } = needs
  await store.write((tx) => cancelDeletion(tx, accountId, { now: clock.now(), address }, needs))
}

/** Deletes the caller's account with everything in it, at once and for good. Throws `invalid-credentials`. */
export async function deleteOwnAccount(
  caller: SessionCaller,
  proof: PasswordProof,
  needs: ProofNeeds,
): Promise<void> {
  const account = await proveAccount(caller, proof, needs)
  if (!(await needs.store.write((tx) => deleteProved(tx, account)))) throw wrongPassword()
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
  needs: TellingNeeds & { readonly config: DeletionSettings; readonly store: Store },
  now: number,
): Promise<void> {
  const { store, config, random } = needs
  const due = await store.read(({ db, tables: { accountDeletions } }) =>
    db
      .select()
      .from(accountDeletions)
      .where(config.accountDeletion ? lte(accountDeletions.dueAt, now) : undefined)
      .orderBy(asc(accountDeletions.dueAt))
      .limit(maxAtOnce),
  )
  for (const { accountId } of due)
    await store.write((tx) =>
      config.accountDeletion
        ? deleteIfDue(tx, accountId, now, random)
        : cancelDeletion(tx, accountId, { now, address: null }, needs),
    )
}
