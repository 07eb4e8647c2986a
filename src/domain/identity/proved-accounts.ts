// What changes an account after its password was proved: each fails if the password is another one by then.
import { and, eq, isNull, type Placeholder, sql } from 'drizzle-orm'
import type { Tables } from '../../store/schema.ts'
import { rowsStatement } from '../../store/statement.ts'
import type { Tx } from '../../store/store.ts'
import { announce } from '../live/announcements.ts'
import { forgetObjectsOfAccount } from '../vaults/attachment-objects.ts'
import { type AccountRow, type PasswordData, passwordColumns } from './accounts.ts'

/** A disabled account is refused here, like a wrong password: by the statement that holds its row. */
const isStill = (
  { accounts }: Tables,
  { id, authVerifier }: Readonly<Record<'id' | 'authVerifier', string | Placeholder>>,
) => and(eq(accounts.id, id), eq(accounts.authVerifier, authVerifier), isNull(accounts.disabledAt))

/**
 * Changes an account whose password was verified outside of the transaction, and holds its row until the end of it.
 * @returns whether its password is still the one that was verified; if not, what they were proved for must fail
 */
async function updateProved(
  { db, tables }: Tx,
  verified: AccountRow,
  change: Partial<AccountRow>,
): Promise<boolean> {
  const updated = await db
    .update(tables.accounts)
    .set(change)
    .where(isStill(tables, verified))
    .returning({ id: tables.accounts.id })
  return updated.length === 1
}

const noteLoginStatement = rowsStatement<[id: string], Tx>('note_login', ({ db, tables }) =>
  db
    .update(tables.accounts)
    .set({ lastLoginAt: sql`${sql.placeholder('now')}` })
    .where(isStill(tables, { id: sql.placeholder('id'), authVerifier: sql.placeholder('authVerifier') }))
    .returning({ id: tables.accounts.id }),
)

/** Notes a login. A password change that ends all sessions cannot overtake the session which is made next: the row is held. */
export async function noteLogin(
  tx: Tx,
  { id, authVerifier }: Pick<AccountRow, 'id' | 'authVerifier'>,
  now: number,
): Promise<boolean> {
  const noted = await noteLoginStatement(tx)({ id, authVerifier, now })
  return noted.length === 1
}

/** Replaces the hint. @param hint null to remove it */
export const setHint = (tx: Tx, verified: AccountRow, hint: string | null): Promise<boolean> =>
  updateProved(tx, verified, { hint })

/** Replaces everything that depends on the password. */
export async function replacePassword(tx: Tx, verified: AccountRow, data: PasswordData): Promise<boolean> {
  await announce(tx, { kind: 'account-changed', accountId: verified.id })
  return updateProved(tx, verified, passwordColumns(data))
}

/** Replaces the account key by another one. */
export async function setAccountKey(
  tx: Tx,
  verified: AccountRow,
  change: Pick<AccountRow, 'accountKey' | 'accountKeyVersion'>,
): Promise<boolean> {
  await announce(tx, { kind: 'account-changed', accountId: verified.id })
  return updateProved(tx, verified, change)
}

/** Changes nothing; for what is done with other rows of the account. */
export const holdProved = (tx: Tx, verified: AccountRow): Promise<boolean> =>
  updateProved(tx, verified, { id: verified.id })

/** Deletes the account and, by foreign keys, everything of it, if its password is still the one that was verified. */
export async function deleteProved(tx: Tx, verified: AccountRow): Promise<boolean> {
  const { accounts } = tx.tables
  if (!(await holdProved(tx, verified))) return false
  await forgetObjectsOfAccount(tx, verified.id)
  const deleted = await tx.db
    .delete(accounts)
    .where(isStill(tx.tables, verified))
    .returning({ id: accounts.id })
  await announce(tx, { kind: 'access-changed', accountId: verified.id })
  return deleted.length === 1
}
