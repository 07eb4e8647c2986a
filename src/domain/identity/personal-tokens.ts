// Personal access tokens: their rows.
import {
  and,
  count,
  desc,
  eq,
  getTableColumns,
  gt,
  type InferSelectModel,
  isNull,
  lte,
  or,
  sql,
} from 'drizzle-orm'
import { z } from 'zod'
import { minutes } from '../../clock.ts'
import { TokenScope } from '../../contract/tokens.ts'
import type { Tables } from '../../store/schema.ts'
import { statement } from '../../store/statement.ts'
import { type Reader, type Tx, Unchanged } from '../../store/store.ts'
import type { Caller, TokenHolder } from '../caller.ts'
import { Failure, notFound } from '../failure.ts'
import { announce } from '../live/announcements.ts'

type TokenRow = InferSelectModel<Tables['personalTokens']>

/** How exactly it is known when a token was last used: a write for every request would be most of its cost. */
export const usedToMs = minutes(1)

const scopesOf = ({ scopes }: Pick<TokenRow, 'scopes'>) => z.array(TokenScope).parse(scopes.split(' '))

/** Times are milliseconds since 1970; null for never. */
export interface PersonalToken {
  readonly id: string
  readonly name: string
  readonly scopes: TokenScope[]
  /** The one vault that it sees; null for all. */
  readonly vaultId: string | null
  /** The key of that vault, sealed under one that the bearer has. */
  readonly vaultKey: Uint8Array | null
  readonly createdAt: number
  readonly expiresAt: number | null
  readonly lastUsedAt: number | null
}

export type NewToken = Pick<PersonalToken, 'name' | 'scopes' | 'vaultId' | 'vaultKey' | 'expiresAt'>

const toToken = ({ hash: _hash, accountId: _accountId, ...row }: TokenRow): PersonalToken => ({
  ...row,
  scopes: scopesOf(row),
})

/** A token that lives at a time: it has not expired. */
const livesAt = ({ personalTokens }: Tables, now: number) =>
  or(isNull(personalTokens.expiresAt), gt(personalTokens.expiresAt, now))

/** Throws `not-found` unless the vault is the account's; from here to the commit it is, since its row is held. */
async function holdVault({ db, tables: { vaults } }: Tx, { accountId }: Caller, vaultId: string) {
  const [held] = await db
    .update(vaults)
    .set({ epoch: sql`${vaults.epoch}` })
    .where(and(eq(vaults.id, vaultId), eq(vaults.accountId, accountId)))
    .returning({ id: vaults.id })
  if (!held) throw notFound()
}

/** Puts a token into the table. Throws `not-found` if its vault is not the caller's. */
export async function insertToken(
  tx: Tx,
  caller: Caller,
  { name, scopes, vaultId, vaultKey, expiresAt }: NewToken,
  stamp: { id: string; hash: Uint8Array; now: number },
): Promise<PersonalToken> {
  const { personalTokens } = tx.tables
  if (vaultId !== null) await holdVault(tx, caller, vaultId)
  const row: TokenRow = {
    id: stamp.id,
    hash: stamp.hash,
    accountId: caller.accountId,
    name,
    scopes: scopes.join(' '),
    vaultId,
    vaultKey,
    createdAt: stamp.now,
    expiresAt,
    lastUsedAt: null,
  }
  await tx.db.insert(personalTokens).values(row)
  return toToken(row)
}

const tokenByHashStatement = statement(({ db, tables: { accounts, personalTokens } }: Reader) =>
  db
    .select({ ...getTableColumns(personalTokens), disabledAt: accounts.disabledAt })
    .from(personalTokens)
    .innerJoin(accounts, eq(accounts.id, personalTokens.accountId))
    .where(eq(personalTokens.hash, sql.placeholder('hash')))
    .prepare('token_by_hash'),
)

/** A token as it was found. Times are milliseconds since 1970; infinity stands for never. */
export interface FoundToken {
  readonly holder: TokenHolder
  readonly expiresAt: number
  readonly lastUsedAt: number
  /** What the operator has closed is closed to its tokens too. */
  readonly isAccountDisabled: boolean
}

/** Finds a token by its hash, whether it may be used now or not. */
export async function findToken(reader: Reader, hash: Uint8Array): Promise<FoundToken | undefined> {
  const [row] = await tokenByHashStatement(reader).execute({ hash })
  if (!row) return undefined
  const { id, accountId, vaultId, expiresAt, lastUsedAt, disabledAt } = row
  return {
    holder: { tokenId: id, accountId, vaultId, scopes: scopesOf(row) },
    expiresAt: expiresAt ?? Number.POSITIVE_INFINITY,
    lastUsedAt: lastUsedAt ?? Number.NEGATIVE_INFINITY,
    isAccountDisabled: disabledAt !== null,
  }
}

