// Accounts as the operator sees them: list, disable, enable, delete. None of this is reachable over HTTP, so there is
// no Caller; nothing of it needs a key, and nothing of what is sealed is given out.
import { and, count, eq, gt, isNotNull, isNull, or, sql } from 'drizzle-orm'
import { normalizeEmail } from '../../contract/primitives.ts'
import type { Reader, Tx } from '../../store/store.ts'
import { holdAccount } from '../account-row.ts'
import { noteEvent } from '../audit/audit-log.ts'
import { announce } from '../live/announcements.ts'
import { findAccountById } from './accounts.ts'
import { noteBitwardenChange } from './bitwarden-accounts.ts'
import { removeAllFactors } from './second-factors.ts'
import { endAllSessions } from './sessions.ts'

/** Times are milliseconds since 1970. */
export interface User {
  readonly id: string
  readonly email: string
  /** Whose clients it is for, which it was made with. */
  readonly kind: 'native' | 'bitwarden'
  readonly createdAt: number
  readonly lastLoginAt: number | null
  readonly disabledAt: number | null
  /** When it is deleted, because its mailbox asked for that. */
  readonly deletesAt: number | null
  /** Living ones. */
  readonly sessions: number
  readonly vaults: number
  /** In the trash or not. */
  readonly items: number
  /** What vaults, items and their kept versions take as ciphertext. */
  readonly bytes: number
  /** What its files take, uploads included. */
  readonly attachmentBytes: number
}

/** The id of the account that an e-mail address or an id means. */
export async function findUserId(
  { db, tables: { accounts } }: Reader,
  emailOrId: string,
): Promise<string | undefined> {
  const [row] = await db
    .select({ id: accounts.id })
    .from(accounts)
    .where(or(eq(accounts.id, emailOrId), eq(accounts.email, normalizeEmail(emailOrId))))
  return row?.id
}

const bytesOf = (column: Parameters<typeof sql>[1]) =>
  sql`coalesce(sum(octet_length(${column})), 0)`.mapWith(Number)

/** What each account has, by its id: one statement for each table, however many accounts there are. */
async function usage({ db, tables }: Reader, now: number) {
  const { items, itemVersions, sessions, vaults } = tables
  const living = await db
    .select({ of: sessions.accountId, count: count() })
    .from(sessions)
    .where(gt(sessions.expiresAt, now))
    .groupBy(sessions.accountId)
  const ownVaults = await db
    .select({ of: vaults.accountId, count: count(), bytes: bytesOf(vaults.data) })
    .from(vaults)
    .groupBy(vaults.accountId)
  const ownItems = await db
    // What is purged is no item any more; the marker of its deletion is still stored.
    .select({
      of: vaults.accountId,
      count: count(sql`case when ${items.state} <> 'purged' then 1 end`),
      bytes: bytesOf(items.data),
    })
    .from(items)
    .innerJoin(vaults, eq(vaults.id, items.vaultId))
    .groupBy(vaults.accountId)
  const ownVersions = await db
    .select({ of: vaults.accountId, bytes: bytesOf(itemVersions.data) })
    .from(itemVersions)
    .innerJoin(vaults, eq(vaults.id, itemVersions.vaultId))
    .groupBy(vaults.accountId)
  return {
    sessions: new Map(living.map(({ of, count }) => [of, count])),
    vaults: new Map(ownVaults.map((row) => [row.of, row])),
    items: new Map(ownItems.map((row) => [row.of, row])),
    versions: new Map(ownVersions.map((row) => [row.of, row])),
  }
}

