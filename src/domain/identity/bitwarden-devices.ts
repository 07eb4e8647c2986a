// What clients of Bitwarden call devices: installations of their apps, which the owner sees and can shut out.
import { and, desc, eq, type InferSelectModel } from 'drizzle-orm'
import type { Device } from '../../contract/accounts.ts'
import type { Tables } from '../../store/schema.ts'
import type { Reader, Tx } from '../../store/store.ts'
import type { SessionCaller } from '../caller.ts'
import { notFound } from '../failure.ts'
import { findAccountByEmail } from './accounts.ts'
import { tellOfEnded } from './sessions.ts'

/** One of Bitwarden's apps, as it names itself when it logs in. */
export interface BitwardenApp {
  /** Of the program: `web`, `cli`, … */
  readonly clientId: string
  /** The number of Bitwarden's list of kinds. */
  readonly type: number
}

/**
 * Notes that a device logs in.
 * @param seen.id for it, if it is new
 * @returns whether the account did not have it yet
 */
export async function noteDevice(
  { db, tables: { devices } }: Tx,
  accountId: string,
  { id, device, type, now }: { id: string; device: Device; type: number; now: number },
): Promise<boolean> {
  const present = { name: device.name, type, lastUsedAt: now }
  const known = await db
    .update(devices)
    .set(present)
    .where(and(eq(devices.accountId, accountId), eq(devices.identifier, device.id)))
    .returning({ id: devices.id })
  if (known.length > 0) return false
  await db
    .insert(devices)
    .values({ ...present, accountId, id, identifier: device.id, createdAt: now })
    .onConflictDoNothing()
  return true
}

type DeviceRow = InferSelectModel<Tables['devices']>

/** A device as its owner sees it. Times are milliseconds since 1970. */
export type ListedDevice = Pick<DeviceRow, 'id' | 'identifier' | 'name' | 'type' | 'createdAt' | 'lastUsedAt'>

/** The devices of the caller's account, last used first. */
export const listDevices = async (
  { db, tables: { devices } }: Reader,
  { accountId }: { readonly accountId: string },
): Promise<ListedDevice[]> =>
  db
    .select()
    .from(devices)
    .where(eq(devices.accountId, accountId))
    .orderBy(desc(devices.lastUsedAt), devices.id)

/** Throws `not-found`. @param identifier as the device calls itself */
export async function getDevice(
  { db, tables: { devices } }: Reader,
  { accountId }: { readonly accountId: string },
  identifier: string,
): Promise<ListedDevice> {
  const [row] = await db
    .select()
    .from(devices)
    .where(and(eq(devices.accountId, accountId), eq(devices.identifier, identifier)))
  if (!row) throw notFound()
  return row
}

/**
 * Whether an address has an account in which this device has logged in. Both tables are asked, whether there is an account or not: otherwise
 * a clock would tell.
 */
export async function isKnownDevice(
  reader: Reader,
  { email, identifier }: { readonly email: string; readonly identifier: string },
): Promise<boolean> {
  const { devices } = reader.tables
  const account = await findAccountByEmail(reader, email)
  const known = await reader.db
    .select({ id: devices.id })
    .from(devices)
    .where(and(eq(devices.accountId, account?.id ?? ''), eq(devices.identifier, identifier)))
  return known.length > 0
}

/**
 * Forgets a device of the caller's account, and ends its sessions. Throws `not-found`.
 * @param id the server's name for it
 */
export async function endDevice(
  tx: Tx,
  { accountId, address }: SessionCaller,
  id: string,
  now: number,
): Promise<void> {
  const { devices, sessions } = tx.tables
  const [device] = await tx.db
    .delete(devices)
    .where(and(eq(devices.accountId, accountId), eq(devices.id, id)))
    .returning({ identifier: devices.identifier })
  if (!device) throw notFound()
  const ended = await tx.db
    .delete(sessions)
    .where(and(eq(sessions.accountId, accountId), eq(sessions.deviceId, device.identifier)))
    .returning()
  await tellOfEnded(tx, ended, { at: now, address, reason: 'owner' })
}
