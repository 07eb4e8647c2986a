// Logins that another device of the account lets in: the new one asks with a public key, a device with a session answers with the user key
// encrypted under it, and the new one logs in with the code that it has drawn. Only devices that the account knows can ask, so that strangers
// make no phone ring.
import { and, count, desc, eq, gt, type InferSelectModel, isNull } from 'drizzle-orm'
import type { Clock } from '../../clock.ts'
import type { Random } from '../../random.ts'
import type { Tables } from '../../store/schema.ts'
import type { Reader, Store, Tx } from '../../store/store.ts'
import { authRequestsWaitForMs } from '../../store/tables/bitwarden.ts'
import { Failure, notFound } from '../failure.ts'
import { announceToHubs } from '../live/announcements.ts'
import { tooMany } from '../rate-limits/counters.ts'
import { hashSecret, isSameHash } from '../secret-hash.ts'

export type AuthRequest = InferSelectModel<Tables['authRequests']>

/** A request for a login, as clients number the kinds; the others unlock what is logged in, or ask an administrator. */
const forLogin = 0

/** How many may wait or have been answered lately. */
const maxAtOnce = 20

interface Needs {
  readonly clock: Clock
  readonly random: Random
  readonly store: Store
}

interface Owner {
  readonly accountId: string
}

/** Those of the last minutes. */
const recent = ({ authRequests }: Tables, now: number) =>
  gt(authRequests.createdAt, now - authRequestsWaitForMs)

const ofOwner = (tables: Tables, { accountId }: Owner, now: number) =>
  and(eq(tables.authRequests.accountId, accountId), recent(tables, now))

/** The account of an address, if this is a device of it. One statement, whether there is an account or not. */
async function accountOfDevice(
  { db, tables: { accounts, devices } }: Reader,
  { email, identifier }: { readonly email: string; readonly identifier: string },
): Promise<string | undefined> {
  const [row] = await db
    .select({ id: accounts.id })
    .from(devices)
    .innerJoin(accounts, eq(accounts.id, devices.accountId))
    .where(and(eq(devices.identifier, identifier), eq(accounts.email, email), isNull(accounts.disabledAt)))
  return row?.id
}

/** What a device asks with. */
export interface Asked {
  /** In its normalized form. */
  readonly email: string
  readonly publicKey: string
  readonly accessCode: string
  readonly type: number
  /** The number of its kind, and its own name for itself. */
  readonly deviceType: number
  readonly deviceIdentifier: string
  /** Where it asks from. */
  readonly address: string
}

/**
 * Asks the devices of an account to let a login in. Throws `too-many-requests`.
 * @returns undefined if there is no such account, or it does not know the device: it is not said which
 */
export async function askToBeLetIn(
  { email, accessCode, ...asked }: Asked,
  { clock, random, store }: Needs,
): Promise<AuthRequest | undefined> {
  const now = clock.now()
  const device = { email, identifier: asked.deviceIdentifier }
  const accountId = await store.read((reader) => accountOfDevice(reader, device))
  if (accountId === undefined) return undefined
  return store.write(async (tx) => {
    const { authRequests } = tx.tables
    const [row] = await tx.db
      .select({ count: count() })
      .from(authRequests)
      .where(ofOwner(tx.tables, { accountId }, now))
    if ((row?.count ?? 0) >= maxAtOnce) throw tooMany(authRequestsWaitForMs)
    const id = random.uuid()
    const [made] = await tx.db
      .insert(authRequests)
      .values({ ...asked, id, accountId, accessCodeHash: hashSecret(accessCode), createdAt: now })
      .returning()
    announceToHubs(tx, { accountId, what: 'login-asked', id, at: now, by: asked.deviceIdentifier })
    return made
  })
}

/** The requests of the last minutes, newest first. */
export const listAuthRequests = async (
  { db, tables }: Reader,
  owner: Owner,
  now: number,
): Promise<AuthRequest[]> =>
  db
    .select()
    .from(tables.authRequests)
    .where(ofOwner(tables, owner, now))
    .orderBy(desc(tables.authRequests.createdAt), tables.authRequests.id)