/** Notes that a token was used, unless that was noted within the last minute. */
export async function noteUse(
  { db, tables: { personalTokens } }: Tx,
  { accountId, tokenId }: TokenHolder,
  now: number,
): Promise<undefined | Unchanged<undefined>> {
  const noted = await db
    .update(personalTokens)
    .set({ lastUsedAt: now })
    .where(
      and(
        eq(personalTokens.id, tokenId),
        eq(personalTokens.accountId, accountId),
        or(isNull(personalTokens.lastUsedAt), lte(personalTokens.lastUsedAt, now - usedToMs)),
      ),
    )
    .returning({ id: personalTokens.id })
  return noted.length === 1 ? undefined : new Unchanged(undefined)
}

/** That there is no such token any more, or never was: it is not said which. */
export const deadToken = () =>
  new Failure('not-authenticated', 'The personal access token is not valid, has expired or was revoked.')

/**
 * What a bearer learns of its own token. Throws `not-authenticated` where it was revoked a moment ago.
 * @returns beside the token the version of the vault's key that it holds: the present one, because tokens end when that changes
 */
export async function getToken(
  { db, tables: { personalTokens, vaults } }: Reader,
  { accountId, tokenId }: TokenHolder,
): Promise<{ token: PersonalToken; keyVersion: number }> {
  const [row] = await db
    .select({ token: getTableColumns(personalTokens), keyVersion: vaults.keyVersion })
    .from(personalTokens)
    .leftJoin(vaults, eq(vaults.id, personalTokens.vaultId))
    .where(and(eq(personalTokens.id, tokenId), eq(personalTokens.accountId, accountId)))
  if (!row) throw deadToken()
  return { token: toToken(row.token), keyVersion: row.keyVersion ?? 1 }
}

/** The living tokens of an account, newest first. */
export async function listTokens(
  { db, tables }: Reader,
  { accountId }: Caller,
  now: number,
): Promise<PersonalToken[]> {
  const { personalTokens } = tables
  const rows = await db
    .select()
    .from(personalTokens)
    .where(and(eq(personalTokens.accountId, accountId), livesAt(tables, now)))
    .orderBy(desc(personalTokens.createdAt), personalTokens.id)
  return rows.map(toToken)
}

/** How many living tokens an account has. */
export async function countTokens({ db, tables }: Reader, accountId: string, now: number): Promise<number> {
  const { personalTokens } = tables
  const [row] = await db
    .select({ count: count() })
    .from(personalTokens)
    .where(and(eq(personalTokens.accountId, accountId), livesAt(tables, now)))
  return row?.count ?? 0
}

/** Ends the tokens for one vault of the caller's account. @returns those that lived, newest first */
export async function endTokensOfVault(
  tx: Tx,
  caller: Caller,
  vaultId: string,
  now: number,
): Promise<PersonalToken[]> {
  const { personalTokens } = tx.tables
  const living = await listTokens(tx, caller, now)
  await tx.db
    .delete(personalTokens)
    .where(and(eq(personalTokens.accountId, caller.accountId), eq(personalTokens.vaultId, vaultId)))
  await announce(tx, { kind: 'access-changed', accountId: caller.accountId })
  return living.filter((token) => token.vaultId === vaultId)
}

/** Ends every token of the caller's account. */
export async function endTokens(tx: Tx, { accountId }: Caller): Promise<void> {
  const { personalTokens } = tx.tables
  await tx.db.delete(personalTokens).where(eq(personalTokens.accountId, accountId))
  await announce(tx, { kind: 'access-changed', accountId })
}

/** Removes a token of the caller's account. @returns whether there was one */
export async function removeToken(tx: Tx, { accountId }: Caller, tokenId: string): Promise<boolean> {
  const { personalTokens } = tx.tables
  const revoked = await tx.db
    .delete(personalTokens)
    .where(and(eq(personalTokens.id, tokenId), eq(personalTokens.accountId, accountId)))
    .returning({ id: personalTokens.id })
  if (revoked.length === 1) await announce(tx, { kind: 'access-changed', accountId })
  return revoked.length === 1
}

/** Ends every token of every account. @returns how many there were */
export async function endAllTokens(tx: Tx): Promise<number> {
  const { personalTokens } = tx.tables
  const ended = await tx.db.delete(personalTokens).returning({ id: personalTokens.id })
  await announce(tx, { kind: 'access-changed', accountId: null })
  return ended.length
}
