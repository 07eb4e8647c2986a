// Registrations that wait for their address to be confirmed. Several of one address stand side by side: confirming one makes its
// account and ends the others, so that registering somebody else's address first keeps nobody out.
import { and, desc, eq, gt, type InferSelectModel, inArray } from 'drizzle-orm'
import { days } from '../../clock.ts'
import type { Tables } from '../../store/schema.ts'
import { type Reader, type Tx, Unchanged } from '../../store/store.ts'
import { Failure } from '../failure.ts'
import { findVaultOwner, vaultIdTaken } from '../vaults/vaults.ts'
import { accountIdTaken, findAccountById, methodOf, type NewAccount, passwordColumns } from './accounts.ts'
import { makeRoomAt } from './addresses.ts'
import { BitwardenData, createRegistered } from './bitwarden-accounts.ts'
import { noteInvited, takeReservedInvite } from './invites.ts'
import { kdfOf } from './kdf.ts'

export type PendingRegistration = InferSelectModel<Tables['pendingRegistrations']>

/** Its mail may wait for as long. */
const livesForMs = days(3)

/** Most of one address. One more ends the oldest. */
const maxOfAnAddress = 5

/** An account as it is asked for: its address is confirmed later. */
export type NewRegistration = Omit<NewAccount, 'emailVerified'> & {
  /** Of an account of Bitwarden's apps. */
  readonly bitwarden?: BitwardenData
}

/** Throws `id-taken`; whether the address has an account makes no difference. */
async function requireFreeIds(tx: Tx, { accountId, email, vault }: NewRegistration): Promise<void> {
  const account = await findAccountById(tx, accountId)
  if (account && account.email !== email) throw accountIdTaken()
  const vaultOwner = await findVaultOwner(tx, vault.id)
  if (vaultOwner !== undefined && vaultOwner !== accountId) throw vaultIdTaken()
}

async function endOldest({ db, tables: { pendingRegistrations } }: Tx, email: string): Promise<void> {
  const ofAddress = eq(pendingRegistrations.email, email)
  const ids = await db
    .select({ id: pendingRegistrations.accountId })
    .from(pendingRegistrations)
    .where(ofAddress)
    .orderBy(desc(pendingRegistrations.createdAt), pendingRegistrations.accountId)
  const surplus = ids.slice(maxOfAnAddress).map(({ id }) => id)
  if (surplus.length > 0)
    await db
      .delete(pendingRegistrations)
      .where(and(ofAddress, inArray(pendingRegistrations.accountId, surplus)))
}

/**
 * Keeps a registration until its address is confirmed. The same work is done for an address that has an account, so that strangers
 * learn nothing of it; its mail says then what the owner has to know. Throws `id-taken`.
 * @param reserved.inviteId of the invite that the registration came with; null without
 */
export async function addPendingRegistration(
  tx: Tx,
  registration: NewRegistration,
  reserved: { now: number; inviteId: string | null },
): Promise<void> {
  const { accountId, email, hint, vault, bitwarden } = registration
  const { now, inviteId } = reserved
  const { pendingRegistrations } = tx.tables
  await requireFreeIds(tx, registration)
  // The same registration once more replaces itself: its answer may have been lost.
  await tx.db
    .delete(pendingRegistrations)
    .where(and(eq(pendingRegistrations.accountId, accountId), eq(pendingRegistrations.email, email)))
  const [added] = await tx.db
    .insert(pendingRegistrations)
    .values({
      accountId,
      email,
      ...passwordColumns(registration),
      hint,
      vaultId: vault.id,
      vaultKey: vault.key,
      vaultData: vault.data,
      bitwarden: bitwarden ? JSON.stringify(bitwarden) : null,
      inviteId,
      createdAt: now,
      expiresAt: now + livesForMs,
    })
    .onConflictDoNothing()
    .returning({ accountId: pendingRegistrations.accountId })
  if (!added) throw accountIdTaken()
  await endOldest(tx, email)
}

/** @returns undefined if there is none, or its time has run out */
export async function findPendingRegistration(
  { db, tables: { pendingRegistrations } }: Reader,
  accountId: string,
  now: number,
): Promise<PendingRegistration | undefined> {
  const [row] = await db
    .select()
    .from(pendingRegistrations)
    .where(and(eq(pendingRegistrations.accountId, accountId), gt(pendingRegistrations.expiresAt, now)))
  return row
}

/** Those of an address, newest first. */
export const pendingRegistrationsOf = async (
  { db, tables: { pendingRegistrations } }: Reader,
  email: string,
  now: number,
): Promise<PendingRegistration[]> =>
  db
    .select()
    .from(pendingRegistrations)
    .where(and(eq(pendingRegistrations.email, email), gt(pendingRegistrations.expiresAt, now)))
    .orderBy(desc(pendingRegistrations.createdAt), pendingRegistrations.accountId)
    .limit(maxOfAnAddress)

/** Ends every registration of an address: it has an account now. */
export async function endPendingRegistrations(
  { db, tables: { pendingRegistrations } }: Tx,
  email: string,
): Promise<void> {
  await db.delete(pendingRegistrations).where(eq(pendingRegistrations.email, email))
}

const accountOf = (row: PendingRegistration): Parameters<typeof createRegistered>[1] => ({
  accountId: row.accountId,
  email: row.email,
  emailVerified: true,
  authMethod: row.bitwarden === null ? methodOf(row) : 'bitwarden',
  authVerifier: row.authVerifier,
  credentialId: row.credentialId,
  kdf: kdfOf(row),
  accountKey: row.accountKey,
  hint: row.hint,
  vault: { id: row.vaultId, key: row.vaultKey, data: row.vaultData },
  ...(row.bitwarden !== null && { bitwarden: BitwardenData.parse(JSON.parse(row.bitwarden)) }),
})

/**
 * Makes the account of a registration, and ends all others of its address. Throws `invalid-invite` if its invite was used or revoked
 * meanwhile, and `id-taken`.
 * @param stamp.epoch of the vault; random
 * @returns whether the registration was still there, and the address free
 */
export async function confirmRegistration(
  tx: Tx,
  { accountId, email }: PendingRegistration,
  stamp: { now: number; epoch: string },
): Promise<boolean | Unchanged<boolean>> {
  const { pendingRegistrations } = tx.tables
  if (!(await makeRoomAt(tx, email))) return new Unchanged(false)
  const [row] = await tx.db
    .delete(pendingRegistrations)
    .where(and(eq(pendingRegistrations.accountId, accountId), eq(pendingRegistrations.email, email)))
    .returning()
  if (!row) return new Unchanged(false)
  const isAdmitted = row.inviteId === null || (await takeReservedInvite(tx, row.inviteId, stamp.now))
  if (!isAdmitted)
    throw new Failure(
      'invalid-invite',
      'The invite of this registration was used or revoked meanwhile. Ask the operator of this server for another one, and register again.',
    )
  await createRegistered(tx, accountOf(row), stamp)
  if (row.inviteId !== null) await noteInvited(tx, row.inviteId, accountId)
  await endPendingRegistrations(tx, email)
  return true
}
