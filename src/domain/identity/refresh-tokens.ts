// Refresh tokens: 32 random bytes at login. The first half stays the same in every later one of the session, its family; the
// second half is each time made from the token before.
import { createHmac, type KeyObject } from 'node:crypto'
import { and, eq, gt, isNull, lt, or, sql } from 'drizzle-orm'
import { type Clock, minutes } from '../../clock.ts'
import { rowsStatement } from '../../store/statement.ts'
import { type Store, type Tx, Unchanged } from '../../store/store.ts'
import type { Caller } from '../caller.ts'
import { hashSecret } from '../secret-hash.ts'
import { endOfSession, type SessionLifetime } from './session-lifetime.ts'
import { issueTokens, type SessionTokens, type SigningNeeds } from './session-tokens.ts'
import { tellOfEnded } from './sessions.ts'

const familyBytes = 16

/** By what the tokens of one session are known, however long ago they were replaced. */
export const familyHashOf = (token: Uint8Array): Uint8Array => hashSecret(token.subarray(0, familyBytes))

/**
 * The token that replaces this one. Deriving it means that the same use can be answered again with the same successor,
 * while only hashes are stored; the key means that who stole a token cannot follow the session by computing.
 */
function successorOf(key: KeyObject, token: Uint8Array): Uint8Array {
  const next = createHmac('sha256', key).update(token).digest()
  return Buffer.concat([token.subarray(0, familyBytes), next.subarray(familyBytes)])
}

/** How long a replaced refresh token still answers with its successor, for clients that lost the answer. */
const repeatableForMs = minutes(1)

const replaceTokenStatement = rowsStatement<[sessionId: string], Tx>(
  'replaced_refresh_token',
  ({ db, tables: { refreshTokens } }) =>
    db
      .update(refreshTokens)
      .set({ replacedAt: sql`${sql.placeholder('now')}`, familyHash: sql`${sql.placeholder('familyHash')}` })
      .where(and(eq(refreshTokens.hash, sql.placeholder('hash')), isNull(refreshTokens.replacedAt)))
      .returning({ sessionId: refreshTokens.sessionId }),
)

const sessionOfTokenStatement = rowsStatement<[createdAt: number, accountId: string]>(
  'session_of_refresh_token',
  ({ db, tables: { refreshTokens, sessions } }) =>
    db
      .select({ createdAt: sessions.createdAt, accountId: sessions.accountId })
      .from(refreshTokens)
      .innerJoin(sessions, eq(sessions.id, refreshTokens.sessionId))
      .where(eq(refreshTokens.hash, sql.placeholder('hash'))),
)

const prolongStatement = rowsStatement<[id: string], Tx>(
  'prolonged_session',
  ({ db, tables: { sessions } }) =>
    db
      .update(sessions)
      .set({ lastUsedAt: sql`${sql.placeholder('now')}`, expiresAt: sql`${sql.placeholder('expiresAt')}` })
      .where(
        and(eq(sessions.id, sql.placeholder('sessionId')), gt(sessions.expiresAt, sql.placeholder('now'))),
      )
      .returning({ id: sessions.id }),
)

const addTokenStatement = rowsStatement<[], Tx>('added_refresh_token', ({ db, tables: { refreshTokens } }) =>
  db.insert(refreshTokens).values({
    hash: sql.placeholder('hash'),
    familyHash: sql.placeholder('familyHash'),
    sessionId: sql.placeholder('sessionId'),
  }),
)

const forgetReplacedStatement = rowsStatement<[], Tx>(
  'forgotten_refresh_tokens',
  ({ db, tables: { refreshTokens } }) =>
    db
      .delete(refreshTokens)
      .where(
        and(
          eq(refreshTokens.sessionId, sql.placeholder('sessionId')),
          eq(refreshTokens.familyHash, sql.placeholder('familyHash')),
          lt(refreshTokens.replacedAt, sql.placeholder('before')),
        ),
      ),
)

