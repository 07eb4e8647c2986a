// Accounts: what registration, prelogin, password change and deletion do to the rows.
import { and, asc, eq, gte, type InferSelectModel, isNull, sql } from 'drizzle-orm'
import { type Account, AuthMethod, type KdfParameters, type Register } from '../../contract/accounts.ts'
import type { Tables } from '../../store/schema.ts'
import { statement } from '../../store/statement.ts'
import type { Reader, Tx } from '../../store/store.ts'
import type { Caller } from '../caller.ts'
import { fromBase64url, toBase64url, toTimestamp, toTimestampOrNull } from '../encoding.ts'
import { Failure, notFound } from '../failure.ts'
import { announce } from '../live/announcements.ts'
import { findVaultOwner, insertVault, vaultIdTaken } from '../vaults/vaults.ts'

export type AccountRow = InferSelectModel<Tables['accounts']>

/** What a password is checked against; see the columns of these names. */
export interface Verifier {
  readonly authMethod: AuthMethod
  readonly authVerifier: string
  readonly credentialId: string | null
}

/** What replaces everything that depends on the password. */
export interface Credentials extends Verifier {
  readonly kdf: KdfParameters
  readonly accountKey: string
}

export const credentialColumns = ({
  authMethod,
  authVerifier,
  credentialId,
  kdf,
  accountKey,
}: Credentials) => ({
  authMethod,
  authVerifier,
  credentialId,
  kdfMemoryKiB: kdf.memoryKiB,
  kdfIterations: kdf.iterations,
  kdfParallelism: kdf.parallelism,
  kdfSalt: fromBase64url(kdf.salt),
  accountKey: fromBase64url(accountKey),
})

/** What a client has to know before it can log in. */
export type PreloginRow = Pick<
  AccountRow,
  'authMethod' | 'kdfMemoryKiB' | 'kdfIterations' | 'kdfParallelism' | 'kdfSalt'
>

export const kdfOf = (row: PreloginRow): KdfParameters => ({
  algorithm: 'argon2id',
  memoryKiB: row.kdfMemoryKiB,
  iterations: row.kdfIterations,
  parallelism: row.kdfParallelism,
  salt: toBase64url(row.kdfSalt),
})

export const methodOf = (row: PreloginRow): AuthMethod => AuthMethod.parse(row.authMethod)

/** @param deletesAt when the account goes, in milliseconds since 1970 */
export const toAccount = (row: AccountRow, deletesAt: number | undefined): Omit<Account, 'quotas'> => ({
  id: row.id,
  email: row.email,
  emailVerified: row.emailVerified,
  createdAt: toTimestamp(row.createdAt),
  method: methodOf(row),
  kdf: kdfOf(row),
  accountKey: toBase64url(row.accountKey),
  deletesAt: toTimestampOrNull(deletesAt ?? null),
})

export const accountIdTaken = () => new Failure('id-taken', 'There is an account with this id already.')

export const emailTaken = () =>
  new Failure('email-taken', 'There is an account with this e-mail address already.')

/** Why an account could not be made. */
async function whatIsTaken(
  tx: Tx,
  { accountId, email, vault }: Pick<Register, 'accountId' | 'email' | 'vault'>,
): Promise<Failure> {
  const account = await findAccountById(tx, accountId)
  if (account && account.email !== email) return accountIdTaken()
  const vaultOwner = await findVaultOwner(tx, vault.id)
  if (vaultOwner !== undefined && vaultOwner !== accountId) return vaultIdTaken()
  return emailTaken()
}

/** What an account is made of, beside what its password is checked against. */
type NewAccount = Pick<Register, 'accountId' | 'email' | 'kdf' | 'accountKey' | 'hint' | 'vault'> & {
  readonly emailVerified: boolean
}

/**
 * Makes the account and its first vault. Throws `email-taken`, and `id-taken` for the account's or the vault's id.
 * @param stamp.epoch of the vault; random
 */
export async function createAccount(
  tx: Tx,
  { accountId, email, emailVerified, kdf, accountKey, hint, vault }: NewAccount,
  verifier: Verifier,
  stamp: { now: number; epoch: string },
): Promise<void> {
  const { db } = tx
  const { accounts } = tx.tables
  const [created] = await db
    .insert(accounts)
    .values({
      id: accountId,
      email,
      emailVerified,
      ...credentialColumns({ ...verifier, kdf, accountKey }),
      hint: hint ?? null,
      createdAt: stamp.now,
    })
    .onConflictDoNothing()
    .returning({ id: accounts.id })
  const firstVault = { id: vault.id, key: fromBase64url(vault.key), data: fromBase64url(vault.data) }
  if (!created) throw await whatIsTaken(tx, { accountId, email, vault })
  if (!(await insertVault(tx, accountId, firstVault, stamp))) throw vaultIdTaken()
}

