// Second factors and recovery codes: what adding, confirming, using and removing them does to the rows.
import {
  and,
  asc,
  count,
  eq,
  gt,
  type InferSelectModel,
  isNotNull,
  isNull,
  lt,
  or,
  type Placeholder,
  sql,
} from 'drizzle-orm'
import { maxSecondFactors } from '../../contract/second-factors.ts'
import type { Tables } from '../../store/schema.ts'
import { rowsStatement, statement } from '../../store/statement.ts'
import type { Reader, Tx } from '../../store/store.ts'
import { factorsWaitForMs } from '../../store/tables/access.ts'
import { Failure, notFound } from '../failure.ts'
import { hashSecret } from '../secret-hash.ts'
import { forgetRecoveryCode } from './account-recovery.ts'
import { forgetRememberedDevices } from './remembered-devices.ts'
import type { Credential } from './webauthn.ts'

type FactorRow = InferSelectModel<Tables['secondFactors']>

/** Whose factors they are. */
interface Owner {
  readonly accountId: string
}

interface TotpFactor {
  readonly id: string
  readonly sealedSecret: Uint8Array
}

interface WebauthnFactor extends Credential {
  readonly id: string
  readonly name: string
  /** The number under which Bitwarden's apps list it; null for a factor of a native account. */
  readonly slot: number | null
}

/** Codes by mail, which only accounts of Bitwarden's apps have. */
interface EmailFactor {
  readonly id: string
  readonly email: string
}

/** What an account asks for beside the password. */
export interface Factors {
  readonly totp: TotpFactor[]
  readonly webauthn: WebauthnFactor[]
  readonly email: EmailFactor[]
}

const toTotp = ({ id, sealedSecret }: FactorRow): TotpFactor[] => (sealedSecret ? [{ id, sealedSecret }] : [])

const toWebauthn = (row: FactorRow): WebauthnFactor[] => {
  const { id, name, slot, credentialId, publicKey, signCount, transports } = row
  return credentialId && publicKey && signCount !== null
    ? [{ id, name, slot, credentialId, publicKey, signCount, transports: transports?.split(' ') ?? [] }]
    : []
}

const toEmail = ({ id, email }: FactorRow): EmailFactor[] => (email === null ? [] : [{ id, email }])

const confirmed = ({ secondFactors }: Tables, { accountId }: { accountId: string | Placeholder }) =>
  and(eq(secondFactors.accountId, accountId), isNotNull(secondFactors.confirmedAt))

const pending = ({ secondFactors }: Tables, { accountId }: Owner) =>
  and(eq(secondFactors.accountId, accountId), isNull(secondFactors.confirmedAt))

const one = (tables: Tables, owner: Owner, id: string) =>
  and(confirmed(tables, owner), eq(tables.secondFactors.id, id))

const confirmedStatement = statement(({ db, tables }: Reader) =>
  db
    .select()
    .from(tables.secondFactors)
    .where(confirmed(tables, { accountId: sql.placeholder('accountId') }))
    .orderBy(asc(tables.secondFactors.confirmedAt), asc(tables.secondFactors.id))
    .prepare('second_factors_of'),
)

const listConfirmed = (reader: Reader, { accountId }: Owner): Promise<FactorRow[]> =>
  confirmedStatement(reader).execute({ accountId })

export async function factorsOf(reader: Reader, owner: Owner): Promise<Factors> {
  const rows = await listConfirmed(reader, owner)
  return {
    totp: rows.flatMap(toTotp),
    webauthn: rows.flatMap(toWebauthn),
    email: rows.flatMap(toEmail),
  }
}

const countStatement = rowsStatement<[count: number]>('count_second_factors', ({ db, tables }) =>
  db
    .select({ count: count() })
    .from(tables.secondFactors)
    .where(confirmed(tables, { accountId: sql.placeholder('accountId') })),
)

