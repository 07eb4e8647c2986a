// Sessions: what login, refresh, listing and ending do to the rows.
import { and, count, desc, eq, gt, inArray, isNull, ne, sql } from 'drizzle-orm'
import { Device } from '../../contract/accounts.ts'
import { rowsStatement, statement } from '../../store/statement.ts'
import type { Reader, Tx } from '../../store/store.ts'
import { noteEvent, noteSessionsEnded } from '../audit/audit-log.ts'
import type { Caller, SessionCaller } from '../caller.ts'
import { announce } from '../live/announcements.ts'

/** Where the operator has lowered what is allowed, the rest ends with later logins. */
const maxEndedAtOnce = 100

/**
 * Sessions of one of Bitwarden's apps on one device. Apps do not tell of a logout, and scripts log in again and again: what they leave
 * behind must not push out the sessions of other devices.
 */
const maxOfAnApp = 5

/** The client of a session by an API key, as its token and its row name it. */
export const apiKeyClient = (accountId: string): string => `user.${accountId}`

const insertStatement = rowsStatement<[id: string], Tx>('insert_session', ({ db, tables: { sessions } }) =>
  db
    .insert(sessions)
    .values({
      id: sql.placeholder('id'),
      accountId: sql.placeholder('accountId'),
      deviceId: sql.placeholder('deviceId'),
      deviceName: sql.placeholder('deviceName'),
      deviceType: sql.placeholder('deviceType'),
      clientId: sql.placeholder('clientId'),
      createdAt: sql.placeholder('now'),
      lastUsedAt: sql.placeholder('now'),
      expiresAt: sql.placeholder('expiresAt'),
    })
    .returning({ id: sessions.id }),
)

const insertRefreshTokenStatement = rowsStatement<[sessionId: string], Tx>(
  'insert_refresh_token',
  ({ db, tables: { refreshTokens } }) =>
    db
      .insert(refreshTokens)
      .values({
        hash: sql.placeholder('hash'),
        familyHash: sql.placeholder('familyHash'),
        sessionId: sql.placeholder('sessionId'),
      })
      .returning({ sessionId: refreshTokens.sessionId }),
)

export async function createSession(
  tx: Tx,
  { accountId, sessionId, address }: SessionCaller,
  session: {
    device: Device
    /** Which of Bitwarden's clients it is of; null for a session of a native account. */
    clientId: string | null
    /** Null for a session that ends with its access token. */
    refreshToken: { hash: Uint8Array; familyHash: Uint8Array | null } | null
    now: number
    expiresAt: number
    /** How many sessions the account may have. */
    allowed: number
  },
): Promise<void> {
  const { device, clientId, now, expiresAt, refreshToken, allowed } = session
  // Sent together, in this order.
  await Promise.all([
    insertStatement(tx)({
      id: sessionId,
      accountId,
      deviceId: device.id,
      deviceName: device.name,
      deviceType: device.type,
      clientId,
      now,
      expiresAt,
    }),
    refreshToken && insertRefreshTokenStatement(tx)({ ...refreshToken, sessionId }),
    noteEvent(tx, accountId, { type: 'login', at: now, device, address }),
    endUnused(tx, { accountId, sessionId }, { allowed, now }),
  ])
  if (clientId !== null)
    await endUnused(tx, { accountId, sessionId }, { allowed: maxOfAnApp, now, deviceId: device.id })
}

/** The sessions beyond those that an account may keep, but for one; the one that was used last comes first. */
const beyondOf = ({ db, tables: { sessions } }: Tx, { onDevice }: { onDevice: boolean }) =>
  db
    .select({ id: sessions.id })
    .from(sessions)
    .where(
      and(
        eq(sessions.accountId, sql.placeholder('accountId')),
        ne(sessions.id, sql.placeholder('sessionId')),
        onDevice ? eq(sessions.deviceId, sql.placeholder('deviceId')) : undefined,
      ),
    )
    .orderBy(
      sql`case when ${sessions.clientId} = ${sql.placeholder('apiKeyClient')} then 1 else 0 end`,
      desc(sessions.lastUsedAt),
      sessions.id,
    )
    .limit(maxEndedAtOnce)
    .offset(sql.placeholder('kept'))