/** Throws `not-found`. */
export async function getAuthRequest(
  { db, tables }: Reader,
  owner: Owner,
  id: string,
  now: number,
): Promise<AuthRequest> {
  const [row] = await db
    .select()
    .from(tables.authRequests)
    .where(and(ofOwner(tables, owner, now), eq(tables.authRequests.id, id)))
  if (!row) throw notFound()
  return row
}

/** How an owner answers: with the user key under the public key of the request, or with a no. */
export type AuthAnswer =
  | { readonly isApproved: true; readonly key: string; readonly passwordHash: string | null }
  | { readonly isApproved: false }

/** Answers a request, once. Throws `not-found`, and `malformed-request` if it was answered before. */
export async function answerAuthRequest(
  caller: Owner & { readonly deviceIdentifier: string },
  id: string,
  answer: AuthAnswer,
  { clock, store }: Needs,
): Promise<AuthRequest> {
  const now = clock.now()
  const { accountId, deviceIdentifier } = caller
  await store.read((reader) => getAuthRequest(reader, caller, id, now))
  return store.write(async (tx) => {
    const { authRequests } = tx.tables
    const [answered] = await tx.db
      .update(authRequests)
      .set({ ...answer, answeredAt: now })
      .where(and(ofOwner(tx.tables, caller, now), eq(authRequests.id, id), isNull(authRequests.answeredAt)))
      .returning()
    if (!answered)
      throw new Failure('malformed-request', 'This request was answered already, or is too old.', {
        errors: [],
      })
    announceToHubs(tx, { accountId, what: 'login-answered', id, at: now, by: deviceIdentifier })
    return answered
  })
}

/** What shows that a login is the one that was let in. */
export interface AuthRequestProof {
  readonly authRequest: { readonly id: string; readonly accessCode: string }
}

/** The request of a device that waits for its answer, by the code that it has drawn; throws `not-found`. */
export async function waitingAuthRequest(
  { db, tables }: Reader,
  { id, accessCode }: AuthRequestProof['authRequest'],
  now: number,
): Promise<AuthRequest> {
  const [row] = await db
    .select()
    .from(tables.authRequests)
    .where(and(eq(tables.authRequests.id, id), recent(tables, now)))
  if (!row || !isSameHash(row.accessCodeHash, hashSecret(accessCode))) throw notFound()
  return row
}

const approved = (
  tables: Tables,
  owner: Owner,
  { id, accessCode }: AuthRequestProof['authRequest'],
  { identifier, now }: { readonly identifier: string; readonly now: number },
) =>
  and(
    ofOwner(tables, owner, now),
    eq(tables.authRequests.id, id),
    eq(tables.authRequests.accessCodeHash, hashSecret(accessCode)),
    eq(tables.authRequests.deviceIdentifier, identifier),
    eq(tables.authRequests.type, forLogin),
    eq(tables.authRequests.isApproved, true),
    isNull(tables.authRequests.usedAt),
  )

/** Whether a device of the account has let in this login, which has not taken place. @param login.identifier of the device that logs in */
export async function isLetIn(
  { db, tables }: Reader,
  owner: Owner,
  { authRequest }: AuthRequestProof,
  login: { readonly identifier: string; readonly now: number },
): Promise<boolean> {
  const rows = await db
    .select({ id: tables.authRequests.id })
    .from(tables.authRequests)
    .where(approved(tables, owner, authRequest, login))
  return rows.length === 1
}

/** Uses the permission up. @returns whether it was there still */
export async function useAuthRequest(
  { db, tables }: Tx,
  owner: Owner,
  { authRequest }: AuthRequestProof,
  login: { readonly identifier: string; readonly now: number },
): Promise<boolean> {
  const used = await db
    .update(tables.authRequests)
    .set({ usedAt: login.now })
    .where(approved(tables, owner, authRequest, login))
    .returning({ id: tables.authRequests.id })
  return used.length === 1
}