export async function countFactors(reader: Reader, { accountId }: Owner): Promise<number> {
  const [[factors] = [0]] = await countStatement(reader)({ accountId })
  return factors
}

const tooManyFactors = () =>
  new Failure('too-many-factors', `An account has at most ${maxSecondFactors} second factors.`)

export async function hasFactors(reader: Reader, owner: Owner): Promise<boolean> {
  return (await countFactors(reader, owner)) > 0
}

/** How many recovery codes are left. */
export async function countRecoveryCodes(
  { db, tables: { recoveryCodes } }: Reader,
  { accountId }: Owner,
): Promise<number> {
  const [row] = await db
    .select({ left: count() })
    .from(recoveryCodes)
    .where(eq(recoveryCodes.accountId, accountId))
  return row?.left ?? 0
}

/** A factor that logins ask for. Times are milliseconds since 1970. */
export interface ListedFactor extends Pick<FactorRow, 'id' | 'name' | 'createdAt' | 'lastUsedAt'> {
  readonly type: 'totp' | 'webauthn'
}

/** Only accounts of Bitwarden's apps have codes by mail. */
const toListed = ({ type, ...factor }: FactorRow): ListedFactor[] =>
  type === 'email' ? [] : [{ ...factor, type }]

/** Factors that were confirmed, oldest first, and how many recovery codes are left. */
export const listFactors = async (
  reader: Reader,
  owner: Owner,
): Promise<{ factors: ListedFactor[]; recoveryCodesLeft: number }> => ({
  factors: (await listConfirmed(reader, owner)).flatMap(toListed),
  recoveryCodesLeft: await countRecoveryCodes(reader, owner),
})

/** Whether the account has this factor. */
export const hasFactor = async (reader: Reader, owner: Owner, id: string): Promise<boolean> =>
  (await listConfirmed(reader, owner)).some((factor) => factor.id === id)

/**
 * Begins a factor, in place of one of its type that was begun and not confirmed. Throws `too-many-factors`.
 * @param factor.now milliseconds since 1970
 */
export async function beginFactor(
  tx: Tx,
  owner: Owner,
  { now, type, ...factor }: Pick<FactorRow, 'id' | 'type' | 'name' | 'sealedSecret'> & { now: number },
): Promise<void> {
  const { db, tables } = tx
  if ((await countFactors(tx, owner)) >= maxSecondFactors) throw tooManyFactors()
  await db
    .delete(tables.secondFactors)
    .where(and(pending(tables, owner), eq(tables.secondFactors.type, type)))
  const { accountId } = owner
  await db.insert(tables.secondFactors).values({ ...factor, type, accountId, createdAt: now })
}

/** The one factor of a type that was begun in the last minutes and not confirmed. @returns undefined if there is none */
export async function findPending(
  { db, tables }: Reader,
  owner: Owner,
  { type, now }: { type: FactorRow['type']; now: number },
): Promise<FactorRow | undefined> {
  const { secondFactors } = tables
  const [row] = await db
    .select()
    .from(secondFactors)
    .where(
      and(
        pending(tables, owner),
        eq(secondFactors.type, type),
        gt(secondFactors.createdAt, now - factorsWaitForMs),
      ),
    )
  return row
}

/** The same, if it has this id; throws `not-found`. */
export async function getPending(
  reader: Reader,
  owner: Owner,
  { id, ...which }: { id: string; type: FactorRow['type']; now: number },
): Promise<FactorRow> {
  const found = await findPending(reader, owner, which)
  if (found?.id !== id) throw notFound()
  return found
}

/** What confirming writes down: the code's time step, the credential, or where codes are mailed to. */
export type Confirmation = { name: string; now: number } & (
  | { lastStep: number }
  | (Credential & { slot?: number })
  | { email: string }
)

/**
 * Makes a factor one that is asked for, under the account's row that the caller holds. Throws `not-found` if it is not there to be
 * confirmed any more, and `too-many-factors`.
 */