const beyondStatement = rowsStatement<[id: string], Tx>('sessions_beyond', (tx) =>
  beyondOf(tx, { onDevice: false }),
)
const beyondOnDeviceStatement = rowsStatement<[id: string], Tx>('sessions_beyond_on_device', (tx) =>
  beyondOf(tx, { onDevice: true }),
)

/**
 * Ends the sessions that were unused for longest, beyond what the account may have. A refused login would keep the owner out
 * for what old devices left behind. Sessions by an API key go first: scripts make them by the hundred.
 * @param deviceId if it is about those of one device alone
 */
async function endUnused(
  tx: Tx,
  { accountId, sessionId }: Caller,
  { allowed, now, deviceId }: { allowed: number; now: number; deviceId?: string },
): Promise<void> {
  const { sessions } = tx.tables
  const asked = { accountId, sessionId, apiKeyClient: apiKeyClient(accountId), kept: allowed - 1 }
  const beyond = await (deviceId === undefined
    ? beyondStatement(tx)(asked)
    : beyondOnDeviceStatement(tx)({ ...asked, deviceId }))
  if (beyond.length === 0) return
  const ids = beyond.map(([id]) => id)
  const ended = await tx.db.delete(sessions).where(inArray(sessions.id, ids)).returning()
  const living = ended.filter((session) => session.expiresAt > now)
  await tellOfEnded(tx, living, { at: now, address: null, reason: 'quota' })
}

/**
 * Goes on with the session that a device has by the account's API key.
 * @returns its id; undefined if it has none
 */
export async function useApiKeySession(
  { db, tables: { sessions } }: Tx,
  accountId: string,
  device: Device,
  { now, expiresAt }: { now: number; expiresAt: number },
): Promise<string | undefined> {
  const [used] = await db
    .update(sessions)
    .set({ lastUsedAt: now, expiresAt, deviceName: device.name, deviceType: device.type })
    .where(
      and(
        eq(sessions.accountId, accountId),
        eq(sessions.deviceId, device.id),
        eq(sessions.clientId, apiKeyClient(accountId)),
        gt(sessions.expiresAt, now),
      ),
    )
    .returning({ id: sessions.id })
  return used?.id
}

/** Whether an account that is in use already logs in on a device that has no session of it. */
export async function isFirstLoginOf(
  { db, tables: { sessions } }: Reader,
  { id, lastLoginAt }: { id: string; lastLoginAt: number | null },
  device: Device,
): Promise<boolean> {
  if (lastLoginAt === null) return false
  const known = await db
    .select({ id: sessions.id })
    .from(sessions)
    .where(and(eq(sessions.accountId, id), eq(sessions.deviceId, device.id)))
    .limit(1)
  return known.length === 0
}

/** Whether an account has logged in on a device: it has a session there, or an app there that is listed. */
export async function isKnownDevice(
  { db, tables: { devices, sessions } }: Reader,
  { accountId }: { readonly accountId: string },
  { id }: Device,
): Promise<boolean> {
  const sessionsThere = await db
    .select({ id: sessions.id })
    .from(sessions)
    .where(and(eq(sessions.accountId, accountId), eq(sessions.deviceId, id)))
    .limit(1)
  if (sessionsThere.length > 0) return true
  const listed = await db
    .select({ id: devices.id })
    .from(devices)
    .where(and(eq(devices.accountId, accountId), eq(devices.identifier, id)))
  return listed.length > 0
}

// That the account is not disabled is looked at too, should a session ever come to be that disabling did not end.
const livingSessionStatement = statement(({ db, tables: { accounts, sessions } }: Reader) =>
  db
    .select({ id: sessions.id })
    .from(sessions)
    .innerJoin(accounts, eq(accounts.id, sessions.accountId))
    .where(
      and(
        eq(sessions.id, sql.placeholder('sessionId')),
        eq(sessions.accountId, sql.placeholder('accountId')),
        gt(sessions.expiresAt, sql.placeholder('now')),
        isNull(accounts.disabledAt),
      ),
    )
    .prepare('living_session'),
)

