// When the sessions and tokens end that streams were opened with: of many at once, by their ids.
import { and, eq, gt, inArray, isNull, or } from 'drizzle-orm'
import type { Reader } from '../../store/store.ts'
import type { Access } from '../caller.ts'

const idsOf = (accesses: readonly Access[], kind: Access['kind']) =>
  accesses.flatMap((access) => (access.kind === kind ? [access.id] : []))

async function sessionEnds({ db, tables: { accounts, sessions } }: Reader, ids: string[], now: number) {
  if (ids.length === 0) return []
  return db
    .select({ id: sessions.id, endsAt: sessions.expiresAt })
    .from(sessions)
    .innerJoin(accounts, eq(accounts.id, sessions.accountId))
    .where(and(inArray(sessions.id, ids), gt(sessions.expiresAt, now), isNull(accounts.disabledAt)))
}

async function tokenEnds({ db, tables: { accounts, personalTokens } }: Reader, ids: string[], now: number) {
  if (ids.length === 0) return []
  return db
    .select({ id: personalTokens.id, endsAt: personalTokens.expiresAt })
    .from(personalTokens)
    .innerJoin(accounts, eq(accounts.id, personalTokens.accountId))
    .where(
      and(
        inArray(personalTokens.id, ids),
        or(isNull(personalTokens.expiresAt), gt(personalTokens.expiresAt, now)),
        isNull(accounts.disabledAt),
      ),
    )
}

/**
 * The ends of those that live, by their ids: milliseconds since 1970, infinity for never. A session's end moves with its use.
 * @param accesses some hundreds at the most
 */
export async function accessEnds(
  reader: Reader,
  accesses: readonly Access[],
  now: number,
): Promise<Map<string, number>> {
  const sessions = await sessionEnds(reader, idsOf(accesses, 'session'), now)
  const tokens = await tokenEnds(reader, idsOf(accesses, 'token'), now)
  return new Map([...sessions, ...tokens].map(({ id, endsAt }) => [id, endsAt ?? Number.POSITIVE_INFINITY]))
}