/** Every account, oldest first; or the one with this id. */
export async function listUsers(reader: Reader, now: number, id?: string): Promise<User[]> {
  const { accountDeletions, accounts } = reader.tables
  const rows = await reader.db
    .select({
      id: accounts.id,
      email: accounts.email,
      authMethod: accounts.authMethod,
      createdAt: accounts.createdAt,
      lastLoginAt: accounts.lastLoginAt,
      disabledAt: accounts.disabledAt,
      deletesAt: accountDeletions.dueAt,
      attachmentBytes: accounts.storedAttachmentBytes,
    })
    .from(accounts)
    .leftJoin(accountDeletions, eq(accountDeletions.accountId, accounts.id))
    .where(id === undefined ? undefined : eq(accounts.id, id))
    .orderBy(accounts.createdAt, accounts.id)
  const has = await usage(reader, now)
  return rows.map(({ authMethod, ...row }) => {
    const [vaults, items] = [has.vaults.get(row.id), has.items.get(row.id)]
    return {
      ...row,
      kind: authMethod === 'bitwarden' ? 'bitwarden' : 'native',
      sessions: has.sessions.get(row.id) ?? 0,
      vaults: vaults?.count ?? 0,
      items: items?.count ?? 0,
      bytes: (vaults?.bytes ?? 0) + (items?.bytes ?? 0) + (has.versions.get(row.id)?.bytes ?? 0),
    }
  })
}

/**
 * Keeps the owner out: no login from now on, and every session ends. The update holds the account's row, which a login holds
 * too, so that the sessions which are deleted next are all there are.
 * @returns whether that changed anything
 */
export async function disableAccount(tx: Tx, id: string, now: number): Promise<boolean> {
  const { accounts } = tx.tables
  const disabled = await tx.db
    .update(accounts)
    .set({ disabledAt: now })
    .where(and(eq(accounts.id, id), isNull(accounts.disabledAt)))
    .returning({ id: accounts.id })
  if (disabled.length === 1)
    await noteEvent(tx, id, { type: 'account-disabled', at: now, device: null, address: null })
  await endAllSessions(tx, id, now)
  // Its tokens, which work again when it is enabled.
  await announce(tx, { kind: 'access-changed', accountId: id })
  return disabled.length === 1
}

/** Ids of accounts that have sessions, in their order. @param after the last id of the page before */
export async function accountsWithSessions(
  { db, tables: { sessions } }: Reader,
  { after, limit }: { after: string; limit: number },
): Promise<string[]> {
  const rows = await db
    .select({ id: sessions.accountId })
    .from(sessions)
    .where(gt(sessions.accountId, after))
    .groupBy(sessions.accountId)
    .orderBy(sessions.accountId)
    .limit(limit)
  return rows.map(({ id }) => id)
}

/**
 * Ends every session of an account, whose owner may log in again. A login that has proved its password already holds the account's row too,
 * so that its session is ended, or begins after this. @returns how many sessions were living
 */
export async function endSessionsOf(tx: Tx, id: string, now: number): Promise<number> {
  await holdAccount(tx, id)
  return endAllSessions(tx, id, now)
}

/** Lets the owner log in again. */
export async function enableAccount(tx: Tx, id: string, now: number): Promise<void> {
  const { accounts } = tx.tables
  const enabled = await tx.db
    .update(accounts)
    .set({ disabledAt: null })
    .where(and(eq(accounts.id, id), isNotNull(accounts.disabledAt)))
    .returning({ id: accounts.id })
  if (enabled.length === 0) return
  await noteEvent(tx, id, { type: 'account-enabled', at: now, device: null, address: null })
  await announce(tx, { kind: 'access-changed', accountId: id })
}

/** Removes the second factors of an owner who has lost them. @returns how many there were */
export async function resetSecondFactors(tx: Tx, id: string, now: number): Promise<number> {
  const account = await findAccountById(tx, id)
  if (account?.authMethod === 'bitwarden')
    await noteBitwardenChange(tx, { accountId: id, deviceIdentifier: null }, { now, what: 'settings' })
  const removed = await removeAllFactors(tx, { accountId: id })
  if (removed > 0)
    await noteEvent(tx, id, { type: 'second-factors-reset', at: now, device: null, address: null })
  return removed
}
