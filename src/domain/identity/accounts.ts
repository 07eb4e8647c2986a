// Accounts: what they are made of, how they are found, and how they go.
import { asc, eq, gte, type InferSelectModel, sql } from 'drizzle-orm'
import { AuthMethod } from '../../contract/accounts.ts'
import type { Tables } from '../../store/schema.ts'
import { statement } from '../../store/statement.ts'
import type { Reader, Tx } from '../../store/store.ts'
import type { Caller } from '../caller.ts'
import { Failure, notFound } from '../failure.ts'
import { announce } from '../live/announcements.ts'
import { forgetObjectsOfAccount } from '../vaults/attachment-objects.ts'
import { findVaultOwner, insertVault, type NewVault, vaultIdTaken } from '../vaults/vaults.ts'
import { type Kdf, kdfColumns } from './kdf.ts'

export type AccountRow = InferSelectModel<Tables['accounts']>

/** What a password is checked against; see the columns of these names. */
export interface Verifier {
  /** The method of a native account, or `bitwarden` for an account of Bitwarden's apps. */
  readonly authMethod: AuthMethod | 'bitwarden'
  readonly authVerifier: string
  readonly credentialId: string | null
}

/** Everything of an account that depends on its password. */
export interface PasswordData extends Verifier {
  readonly kdf: Kdf
  /** The account key, sealed under a key of the password. */
  readonly accountKey: Uint8Array
}

export const passwordColumns = ({
  authMethod,
  authVerifier,
  credentialId,
  kdf,
  accountKey,
}: PasswordData) => ({
  authMethod,
  authVerifier,
  credentialId,
  ...kdfColumns(kdf),
  accountKey,
})

export const methodOf = ({ authMethod }: Pick<AccountRow, 'authMethod'>): AuthMethod =>
  AuthMethod.parse(authMethod)

export const accountIdTaken = () => new Failure('id-taken', 'There is an account with this id already.')

export const emailTaken = () =>
  new Failure('email-taken', 'There is an account with this e-mail address already.')

/** Why an account could not be made. */
async function whatIsTaken(
  tx: Tx,
  { accountId, email, vault }: Pick<NewAccount, 'accountId' | 'email' | 'vault'>,
): Promise<Failure> {
  const account = await findAccountById(tx, accountId)
  if (account && account.email !== email) return accountIdTaken()
  const vaultOwner = await findVaultOwner(tx, vault.id)
  if (vaultOwner !== undefined && vaultOwner !== accountId) return vaultIdTaken()
  return emailTaken()
}

/** What an account is made of. */
export interface NewAccount extends PasswordData {
  readonly accountId: string
  /** In its normalized form. */
  readonly email: string
  readonly emailVerified: boolean
  readonly hint: string | null
  readonly vault: NewVault
}

/**
 * Makes the account and its first vault. Throws `email-taken`, and `id-taken` for the account's or the vault's id.
 * @param stamp.epoch of the vault; random
 */
export async function createAccount(
  tx: Tx,
  account: NewAccount,
  stamp: { now: number; epoch: string },
): Promise<void> {
  const { accountId, email, emailVerified, hint, vault } = account
  const { accounts } = tx.tables
  const [created] = await tx.db
    .insert(accounts)
    .values({
      id: accountId,
      email,
      emailVerified,
      ...passwordColumns(account),
      hint,
      createdAt: stamp.now,
    })
    .onConflictDoNothing()
    .returning({ id: accounts.id })
  if (!created) throw await whatIsTaken(tx, { accountId, email, vault })
  if (!(await insertVault(tx, accountId, vault, stamp))) throw vaultIdTaken()
}

// The address or the next one there is: a row is found and read for almost every address, whether it has an account or not. What
// is read only where there is an account can be seen by a clock.
const accountAtOrAfterStatement = statement(({ db, tables: { accounts } }: Reader) =>
  db
    .select()
    .from(accounts)
    .where(gte(accounts.email, sql.placeholder('email')))
    .orderBy(asc(accounts.email))
    .limit(1)
    .prepare('account_at_or_after'),
)

/** @param email in its normalized form, as the contract parses it */
export async function findAccountByEmail(reader: Reader, email: string): Promise<AccountRow | undefined> {
  const [row] = await accountAtOrAfterStatement(reader).execute({ email })
  return row?.email === email ? row : undefined
}

const accountsUnderCredentialIdStatement = statement(({ db, tables: { accounts } }: Reader) =>
  db
    .select({ id: accounts.id })
    .from(accounts)
    .where(eq(accounts.credentialId, sql.placeholder('credentialId')))
    .limit(1)
    .prepare('accounts_under_credential_id'),
)

/** Whether an account has this OPAQUE credential identifier stored. */
export async function isCredentialIdTaken(reader: Reader, credentialId: string): Promise<boolean> {
  const found = await accountsUnderCredentialIdStatement(reader).execute({ credentialId })
  return found.length > 0
}

export async function findAccountById(
  { db, tables: { accounts } }: Reader,
  id: string,
): Promise<AccountRow | undefined> {
  const [row] = await db.select().from(accounts).where(eq(accounts.id, id))
  return row
}

/** Whether an account has its address for good: it was confirmed, or the account was used before that was asked for. */
export const hasItsAddress = ({
  emailVerified,
  lastLoginAt,
}: Pick<AccountRow, 'emailVerified' | 'lastLoginAt'>): boolean => emailVerified || lastLoginAt !== null

export async function getAccount(reader: Reader, { accountId }: Caller): Promise<AccountRow> {
  const row = await findAccountById(reader, accountId)
  if (!row) throw notFound()
  return row
}

/** Deletes the account and, by foreign keys, everything of it. @returns whether there was one */
export async function removeAccount(tx: Tx, id: string): Promise<boolean> {
  const { accounts } = tx.tables
  await forgetObjectsOfAccount(tx, id)
  const removed = await tx.db.delete(accounts).where(eq(accounts.id, id)).returning({ id: accounts.id })
  await announce(tx, { kind: 'access-changed', accountId: id })
  return removed.length === 1
}
