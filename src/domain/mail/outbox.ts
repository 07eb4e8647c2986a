// The outbox: mail that is to be sent, until it is. What is in a mail is made when it is sent, so that no text and no token waits
// in the database.
import { and, asc, count, eq, inArray, lte, min, sql } from 'drizzle-orm'
import { days, hours, minutes, seconds } from '../../clock.ts'
import type { Reader, Tx } from '../../store/store.ts'
import type { MailKind } from '../../store/tables/mail.ts'
import { announce } from '../live/announcements.ts'

export interface Mail {
  readonly id: string
  /** The account that it is about; null if it is about none. */
  readonly accountId: string | null
  /** The registration that it is about, which waits for its confirmation; null if it is about none. */
  readonly registrationId: string | null
  /** Where it goes; null for the present address of the account or registration. */
  readonly email: string | null
  readonly kind: MailKind
  /** With `new-device`: how the device calls itself. With `account-changed`: which change. With `code`: what it is for. */
  readonly detail: string | null
  readonly createdAt: number
  readonly attempts: number
}

/** After the first, second, … attempt; then hourly. */
const retryDelays = [seconds(10), minutes(1), minutes(5), minutes(15), hours(1)]

/** Older mail is not worth sending. */
const keptForMs = days(3)

/** For as long as one process is sending, no other one takes the same mail. */
const leaseMs = minutes(5)

const maxAtOnce = 10

/** How many of one kind about one account or registration may wait while no mail can be sent. How much is sent is bounded by the mailer. */
const maxWaiting = 50

/** What a mail is about, and where it goes if that does not say it. */
type Subject =
  | { readonly accountId: string; readonly email?: string }
  | { readonly registrationId: string }
  | { readonly email: string }

async function isFull({ db, tables: { outbox } }: Tx, mail: Subject & { kind: MailKind }): Promise<boolean> {
  if (!('accountId' in mail || 'registrationId' in mail)) return false
  const isAlike =
    'accountId' in mail
      ? eq(outbox.accountId, mail.accountId)
      : eq(outbox.registrationId, mail.registrationId)
  const [row] = await db
    .select({ waiting: count() })
    .from(outbox)
    .where(and(isAlike, eq(outbox.kind, mail.kind)))
  return (row?.waiting ?? 0) >= maxWaiting
}

/** Puts mail into the outbox, in the transaction that it tells of. Beyond a number that waits already it is left out. */
export async function enqueueMail(
  tx: Tx,
  mail: Subject & { id: string; kind: MailKind; detail?: string; now: number },
): Promise<void> {
  const { id, kind, detail = null, now } = mail
  const accountId = 'accountId' in mail ? mail.accountId : null
  const registrationId = 'registrationId' in mail ? mail.registrationId : null
  const email = 'email' in mail && mail.email !== undefined ? mail.email : null
  if (await isFull(tx, mail)) return
  const stamp = { createdAt: now, attempts: 0, nextAttemptAt: now }
  await tx.db
    .insert(tx.tables.outbox)
    .values({ id, accountId, registrationId, email, kind, detail, ...stamp })
  await announce(tx, { kind: 'mail-waits' })
}

/** Takes mail that is due, so that no other process does, with what is needed to write it. */
export async function takeDueMail({ db, tables: { outbox } }: Tx, now: number): Promise<Mail[]> {
  const due = db
    .select({ id: outbox.id })
    .from(outbox)
    .where(lte(outbox.nextAttemptAt, now))
    .orderBy(asc(outbox.nextAttemptAt))
    .limit(maxAtOnce)
  return (
    db
      .update(outbox)
      .set({ attempts: sql`${outbox.attempts} + 1`, nextAttemptAt: now + leaseMs })
      // Looked at again under the row's lock: another process may have taken it in between.
      .where(and(inArray(outbox.id, due), lte(outbox.nextAttemptAt, now)))
      .returning()
  )
}

export async function removeMail({ db, tables: { outbox } }: Tx, { id }: Mail): Promise<void> {
  await db.delete(outbox).where(eq(outbox.id, id))
}

/** Puts mail back that could not be sent. @returns whether it is still worth trying */
export async function postponeMail(tx: Tx, mail: Mail, now: number): Promise<boolean> {
  const delay = retryDelays[Math.min(mail.attempts, retryDelays.length) - 1] ?? hours(1)
  if (now + delay - mail.createdAt > keptForMs) {
    await removeMail(tx, mail)
    return false
  }
  const { outbox } = tx.tables
  await tx.db
    .update(outbox)
    .set({ nextAttemptAt: now + delay })
    .where(eq(outbox.id, mail.id))
  return true
}

/** How much mail waits, and since when. */
export async function waitingMail({
  db,
  tables: { outbox },
}: Reader): Promise<{ waiting: number; since: number | null }> {
  const [row] = await db.select({ waiting: count(), since: min(outbox.createdAt) }).from(outbox)
  return { waiting: row?.waiting ?? 0, since: row?.since ?? null }
}
