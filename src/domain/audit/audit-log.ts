// The security log of each account: noting and listing its events.
import { and, desc, eq, gt, gte, isNull, lt, type Placeholder, sql } from 'drizzle-orm'
import { hours } from '../../clock.ts'
import {
  type AccountEvent,
  type AccountEventType,
  Device,
  type SessionEndReason,
} from '../../contract/accounts.ts'
import type { Tables } from '../../store/schema.ts'
import { rowsStatement } from '../../store/statement.ts'
import type { Reader, Tx } from '../../store/store.ts'
import { eventsKeptForMs } from '../../store/tables/audit.ts'
import { holdAccount } from '../account-row.ts'
import type { Caller, SessionCaller } from '../caller.ts'
import { toTimestamp } from '../encoding.ts'

/** How many events of a kind and an account are kept: many of one kind push out nothing of another. */
const maxOfAKind = 100

/** Addresses whose failures of one kind and hour are told apart; those of all others are counted together, without an address. */
const maxAddressesAnHour = 10

type FailureType = 'login-failed' | 'second-factor-failed' | 'proof-failed'

export interface AuditEvent {
  readonly type: AccountEventType
  /** Milliseconds since 1970. */
  readonly at: number
  readonly device: Device | null
  readonly address: string | null
  readonly reason?: SessionEndReason
  readonly count?: number
}

const ofKind = (
  { accountEvents }: Tables,
  accountId: string | Placeholder,
  type: AccountEventType | Placeholder,
) => and(eq(accountEvents.accountId, accountId), eq(accountEvents.type, type))

/** Forgets what is older than the newest `maxOfAKind`. */
const trimStatement = rowsStatement<[at: number], Tx>('trim_events', ({ db, tables }) => {
  const { accountEvents } = tables
  const alike = ofKind(tables, sql.placeholder('accountId'), sql.placeholder('type'))
  const oldestKept = db
    .select({ at: accountEvents.at })
    .from(accountEvents)
    .where(alike)
    .orderBy(desc(accountEvents.at))
    .limit(1)
    .offset(maxOfAKind - 1)
  return db
    .delete(accountEvents)
    .where(and(alike, lt(accountEvents.at, sql`${oldestKept}`)))
    .returning({ at: accountEvents.at })
})

const deviceColumns = (device: Device | null) => ({
  deviceId: device?.id ?? null,
  deviceName: device?.name ?? null,
  deviceType: device?.type ?? null,
})

const noteStatement = rowsStatement<[at: number], Tx>('note_event', ({ db, tables: { accountEvents } }) =>
  db
    .insert(accountEvents)
    .values({
      accountId: sql.placeholder('accountId'),
      type: sql.placeholder('type'),
      at: sql.placeholder('at'),
      deviceId: sql.placeholder('deviceId'),
      deviceName: sql.placeholder('deviceName'),
      deviceType: sql.placeholder('deviceType'),
      address: sql.placeholder('address'),
      reason: sql.placeholder('reason'),
      count: sql.placeholder('count'),
    })
    .returning({ at: accountEvents.at }),
)

/** Notes an event in the transaction that it is about, so that the log says neither more nor less than what happened. */
export async function noteEvent(tx: Tx, accountId: string, event: AuditEvent): Promise<void> {
  const { device, type, at, address, reason = null, count = 1 } = event
  const row = { accountId, type, at, address, reason, count, ...deviceColumns(device) }
  await Promise.all([noteStatement(tx)(row), trimStatement(tx)({ accountId, type })])
}

/**
 * Notes a failure, if the account is still there. Failures of one kind, address and hour are one entry with a count, and there
 * are few of them an hour, so that strangers can neither fill the log nor push much out of it.
 */
export async function noteFailure(
  tx: Tx,
  accountId: string,
  failure: AuditEvent & { readonly type: FailureType },
): Promise<void> {
  if (!(await holdAccount(tx, accountId))) return
  const { db, tables } = tx
  const { accountEvents } = tables
  const { at, address, count = 1, device, type } = failure
  const hour = at - (at % hours(1))
  const ofHour = and(
    ofKind(tables, accountId, type),
    gte(accountEvents.at, hour),
    lt(accountEvents.at, hour + hours(1)),
  )
  const entries = await db.select().from(accountEvents).where(ofHour).orderBy(desc(accountEvents.at))
  const isKnown = entries.some((entry) => entry.address === address)
  const countedAddress = isKnown || entries.length < maxAddressesAnHour ? address : null
  const entry = entries.find((one) => one.address === countedAddress)
  if (!entry) return noteEvent(tx, accountId, { ...failure, address: countedAddress })
  await db
    .update(accountEvents)
    .set({
      at: Math.max(at, entry.at),
      count: entry.count + count,
      ...(device && deviceColumns(device)),
    })
    .where(
      and(
        ofHour,
        eq(accountEvents.at, entry.at),
        countedAddress === null ? isNull(accountEvents.address) : eq(accountEvents.address, countedAddress),
      ),
    )
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

/** Notes that these sessions, whose rows were deleted, have ended, and why. */
export async function noteSessionsEnded(
  tx: Tx,
  sessions: readonly DeviceColumns[],
  by: Pick<AuditEvent, 'at' | 'address'> & { readonly reason: SessionEndReason },
): Promise<void> {
  // All are of one moment, by which more than are kept could not be told apart when they are trimmed.
  const kept = [...Map.groupBy(sessions, ({ accountId }) => accountId).values()].flatMap((ofAccount) =>
    ofAccount.slice(0, maxOfAKind),
  )
  for (const session of kept)
    await noteEvent(tx, session.accountId, { type: 'session-ended', device: deviceOf(session), ...by })
}

/** The device of a session. @returns null if the session has ended */
export async function deviceOfSession(
  { db, tables: { sessions } }: Reader,
  { sessionId }: Caller,
): Promise<Device | null> {
  const [session] = await db.select().from(sessions).where(eq(sessions.id, sessionId))
  return session ? deviceOf(session) : null
}

/** Notes what a session changed, with its device. */
export async function noteSessionsAct(
  tx: Tx,
  caller: SessionCaller,
  type: AccountEventType,
  at: number,
): Promise<void> {
  const { accountId, address } = caller
  await noteEvent(tx, accountId, { type, at, device: await deviceOfSession(tx, caller), address })
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
    .where(and(eq(accountEvents.accountId, accountId), gt(accountEvents.at, now - eventsKeptForMs)))
    .orderBy(desc(accountEvents.at))
  return rows.map((row) => ({
    type: row.type,
    at: toTimestamp(row.at),
    device: deviceOf(row),
    address: row.address,
    count: row.count,
    reason: row.reason,
  }))
}
