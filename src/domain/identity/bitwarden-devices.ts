// What clients of Bitwarden call devices: installations of their apps, which the owner sees and can shut out.
import { and, eq } from 'drizzle-orm'
import type { Device } from '../../contract/accounts.ts'
import type { Tx } from '../../store/store.ts'

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
