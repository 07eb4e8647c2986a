// The check of new devices: an account of Bitwarden's apps that has no second factor asks a device that it does not know for a code, which it
// mails to its owner. So a password that leaked from elsewhere is not enough.
import { and, eq, ne } from 'drizzle-orm'
import { type Clock, hours } from '../../clock.ts'
import type { Random } from '../../random.ts'
import type { Reader, Store, Tx } from '../../store/store.ts'
import { mayAsk } from '../mail/limits.ts'
import type { MailSettings } from '../mail/settings.ts'
import type { RateLimiter } from '../rate-limits/limiter.ts'
import type { ServerKeys } from '../server-keys.ts'
import type { AccountRow } from './accounts.ts'
import { checkCode, mailCode } from './mailed-codes.ts'

/** The first devices of an account are set up one after another. */
const sparedForMs = hours(24)

/** A login that needs a code, and has none or a wrong one. */
export interface DeviceRefusal {
  readonly kind: 'device-unverified'
  readonly isWrong: boolean
}

interface Needs {
  readonly clock: Clock
  readonly config: MailSettings
  readonly keys: Pick<ServerKeys, 'mailedCodes'>
  readonly limiter: RateLimiter
  readonly random: Random
  readonly store: Store
}

interface NewDevice {
  readonly device: { readonly id: string }
  /** The code that its owner was mailed. */
  readonly deviceCode?: string | undefined
  readonly address: string
}

const subjectOf = ({ id }: AccountRow) => ({ accountId: id, purpose: 'new-device', detail: null }) as const

/** Whether the account wants new devices checked, has one already, and this is none of those. */
async function isStrange(
  { db, tables: { bitwardenAccounts, devices } }: Reader,
  { id }: AccountRow,
  identifier: string,
): Promise<boolean> {
  const ofAccount = eq(devices.accountId, id)
  const [own] = await db
    .select({ verifies: bitwardenAccounts.verifiesDevices })
    .from(bitwardenAccounts)
    .where(eq(bitwardenAccounts.accountId, id))
  if (!own?.verifies) return false
  const known = await db
    .select({ id: devices.id })
    .from(devices)
    .where(and(ofAccount, eq(devices.identifier, identifier)))
  if (known.length > 0) return false
  const others = await db
    .select({ id: devices.id })
    .from(devices)
    .where(and(ofAccount, ne(devices.identifier, identifier)))
    .limit(1)
  return others.length > 0
}

/** Mails the owner a code, unless that was asked for too often. */
export async function mailDeviceCode(account: AccountRow, address: string, needs: Needs): Promise<void> {
  if (!needs.config.smtp || !account.emailVerified) return
  if (!(await mayAsk(needs, { address, email: account.email }))) return
  await needs.store.write((tx) => mailCode(tx, subjectOf(account), needs))
}

/**
 * Checks the device of a login that asks for no second factor.
 * @returns what uses the code up in the transaction of the login, or why there is no login
 */
export async function checkNewDevice(
  account: AccountRow,
  { address, device, deviceCode }: NewDevice,
  needs: Needs,
): Promise<DeviceRefusal | { readonly kind: 'known'; use(tx: Tx): Promise<boolean> }> {
  const { clock, config, keys, store } = needs
  const now = clock.now()
  const known = { kind: 'known', use: async () => true } as const
  if (account.authMethod !== 'bitwarden' || !config.smtp || !account.emailVerified) return known
  if (now - account.createdAt < sparedForMs) return known
  if (!(await store.read((reader) => isStrange(reader, account, device.id)))) return known
  if (!deviceCode) {
    await mailDeviceCode(account, address, needs)
    return { kind: 'device-unverified', isWrong: false }
  }
  const check = (tx: Tx, isLast: boolean) =>
    checkCode(tx, subjectOf(account), { code: deviceCode, isLast }, { keys, now })
  if (!(await store.write((tx) => check(tx, false)))) return { kind: 'device-unverified', isWrong: true }
  return { kind: 'known', use: (tx) => check(tx, true) }
}