export async function confirmFactor(
  tx: Tx,
  owner: Owner,
  id: string,
  { name, now, ...rest }: Confirmation,
): Promise<void> {
  const { db, tables } = tx
  const particulars =
    'transports' in rest
      ? { ...rest, transports: rest.transports.length > 0 ? rest.transports.join(' ') : null }
      : rest
  const updated = await db
    .update(tables.secondFactors)
    .set({ name, confirmedAt: now, ...particulars })
    .where(and(pending(tables, owner), eq(tables.secondFactors.id, id)))
    .returning({ id: tables.secondFactors.id })
  if (updated.length !== 1) throw notFound()
  if ((await countFactors(tx, owner)) > maxSecondFactors) throw tooManyFactors()
}

/** Puts new recovery codes in place of all there are. */
export async function replaceRecoveryCodes(
  { db, tables: { recoveryCodes } }: Tx,
  { accountId }: Owner,
  codes: readonly string[],
): Promise<void> {
  await db.delete(recoveryCodes).where(eq(recoveryCodes.accountId, accountId))
  await db.insert(recoveryCodes).values(codes.map((code) => ({ accountId, hash: hashSecret(code) })))
}

/** Removes a factor, and with the last one the recovery codes; throws `not-found`. */
export async function removeFactor(tx: Tx, owner: Owner, id: string): Promise<void> {
  const { db, tables } = tx
  const { secondFactors, recoveryCodes } = tables
  const removed = await db
    .delete(secondFactors)
    .where(one(tables, owner, id))
    .returning({ id: secondFactors.id })
  if (removed.length !== 1) throw notFound()
  if (!(await hasFactors(tx, owner)))
    await db.delete(recoveryCodes).where(eq(recoveryCodes.accountId, owner.accountId))
}

/** Removes all of them, for an owner who has lost them, and what stands in for them. @returns how many there were */
export async function removeAllFactors(tx: Tx, owner: Owner): Promise<number> {
  const { db, tables } = tx
  const removed = await db
    .delete(tables.secondFactors)
    .where(confirmed(tables, owner))
    .returning({ id: tables.secondFactors.id })
  await db.delete(tables.recoveryCodes).where(eq(tables.recoveryCodes.accountId, owner.accountId))
  await forgetRecoveryCode(tx, owner)
  await forgetRememberedDevices(tx, owner)
  return removed.length
}

/** Uses a code of an app up. @returns false where it, or a later one, was used before */
export async function useStep(
  { db, tables }: Tx,
  owner: Owner,
  { id, step, now }: { id: string; step: number; now: number },
): Promise<boolean> {
  const { secondFactors } = tables
  const used = await db
    .update(secondFactors)
    .set({ lastStep: step, lastUsedAt: now })
    .where(and(one(tables, owner, id), or(isNull(secondFactors.lastStep), lt(secondFactors.lastStep, step))))
    .returning({ id: secondFactors.id })
  return used.length === 1
}

/** Notes what an authenticator counted. @returns false where the factor was removed in the meantime */
export async function noteAssertion(
  { db, tables }: Tx,
  owner: Owner,
  { id, signCount, now }: { id: string; signCount: number; now: number },
): Promise<boolean> {
  const used = await db
    .update(tables.secondFactors)
    .set({ signCount, lastUsedAt: now })
    .where(one(tables, owner, id))
    .returning({ id: tables.secondFactors.id })
  return used.length === 1
}

/** Uses a recovery code up. @returns whether it was one */
export async function useRecoveryCode(
  { db, tables: { recoveryCodes } }: Tx,
  { accountId }: Owner,
  code: string,
): Promise<boolean> {
  const used = await db
    .delete(recoveryCodes)
    .where(and(eq(recoveryCodes.accountId, accountId), eq(recoveryCodes.hash, hashSecret(code))))
    .returning({ accountId: recoveryCodes.accountId })
  return used.length === 1
}
