// Devices of Bitwarden's apps that log in without a second factor for a while, because their owner has shown one there and asked for
// that. The token is random, good for its device alone, and the database has its hash.
import { and, eq, isNotNull } from 'drizzle-orm'
import { days } from '../../clock.ts'
import type { Reader, Tx } from '../../store/store.ts'
import { fromBase64url } from '../encoding.ts'
import { hashSecret, isSameHash } from '../secret-hash.ts'

/** Bytes of the token before base64url. */
export const rememberTokenBytes = 32

const rememberedForMs = days(30)

/** A device of an account, by the identifier that its app has chosen for it. */
interface OwnDevice {
  readonly accountId: string
  readonly identifier: string
}

const hashOf = (token: string) => hashSecret(fromBase64url(token))

/** @param now milliseconds since 1970 */
export async function isRemembered(
  { db, tables: { devices } }: Reader,
  { accountId, identifier }: OwnDevice,
  token: string,
  now: number,
): Promise<boolean> {
  const [device] = await db
    .select({ hash: devices.rememberHash, until: devices.rememberedUntil })
    .from(devices)
    .where(and(eq(devices.accountId, accountId), eq(devices.identifier, identifier)))
  return device?.until != null && device.until > now && isSameHash(device.hash, hashOf(token))
}

/** Remembers a device whose row is there. @param token base64url; the one before it is good for nothing any more */
export async function rememberDevice(
  { db, tables: { devices } }: Tx,
  { accountId, identifier }: OwnDevice,
  token: string,
  now: number,
): Promise<void> {
  await db
    .update(devices)
    .set({ rememberHash: hashOf(token), rememberedUntil: now + rememberedForMs })
    .where(and(eq(devices.accountId, accountId), eq(devices.identifier, identifier)))
}

/** Has every device of an account show the second factor again. */
export async function forgetRememberedDevices(
  { db, tables: { devices } }: Tx,
  { accountId }: { readonly accountId: string },
): Promise<void> {
  await db
    .update(devices)
    .set({ rememberHash: null, rememberedUntil: null })
    .where(and(eq(devices.accountId, accountId), isNotNull(devices.rememberHash)))
}