// The address or the next one there is: a row is found and read for almost every address, whether it has an account or not. What
// is read only where there is an account can be seen by a clock.
const accountAtOrAfter = statement(({ db, tables: { accounts } }: Reader) =>
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
  const [row] = await accountAtOrAfter(reader).execute({ email })
  return row?.email === email ? row : undefined
}

const accountsUnderCredentialId = statement(({ db, tables: { accounts } }: Reader) =>
  db
    .select({ id: accounts.id })
    .from(accounts)
    .where(eq(accounts.credentialId, sql.placeholder('credentialId')))
    .limit(1)
    .prepare('accounts_under_credential_id'),
)

/** Whether an account has this OPAQUE credential identifier stored. */
export async function isCredentialIdTaken(reader: Reader, credentialId: string): Promise<boolean> {
  const found = await accountsUnderCredentialId(reader).execute({ credentialId })
  return found.length > 0
}

export async function findAccountById(
  { db, tables: { accounts } }: Reader,
  id: string,
): Promise<AccountRow | undefined> {
  const [row] = await db.select().from(accounts).where(eq(accounts.id, id))
  return row
}

/**
 * Lets one transaction after the other decide who has an address, in all processes, until its end. Two that give the same address
 * at once would otherwise both find it free, and the second would fail on the row of the first.
 */
export async function decideOnAddresses({ db, tables: { instance } }: Tx): Promise<void> {
  await db.update(instance).set({ id: 1 }).where(eq(instance.id, 1))
}

/** Whether an account has its address for good: it was confirmed, or the account was used before that was asked for. */
export const hasItsAddress = ({
  emailVerified,
  lastLoginAt,
}: Pick<AccountRow, 'emailVerified' | 'lastLoginAt'>): boolean => emailVerified || lastLoginAt !== null

/**
 * Frees an address that somebody has just confirmed. An account that was made for it, neither confirmed nor ever used, has no
 * better right to it, and goes: before addresses had to be confirmed, anybody could make one.
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

export async function getAccount(reader: Reader, { accountId }: Caller): Promise<AccountRow> {
  const row = await findAccountById(reader, accountId)
  if (!row) throw notFound()
  return row
}

/** A disabled account is refused here, like a wrong password: by the statement that holds its row. */
const isStill = ({ accounts }: Tables, { id, authVerifier }: Pick<AccountRow, 'id' | 'authVerifier'>) =>
  and(eq(accounts.id, id), eq(accounts.authVerifier, authVerifier), isNull(accounts.disabledAt))

/**
 * Changes an account whose password was verified outside of the transaction, and holds its row until the end of it.
 * @returns whether its credentials are still those that were verified; if not, what they were proved for must fail
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

/** Notes a login. A password change that ends all sessions cannot overtake the session which is made next: the row is held. */
export const noteLogin = (tx: Tx, verified: AccountRow, now: number): Promise<boolean> =>
  updateProved(tx, verified, { lastLoginAt: now })

/** Replaces the hint. @param hint null to remove it */
export const setHint = (tx: Tx, verified: AccountRow, hint: string | null): Promise<boolean> =>
  updateProved(tx, verified, { hint })

export const replaceCredentials = (
  tx: Tx,
  verified: AccountRow,
  credentials: Credentials,
): Promise<boolean> => updateProved(tx, verified, credentialColumns(credentials))

/** Changes nothing; for what is done with other rows of the account. */
export const holdProved = (tx: Tx, verified: AccountRow): Promise<boolean> =>
  updateProved(tx, verified, { id: verified.id })

/** Deletes the account and, by foreign keys, everything of it, if its credentials are still those that were verified. */
export async function deleteAccount(tx: Tx, verified: AccountRow): Promise<boolean> {
  const { accounts } = tx.tables
  const deleted = await tx.db
    .delete(accounts)
    .where(isStill(tx.tables, verified))
    .returning({ id: accounts.id })
  await announce(tx, { kind: 'access-changed', accountId: verified.id })
  return deleted.length === 1
}

/** Deletes the account and, by foreign keys, everything of it. @returns whether there was one */
export async function removeAccount(tx: Tx, id: string): Promise<boolean> {
  const { accounts } = tx.tables
  const removed = await tx.db.delete(accounts).where(eq(accounts.id, id)).returning({ id: accounts.id })
  await announce(tx, { kind: 'access-changed', accountId: id })
  return removed.length === 1
}
