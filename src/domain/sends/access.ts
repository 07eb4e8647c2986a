// What strangers do with the link of a send. Each opening is counted on its row: of all who try at the same time, through whichever
// processes, as many get it as may.
import { and, type Column, eq, gt, isNull, lt, or, sql } from 'drizzle-orm'
import { type Clock, minutes } from '../../clock.ts'
import type { Random } from '../../random.ts'
import { type Reader, type Store, Unchanged } from '../../store/store.ts'
import type { Visitor } from '../caller.ts'
import { toBase64url, uuidFromBytes, uuidToBytes } from '../encoding.ts'
import { openToken, sealToken } from '../expiring-tokens.ts'
import { noteBitwardenChange } from '../identity/bitwarden-accounts.ts'
import type { PasswordHasher } from '../identity/password-hasher.ts'
import { countGuess } from '../rate-limits/guesses.ts'
import type { RateLimiter } from '../rate-limits/limiter.ts'
import { hashSecret, isSameHash } from '../secret-hash.ts'
import type { ServerKeys } from '../server-keys.ts'
import { isHere } from '../vaults/announced-files.ts'
import type { AttachmentPlace } from '../vaults/attachments.ts'
import type { AttachmentRow } from '../vaults/rows.ts'
import { sendsWithFiles } from './read.ts'
import type { Send, SendRow } from './rows.ts'

/** How long the bearer of a right password may ask for the send. */
const grantedFor = minutes(5)

const aboutGrant = 'send'
const idBytes = 16

interface Needs {
  readonly clock: Clock
  readonly keys: Pick<ServerKeys, 'bitwardenLinks'>
  readonly limiter: RateLimiter
  readonly passwordHasher: PasswordHasher
  readonly random: Random
  readonly store: Store
}

/** What a link has instead of the id: its 16 bytes. */
export const toAccessId = (id: string): string => toBase64url(uuidToBytes(id))

const accessIdForm = /^[\w-]{21}[AQgw]$/
const uuidForm = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The id in a link, in either form. @returns undefined for anything else */
function fromAccessId(text: string): string | undefined {
  const id = text.toLowerCase()
  if (uuidForm.test(id)) return id
  return accessIdForm.test(text) ? uuidFromBytes(Buffer.from(text, 'base64url')) : undefined
}

/** Whether strangers may open it still. */
function isOpen({ send, file }: Send, now: number): boolean {
  const { accessCount, deletesAt, expiresAt, isDisabled, maxAccessCount, type } = send
  return (
    !isDisabled &&
    now < deletesAt &&
    (expiresAt === null || now < expiresAt) &&
    (maxAccessCount === null || accessCount < maxAccessCount) &&
    (type === 'text' || (file !== null && isHere(file)))
  )
}

/** A send that strangers may open. @returns undefined if there is none, or none any more */
export async function findOpenSend(
  { clock, store }: Pick<Needs, 'clock' | 'store'>,
  accessId: string,
): Promise<Send | undefined> {
  const id = fromAccessId(accessId)
  if (id === undefined) return undefined
  const [found] = await store.read((reader) => sendsWithFiles(reader).where(eq(reader.tables.sends.id, id)))
  return found && isOpen(found, clock.now()) ? found : undefined
}

/**
 * Whether a visitor has what a send asks for. Throws `too-many-requests`, and `unavailable` while too many passwords are checked.
 * @param password what clients derive from it; undefined if none was given
 */
export async function checkSendPassword(
  { limiter, passwordHasher }: Pick<Needs, 'limiter' | 'passwordHasher'>,
  visitor: Visitor,
  { id, passwordVerifier }: SendRow,
  password: Uint8Array | undefined,
): Promise<'right' | 'wrong' | 'needed'> {
  if (passwordVerifier === null) return 'right'
  if (password === undefined) return 'needed'
  const isRight = await countGuess(limiter, visitor, id, () =>
    passwordHasher.verify(passwordVerifier, password),
  )
  return isRight ? 'right' : 'wrong'
}

/** What was to be proved for a grant: another password, or other readers, end it. */
const proofMark = ({ passwordVerifier, readerEmails }: SendRow) =>
  hashSecret(`${passwordVerifier ?? ''}\0${readerEmails ?? ''}`)

