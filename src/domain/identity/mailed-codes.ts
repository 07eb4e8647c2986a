// Codes of six digits by mail, with which the owner of a mailbox shows that it is theirs. Each is made from a random nonce under a key of
// the server, so that the database alone has none. An account has one code for each purpose.
import { createHmac, type KeyObject } from 'node:crypto'
import { and, eq, type InferSelectModel, sql } from 'drizzle-orm'
import { type Clock, minutes } from '../../clock.ts'
import type { Random } from '../../random.ts'
import type { Tables } from '../../store/schema.ts'
import type { Reader, Tx } from '../../store/store.ts'
import { holdAccount } from '../account-row.ts'
import { enqueueMail } from '../mail/outbox.ts'
import { isSameHash } from '../secret-hash.ts'
import type { ServerKeys } from '../server-keys.ts'

/** What codes are for. A code for one purpose is none for another. */
export const codePurposes = ['proof', 'new-address', 'second-factor', 'factor-address', 'new-device'] as const
export type CodePurpose = (typeof codePurposes)[number]

/** For a reader of one of the account's sends: each reader of each send has a code of their own. */
type ReaderPurpose = `send ${string}`

/** @param email of the reader, in its normalized form */
export const readerPurpose = (sendId: string, email: string): ReaderPurpose => `send ${sendId} ${email}`

type CodeRow = InferSelectModel<Tables['mailedCodes']>

const nonceBytes = 16
const digits = 6

export const codeValidForMs = minutes(15)

/** A code that is about to expire is replaced and not sent again: mail takes a while. */
const leastLeftMs = minutes(5)

/**
 * Wrong codes until none works any more. A new code does not begin the count anew before the old one would have expired, so that no
 * more than these can be tried in that time.
 */
const maxAttempts = 5

/** Which code is meant. */
export interface CodeSubject {
  readonly accountId: string
  readonly purpose: CodePurpose | ReaderPurpose
  /** What it is about beside the account, such as an address that is to be confirmed; null for nothing. */
  readonly detail: string | null
}

/** The key of the server that codes are made under. */
type Keys = Pick<ServerKeys, 'mailedCodes'>

const of = ({ mailedCodes }: Tables, { accountId, purpose }: Pick<CodeSubject, 'accountId' | 'purpose'>) =>
  and(eq(mailedCodes.accountId, accountId), eq(mailedCodes.purpose, purpose))

async function findRow(
  { db, tables }: Reader,
  subject: Pick<CodeSubject, 'accountId' | 'purpose'>,
): Promise<CodeRow | undefined> {
  const [row] = await db.select().from(tables.mailedCodes).where(of(tables, subject))
  return row
}

/** HMAC-SHA256 (RFC 2104) of what the code is for and the nonce; of its first 48 bits the last six decimal digits. */
function codeOf(key: KeyObject, { accountId, purpose, detail, nonce }: CodeRow): string {
  // No control character is in any of them: what stands behind one cannot be part of it.
  const about = [accountId, purpose, detail ?? '', ''].join('\0')
  const mac = createHmac('sha256', key).update(about).update(nonce).digest()
  return String(mac.readUIntBE(0, 6) % 10 ** digits).padStart(digits, '0')
}

interface Needs {
  readonly clock: Clock
  readonly random: Random
}

/**
 * Makes sure that a code waits: the one that waits for the same thing, or a new one in its place.
 * @returns false if too many wrong ones were given: then there is none until the last one has expired
 */
export async function prepareCode(tx: Tx, subject: CodeSubject, { clock, random }: Needs): Promise<boolean> {
  const { accountId, purpose, detail } = subject
  if (!(await holdAccount(tx, accountId))) return false
  const now = clock.now()
  const row = await findRow(tx, subject)
  const waiting = row && now < row.expiresAt ? row : undefined
  if (waiting && waiting.attempts >= maxAttempts) return false
  if (!waiting || waiting.detail !== detail || waiting.expiresAt - now < leastLeftMs) {
    const fresh = {
      nonce: random.bytes(nonceBytes),
      detail,
      attempts: waiting?.attempts ?? 0,
      expiresAt: now + codeValidForMs,
    }
    const { mailedCodes } = tx.tables
    await tx.db
      .insert(mailedCodes)
      .values({ accountId, purpose, ...fresh })
      .onConflictDoUpdate({ target: [mailedCodes.accountId, mailedCodes.purpose], set: fresh })
  }
  return true
}

/**
 * Has a code mailed, the waiting one or a new one.
 * @param to.email where it goes; absent for the confirmed address of the account
 * @returns false as `prepareCode` does
 */
export async function mailCode(
  tx: Tx,
  subject: CodeSubject & { readonly purpose: CodePurpose },
  needs: Needs,
  to: { readonly email?: string } = {},
): Promise<boolean> {
  if (!(await prepareCode(tx, subject, needs))) return false
  const { accountId, purpose: detail } = subject
  const mail = { id: needs.random.uuid(), accountId, kind: 'code', detail, now: needs.clock.now() } as const
  await enqueueMail(tx, { ...to, ...mail })
  return true
}

/** The code that is mailed. @returns undefined if there is none any more */
export async function codeToMail(
  reader: Reader,
  subject: Pick<CodeSubject, 'accountId' | 'purpose'>,
  { keys, now }: { readonly keys: Keys; readonly now: number },
): Promise<string | undefined> {
  const row = await findRow(reader, subject)
  return row && now < row.expiresAt ? codeOf(keys.mailedCodes, row) : undefined
}

/**
 * Whether this is the code that was mailed. A wrong one is counted, so the transaction has to be committed in either case.
 * @param isLast whether a right one is used up by this
 */
export async function checkCode(
  tx: Tx,
  subject: CodeSubject,
  { code, isLast }: { readonly code: string; readonly isLast: boolean },
  { keys, now }: { readonly keys: Keys; readonly now: number },
): Promise<boolean> {
  const { db, tables } = tx
  const { mailedCodes } = tables
  if (!(await holdAccount(tx, subject.accountId))) return false
  const row = await findRow(tx, subject)
  if (!row || row.expiresAt <= now || row.attempts >= maxAttempts) return false
  const expected = codeOf(keys.mailedCodes, row)
  const isRight = row.detail === subject.detail && isSameHash(Buffer.from(expected), Buffer.from(code.trim()))
  if (!isRight)
    await db
      .update(mailedCodes)
      .set({ attempts: sql`${mailedCodes.attempts} + 1` })
      .where(of(tables, subject))
  else if (isLast) await db.delete(mailedCodes).where(of(tables, subject))
  return isRight
}

/** Ends all codes of an account that wait: a new password is to end what was begun with the old one. */
export async function endCodes(
  { db, tables: { mailedCodes } }: Tx,
  { accountId }: { readonly accountId: string },
): Promise<void> {
  await db.delete(mailedCodes).where(eq(mailedCodes.accountId, accountId))
}
