// Sessions of Bitwarden's apps. Their refresh tokens stay the same: some apps keep the first one for good, and others use one token in
// several processes at once. So a token is bound to its client, slides with its use, and ends with its session.
import type { KeyObject } from 'node:crypto'
import { and, eq, gt, isNull, lt } from 'drizzle-orm'
import { type Clock, minutes } from '../../clock.ts'
import type { Reader, Store, Tx } from '../../store/store.ts'
import { hashSecret } from '../secret-hash.ts'
import type { AccountRow } from './accounts.ts'
import type { BitwardenRow } from './bitwarden-accounts.ts'
import { signBitwardenToken } from './bitwarden-tokens.ts'
import { endOfSession, type SessionLifetime } from './session-lifetime.ts'

/** What the server keeps of a refresh token: another hash than of a native one, so that neither is good at the other API. */
export const hashBitwardenRefreshToken = (token: Uint8Array): Uint8Array =>
  hashSecret(Buffer.concat([Buffer.from('bitwarden\0'), token]))

/** What signing access tokens takes. */
export interface BitwardenSigning {
  readonly config: { readonly publicUrl: string }
  readonly keys: { readonly bitwardenTokens: KeyObject }
}

/** The session that a token is for, as it stands in it. */
export interface SignedSession {
  readonly account: Pick<AccountRow, 'id' | 'email'>
  readonly own: Pick<BitwardenRow, 'name' | 'securityStamp'>
  readonly sessionId: string
  readonly deviceIdentifier: string
  readonly deviceType: number
  readonly clientId: string
}

/** The access token of a session. @param now milliseconds since 1970 */
export const accessTokenOf = (
  { account, own, sessionId, deviceIdentifier, deviceType, clientId }: SignedSession,
  now: number,
  { config, keys }: BitwardenSigning,
): string =>
  signBitwardenToken(
    { key: keys.bitwardenTokens, publicUrl: config.publicUrl },
    { accountId: account.id, sessionId, deviceIdentifier },
    { email: account.email, name: own.name, clientId, deviceType, securityStamp: own.securityStamp },
    now,
  )

/** "Unknown browser": of a session whose device is not listed any more. */
const unknownDevice = 14

/** The living session of a refresh token. */
async function findByRefreshToken(
  { db, tables: { accounts, bitwardenAccounts, devices, refreshTokens, sessions } }: Reader,
  hash: Uint8Array,
  now: number,
) {
  const [found] = await db
    .select({ account: accounts, own: bitwardenAccounts, session: sessions, deviceType: devices.type })
    .from(refreshTokens)
    .innerJoin(sessions, eq(sessions.id, refreshTokens.sessionId))
    .innerJoin(accounts, eq(accounts.id, sessions.accountId))
    .innerJoin(bitwardenAccounts, eq(bitwardenAccounts.accountId, accounts.id))
    .leftJoin(
      devices,
      and(eq(devices.accountId, sessions.accountId), eq(devices.identifier, sessions.deviceId)),
    )
    .where(and(eq(refreshTokens.hash, hash), gt(sessions.expiresAt, now), isNull(accounts.disabledAt)))
  return found
}

/** Within this time a further use of a session is not written down: some apps refresh before every sync. */
const noticedEveryMs = minutes(1)

async function prolong(
  { db, tables: { devices, sessions } }: Tx,
  session: { id: string; accountId: string; deviceId: string },
  { now, expiresAt }: { now: number; expiresAt: number },
): Promise<void> {
  await db
    .update(sessions)
    .set({ lastUsedAt: now, expiresAt })
    .where(and(eq(sessions.id, session.id), lt(sessions.lastUsedAt, now)))
  await db
    .update(devices)
    .set({ lastUsedAt: now })
    .where(
      and(
        eq(devices.accountId, session.accountId),
        eq(devices.identifier, session.deviceId),
        lt(devices.lastUsedAt, now),
      ),
    )
}

/**
 * Makes the next access token of a session, and prolongs the session.
 * @param request.refreshToken as it was handed out
 * @param request.clientId the client that asks, if it says so; a token of another client is refused
 * @returns undefined if the token is unknown or its session has ended
 */
export async function refreshBitwardenSession(
  { refreshToken, clientId }: { refreshToken: Uint8Array; clientId: string | undefined },
  needs: BitwardenSigning & {
    readonly clock: Clock
    readonly config: SessionLifetime
    readonly store: Store
  },
): Promise<string | undefined> {
  const { clock, config, store } = needs
  const now = clock.now()
  const found = await store.read((reader) =>
    findByRefreshToken(reader, hashBitwardenRefreshToken(refreshToken), now),
  )
  if (!found || (clientId !== undefined && clientId !== found.session.clientId)) return undefined
  const { account, own, session, deviceType } = found
  if (now - session.lastUsedAt >= noticedEveryMs) {
    const expiresAt = endOfSession(config, { createdAt: session.createdAt, now })
    await store.write((tx) => prolong(tx, session, { now, expiresAt }))
  }
  return accessTokenOf(
    {
      account,
      own,
      sessionId: session.id,
      deviceIdentifier: session.deviceId,
      deviceType: deviceType ?? unknownDevice,
      clientId: session.clientId ?? '',
    },
    now,
    needs,
  )
}