/** What a visitor who has proved what the send asks for shows from then on. Times are milliseconds since 1970. */
export function grantSend(
  { clock, keys, random }: Pick<Needs, 'clock' | 'keys' | 'random'>,
  send: SendRow,
): { token: string; lifetime: number } {
  const content = Buffer.concat([uuidToBytes(send.id), proofMark(send)])
  const expiresAt = clock.now() + grantedFor
  const sealing = { key: keys.bitwardenLinks, random }
  return { token: sealToken(sealing, aboutGrant, { content, expiresAt }), lifetime: grantedFor }
}

/** What a grant is for, before its send was looked at. */
export interface SendGrant {
  readonly sendId: string
  readonly proofMark: Uint8Array
}

/** @returns undefined unless `grantSend` made it, and its time is not over */
export function readGrant(
  { clock, keys }: Pick<Needs, 'clock' | 'keys'>,
  token: string,
): SendGrant | undefined {
  const opened = openToken(keys.bitwardenLinks, aboutGrant, token, clock.now())
  if (!opened) return undefined
  const { content } = opened
  return { sendId: uuidFromBytes(content.subarray(0, idBytes)), proofMark: content.subarray(idBytes) }
}

/** The send that a grant is for. @returns undefined if it cannot be opened any more, or asks for something else */
export async function findGrantedSend(
  needs: Pick<Needs, 'clock' | 'store'>,
  { sendId, proofMark: given }: SendGrant,
): Promise<Send | undefined> {
  const found = await findOpenSend(needs, sendId)
  return found && isSameHash(proofMark(found.send), given) ? found : undefined
}

/**
 * The file of a send for the bearer of its address, which was counted when it was given.
 * @returns undefined if its owner has disabled or deleted the send since, or its end has come
 */
export async function findSendFile(
  { clock, store }: Pick<Needs, 'clock' | 'store'>,
  { itemId, attachmentId }: AttachmentPlace,
): Promise<AttachmentRow | undefined> {
  const [found] = await store.read((reader) =>
    sendsWithFiles(reader).where(eq(reader.tables.sends.id, itemId)),
  )
  const { file, send } = found ?? {}
  if (!file || !send || file.id !== attachmentId || !isHere(file)) return undefined
  return send.isDisabled || clock.now() >= send.deletesAt ? undefined : file
}

/** The address of a send's owner. @returns null if the owner hides it */
export async function creatorOf(
  { db, tables: { accounts } }: Reader,
  { accountId, hidesEmail }: SendRow,
): Promise<string | null> {
  if (hidesEmail) return null
  const [owner] = await db.select({ email: accounts.email }).from(accounts).where(eq(accounts.id, accountId))
  return owner?.email ?? null
}

const isStill = (column: Column, value: string | null) =>
  value === null ? isNull(column) : eq(column, value)

/**
 * Opens a send and counts that. What it asks for was proved before: if it asks for something else since, it stays closed.
 * @returns the send as it is then; undefined if it cannot be opened any more
 */
export const openSend = (
  { clock, store }: Pick<Needs, 'clock' | 'store'>,
  { id, accountId, passwordVerifier, readerEmails }: SendRow,
): Promise<SendRow | undefined> =>
  store.write(async (tx) => {
    const now = clock.now()
    const { sends } = tx.tables
    // The row of the account comes first, as in every change of its owner's.
    const owner = { accountId, deviceIdentifier: null }
    const revisionAt = await noteBitwardenChange(tx, owner, { now, what: 'send-changed', id })
    const [opened] = await tx.db
      .update(sends)
      .set({ accessCount: sql`${sends.accessCount} + 1`, revisionAt })
      .where(
        and(
          eq(sends.id, id),
          eq(sends.isDisabled, false),
          gt(sends.deletesAt, now),
          or(isNull(sends.expiresAt), gt(sends.expiresAt, now)),
          or(isNull(sends.maxAccessCount), lt(sends.accessCount, sends.maxAccessCount)),
          isStill(sends.passwordVerifier, passwordVerifier),
          isStill(sends.readerEmails, readerEmails),
        ),
      )
      .returning()
    return opened ?? new Unchanged(undefined)
  })
