// Invites: what handing out, using, revoking and forgetting them does to the rows. No account has them; they are the operator's.
import { and, desc, eq, gt, isNull, or } from 'drizzle-orm'
import type { Random } from '../../random.ts'
import type { Tables } from '../../store/schema.ts'
import type { Reader, Tx } from '../../store/store.ts'
import { toBase64url } from '../encoding.ts'

/** What the operator hands out. Secret scanners find it by the prefix. */
export const newInviteCode = (random: Random): string => `lmi_${toBase64url(random.bytes(16))}`

/** Times are milliseconds since 1970. */
export type Invite = Tables['invites']['$inferSelect']

export type InviteState = 'open' | 'used' | 'revoked' | 'expired'

export function stateOf({ usedAt, revokedAt, expiresAt }: Invite, now: number): InviteState {
  if (usedAt !== null) return 'used'
  if (revokedAt !== null) return 'revoked'
  return now < expiresAt ? 'open' : 'expired'
}

type NewInvite = Pick<Invite, 'id' | 'codeHash' | 'email' | 'note' | 'createdAt' | 'expiresAt'>

export async function createInvite({ db, tables: { invites } }: Tx, invite: NewInvite): Promise<void> {
  await db.insert(invites).values(invite)
}

/** A stranger who wants to register with an invite. `email` is in its normalized form. */
export interface Attempt {
  readonly codeHash: Uint8Array
  readonly email: string
  readonly now: number
}

const isOpen = ({ invites }: Tables, now: number) =>
  and(isNull(invites.usedAt), isNull(invites.revokedAt), gt(invites.expiresAt, now))

const admits = (tables: Tables, { codeHash, email, now }: Attempt) =>
  and(
    eq(tables.invites.codeHash, codeHash),
    isOpen(tables, now),
    or(isNull(tables.invites.email), eq(tables.invites.email, email)),
  )

/** The id of an invite that is good at this moment. Who gets it is decided by `takeInvite`. */
export async function findAdmitting({ db, tables }: Reader, attempt: Attempt): Promise<string | undefined> {
  const [row] = await db.select({ id: tables.invites.id }).from(tables.invites).where(admits(tables, attempt))
  return row?.id
}

/** An invite for an address, that is good at this moment: of several, the newest. */
export async function findInviteOf(
  { db, tables }: Reader,
  { email, now }: Omit<Attempt, 'codeHash'>,
): Promise<Pick<Invite, 'id' | 'codeHash'> | undefined> {
  const { invites } = tables
  const [row] = await db
    .select({ id: invites.id, codeHash: invites.codeHash })
    .from(invites)
    .where(and(eq(invites.email, email), isOpen(tables, now)))
    .orderBy(desc(invites.createdAt))
    .limit(1)
  return row
}

/**
 * Uses up the invite of a registration whose address was confirmed now. It was open when the registration came; that it has
 * expired meanwhile does not matter. @returns false if it was used or revoked before
 */
export async function takeReservedInvite(
  { db, tables: { invites } }: Tx,
  id: string,
  now: number,
): Promise<boolean> {
  const taken = await db
    .update(invites)
    .set({ usedAt: now })
    .where(and(eq(invites.id, id), isNull(invites.usedAt), isNull(invites.revokedAt)))
    .returning({ id: invites.id })
  return taken.length === 1
}

/** Uses an invite up: of all who try at the same time, this one statement gives it to one. @returns its id */
export async function takeInvite({ db, tables }: Tx, attempt: Attempt): Promise<string | undefined> {
  const [taken] = await db
    .update(tables.invites)
    .set({ usedAt: attempt.now })
    .where(admits(tables, attempt))
    .returning({ id: tables.invites.id })
  return taken?.id
}

/** Notes whose the invite is, in the transaction that took it and made the account. */
export async function noteInvited(
  { db, tables: { invites } }: Tx,
  id: string,
  accountId: string,
): Promise<void> {
  await db.update(invites).set({ usedBy: accountId }).where(eq(invites.id, id))
}

/** An invite, and the address of the account that it was used for. */
export interface ListedInvite {
  readonly invite: Invite
  readonly usedByEmail: string | null
}

const listed = ({ db, tables: { accounts, invites } }: Reader) =>
  db
    .select({ invite: invites, usedByEmail: accounts.email })
    .from(invites)
    .leftJoin(accounts, eq(accounts.id, invites.usedBy))

/** Newest first. */
export const listInvites = async (reader: Reader): Promise<ListedInvite[]> => {
  const { invites } = reader.tables
  return listed(reader).orderBy(desc(invites.createdAt), invites.id)
}

export async function findInvite(reader: Reader, id: string): Promise<ListedInvite | undefined> {
  const [row] = await listed(reader).where(eq(reader.tables.invites.id, id))
  return row
}

/** Revokes an open invite; one that is used, expired or revoked stays as it is. */
export async function revokeInvite({ db, tables }: Tx, id: string, now: number): Promise<void> {
  await db
    .update(tables.invites)
    .set({ revokedAt: now })
    .where(and(eq(tables.invites.id, id), isOpen(tables, now)))
}

/** Revokes every invite that is open. @returns how many there were */
export async function revokeOpenInvites({ db, tables }: Tx, now: number): Promise<number> {
  const { invites } = tables
  const revoked = await db
    .update(invites)
    .set({ revokedAt: now })
    .where(isOpen(tables, now))
    .returning({ id: invites.id })
  return revoked.length
}
