// The security log of each account: what noting, listing and forgetting its events does to the rows.
import { and, desc, eq, gt, inArray, lt, lte, notInArray, sql } from 'drizzle-orm'
import { days } from '../../clock.ts'
import { type AccountEvent, type AccountEventType, Device } from '../../contract/accounts.ts'
import type { Reader, Tx } from '../../store/store.ts'
import { holdAccount } from '../accounts/repository.ts'
import type { Caller, SessionCaller } from '../caller.ts'
import { toTimestamp } from '../encoding.ts'

const rememberedForMs = days(90)

/** Most of an account that are kept, of failures and of everything else: who fails on purpose pushes out only failures. */
const mostEvents = 200

const failures = ['login-failed', 'second-factor-failed'] as const satisfies AccountEventType[]

export type LoginFailure = (typeof failures)[number]

interface Event {
  readonly type: AccountEventType
  /** Milliseconds since 1970. */
  readonly at: number
  readonly device: Device | null
  readonly address: string | null
}

/** Forgets what is older than the newest `mostEvents` of a kind. */
async function trim({ db, tables: { accountEvents } }: Tx, accountId: string, type: AccountEventType) {
  const isFailure = failures.some((failure) => failure === type)
  const ofKind = and(
    eq(accountEvents.accountId, accountId),
    (isFailure ? inArray : notInArray)(accountEvents.type, failures),
  )
  const oldestKept = db
    .select({ at: accountEvents.at })
    .from(accountEvents)
    .where(ofKind)
    .orderBy(desc(accountEvents.at))
    .limit(1)
    .offset(mostEvents - 1)
  await db.delete(accountEvents).where(and(ofKind, lt(accountEvents.at, sql`${oldestKept}`)))
}

/** Notes an event in the transaction that it is about, so that the log says neither more nor less than what happened. */
export async function noteEvent(tx: Tx, accountId: string, event: Event): Promise<void> {
  const { type, at, device, address } = event
  await tx.db.insert(tx.tables.accountEvents).values({
    accountId,
    type,
    at,
    deviceId: device?.id ?? null,
    deviceName: device?.name ?? null,
    deviceType: device?.type ?? null,
    address,
  })
  await trim(tx, accountId, type)
}

/** A session's row, as far as it names its device. */
interface DeviceColumns {
  readonly accountId: string
  readonly deviceId: string | null
  readonly deviceName: string | null
  readonly deviceType: string | null
}

const deviceOf = ({ deviceId, deviceName, deviceType }: DeviceColumns): Device | null =>
  deviceId === null ? null : Device.parse({ id: deviceId, name: deviceName, type: deviceType })

/** Notes that these sessions, whose rows were deleted, have ended. */
export async function noteSessionsEnded(
  tx: Tx,
  sessions: readonly DeviceColumns[],
  by: Pick<Event, 'at' | 'address'>,
): Promise<void> {
  for (const session of sessions)
    await noteEvent(tx, session.accountId, { type: 'session-ended', device: deviceOf(session), ...by })
}

/** Notes what a session changed, with its device. */
export async function noteSessionsAct(
  tx: Tx,
  { accountId, sessionId, address }: SessionCaller,
  type: AccountEventType,
  at: number,
): Promise<void> {
  const { sessions } = tx.tables
  const [session] = await tx.db.select().from(sessions).where(eq(sessions.id, sessionId))
  const device = session ? deviceOf(session) : null
  await noteEvent(tx, accountId, { type, at, device, address })
}

/** Notes a login that failed, if the account is still there. */
export async function noteFailedLogin(
  tx: Tx,
  accountId: string,
  attempt: Event & { readonly type: LoginFailure },
): Promise<void> {
  if (await holdAccount(tx, accountId)) await noteEvent(tx, accountId, attempt)
}

/** Newest first. */
export async function listEvents(
  { db, tables: { accountEvents } }: Reader,
  { accountId }: Caller,
  now: number,
): Promise<AccountEvent[]> {
  const rows = await db
    .select()
    .from(accountEvents)
    .where(and(eq(accountEvents.accountId, accountId), gt(accountEvents.at, now - rememberedForMs)))
    .orderBy(desc(accountEvents.at))
  return rows.map((row) => ({
    type: row.type,
    at: toTimestamp(row.at),
    device: deviceOf(row),
    address: row.address,
  }))
}

/** Removes what is too old; nothing depends on it, for the list looks at the time itself. */
export async function deleteOldEvents({ db, tables: { accountEvents } }: Tx, now: number): Promise<void> {
  await db.delete(accountEvents).where(lte(accountEvents.at, now - rememberedForMs))
}