/**
 * Uses a refresh token: the first use replaces it by its successor and prolongs the session; a repetition within a minute
 * changes nothing; a later one means that somebody else has a copy, and ends the session. So does any token of the session's
 * family that is not known any more: replaced ones are kept for their minute only.
 * @returns whom the session belongs to; undefined if it has ended or the token is unknown
 */
async function useRefreshToken(
  tx: Tx,
  use: {
    hash: Uint8Array
    familyHash: Uint8Array
    successorHash: Uint8Array
    now: number
    lifetime: SessionLifetime
    address: string
  },
): Promise<Caller | Unchanged<undefined> | undefined> {
  const { db } = tx
  const { refreshTokens, sessions } = tx.tables
  const { hash, familyHash, successorHash, now, lifetime } = use
  const [[replaced], [begun]] = await Promise.all([
    replaceTokenStatement(tx)({ hash, familyHash, now }),
    sessionOfTokenStatement(tx)({ hash }),
  ])
  if (replaced) {
    const [sessionId] = replaced
    const [createdAt, accountId] = begun ?? []
    if (createdAt === undefined || accountId === undefined) return new Unchanged(undefined)
    const expiresAt = endOfSession(lifetime, { createdAt, now })
    const [session] = expiresAt > now ? await prolongStatement(tx)({ sessionId, now, expiresAt }) : []
    // Run out. Nothing is kept of the attempt: where only the clock was wrong, the token is good again once it is right.
    if (!session) return new Unchanged(undefined)
    await tx.withCommit([
      addTokenStatement(tx)({ hash: successorHash, familyHash, sessionId }),
      forgetReplacedStatement(tx)({ familyHash, sessionId, before: now - repeatableForMs }),
    ])
    return { accountId, sessionId }
  }

  const family = await db
    .select({
      hash: refreshTokens.hash,
      replacedAt: refreshTokens.replacedAt,
      sessionId: sessions.id,
      accountId: sessions.accountId,
    })
    .from(refreshTokens)
    .innerJoin(sessions, eq(sessions.id, refreshTokens.sessionId))
    .where(
      and(
        or(eq(refreshTokens.hash, hash), eq(refreshTokens.familyHash, familyHash)),
        gt(sessions.expiresAt, now),
      ),
    )
  const [first] = family
  if (!first) return undefined
  const { accountId, sessionId } = first
  const used = family.find((token) => Buffer.compare(token.hash, hash) === 0)
  if (used && used.replacedAt !== null && now - used.replacedAt <= repeatableForMs)
    return { accountId, sessionId }
  const ended = await db.delete(sessions).where(eq(sessions.id, sessionId)).returning()
  await tellOfEnded(tx, ended, { at: now, address: use.address, reason: 'token-reuse' })
  return undefined
}

/**
 * Replaces the tokens of a session (`useRefreshToken` says what happens to a token that was used before).
 * @param request.refreshToken 32 bytes
 * @param request.address where the request came from, for the owner's security log
 * @returns undefined if the token is not valid, or its session has ended
 */
export async function refreshSession(
  { refreshToken, address }: { refreshToken: Uint8Array; address: string },
  needs: SigningNeeds & {
    readonly clock: Clock
    readonly config: SessionLifetime
    readonly keys: { readonly refreshTokens: KeyObject }
    readonly store: Store
  },
): Promise<SessionTokens | undefined> {
  const { clock, config, keys, store } = needs
  const successor = successorOf(keys.refreshTokens, refreshToken)
  const now = clock.now()
  const use = {
    hash: hashSecret(refreshToken),
    familyHash: familyHashOf(refreshToken),
    successorHash: hashSecret(successor),
    now,
    lifetime: config,
    address,
  }
  const caller = await store.write((tx) => useRefreshToken(tx, use))
  return caller && issueTokens(caller, successor, now, needs)
}