export async function isLiving(
  reader: Reader,
  { accountId, sessionId }: Caller,
  now: number,
): Promise<boolean> {
  const rows = await livingSessionStatement(reader).execute({ sessionId, accountId, now })
  return rows.length === 1
}

/** How many living sessions an account has. */
export async function countSessions(
  { db, tables: { sessions } }: Reader,
  accountId: string,
  now: number,
): Promise<number> {
  const [row] = await db
    .select({ count: count() })
    .from(sessions)
    .where(and(eq(sessions.accountId, accountId), gt(sessions.expiresAt, now)))
  return row?.count ?? 0
}

/** A session as its owner sees it. Times are milliseconds since 1970. */
export interface ListedSession {
  readonly id: string
  readonly device: Device
  readonly createdAt: number
  readonly lastUsedAt: number
  readonly expiresAt: number
}

/** The living sessions of the caller's account, last used first. */
export async function listSessions(
  { db, tables: { sessions } }: Reader,
  { accountId }: Caller,
  now: number,
): Promise<ListedSession[]> {
  const rows = await db
    .select()
    .from(sessions)
    .where(and(eq(sessions.accountId, accountId), gt(sessions.expiresAt, now)))
    .orderBy(desc(sessions.lastUsedAt), sessions.id)
  return rows.map(({ id, deviceId, deviceName, deviceType, createdAt, lastUsedAt, expiresAt }) => ({
    id,
    device: Device.parse({ id: deviceId, name: deviceName, type: deviceType }),
    createdAt,
    lastUsedAt,
    expiresAt,
  }))
}

type Ended = Parameters<typeof noteSessionsEnded>[1]

/** Notes the ends of sessions for their owners, and has every process refuse them. */
export async function tellOfEnded(
  tx: Tx,
  ended: Ended,
  how: Parameters<typeof noteSessionsEnded>[2],
): Promise<void> {
  await noteSessionsEnded(tx, ended, how)
  for (const accountId of new Set(ended.map((session) => session.accountId)))
    await announce(tx, { kind: 'access-changed', accountId })
}

/** Ends one session of the caller's account. @returns whether there was one */
export async function endSession(
  tx: Tx,
  { accountId, address, sessionId: ownSessionId }: SessionCaller,
  sessionId: string,
  now: number,
): Promise<boolean> {
  const { sessions } = tx.tables
  const ended = await tx.db
    .delete(sessions)
    .where(and(eq(sessions.id, sessionId), eq(sessions.accountId, accountId)))
    .returning()
  const reason = sessionId === ownSessionId ? 'logout' : 'owner'
  await tellOfEnded(tx, ended, { at: now, address, reason })
  return ended.length === 1
}

/** Ends every session of the caller's account but the caller's. */
export async function endOtherSessions(
  tx: Tx,
  { accountId, sessionId, address }: SessionCaller,
  now: number,
  reason: 'owner' | 'password-change',
): Promise<void> {
  const { sessions } = tx.tables
  const ended = await tx.db
    .delete(sessions)
    .where(and(eq(sessions.accountId, accountId), ne(sessions.id, sessionId)))
    .returning()
  await tellOfEnded(tx, ended, { at: now, address, reason })
}

/** Ends every session of the caller's account, the caller's too. */
export async function endOwnSessions(
  tx: Tx,
  { accountId, address }: SessionCaller,
  now: number,
): Promise<void> {
  const { sessions } = tx.tables
  const ended = await tx.db.delete(sessions).where(eq(sessions.accountId, accountId)).returning()
  await tellOfEnded(tx, ended, { at: now, address, reason: 'owner' })
}

/** Ends every session of an account, for the operator. @returns how many were living */
export async function endAllSessions(tx: Tx, accountId: string, now: number): Promise<number> {
  const { sessions } = tx.tables
  const ended = await tx.db.delete(sessions).where(eq(sessions.accountId, accountId)).returning()
  const living = ended.filter(({ expiresAt }) => expiresAt > now)
  await tellOfEnded(tx, living, { at: now, address: null, reason: 'operator' })
  return living.length
}
