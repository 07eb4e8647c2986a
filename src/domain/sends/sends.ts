// Sends, as their owner has them: texts and files under a link. What strangers do with the link is in access.ts. A send counts as an item of
// its owner's. A file of one is a file of the vault, beside the send instead of an item.
import { and, asc, eq, isNotNull, isNull, lte } from 'drizzle-orm'
import { type Clock, days, hours } from '../../clock.ts'
import type { Random } from '../../random.ts'
import type { Reader, Store, Tx } from '../../store/store.ts'
import { type Caller, VaultCaller } from '../caller.ts'
import { Failure, notFound } from '../failure.ts'
import { noteBitwardenChange } from '../identity/bitwarden-accounts.ts'
import type { PasswordHasher } from '../identity/password-hasher.ts'
import { isLiving } from '../identity/sessions.ts'
import { addUsage, noGrowth, type QuotaSettings, spendQuota } from '../quotas/usage.ts'
import { announceFile, receiveFile, requireFileSize } from '../vaults/announced-files.ts'
import { freeFilesOf } from '../vaults/attachment-naming.ts'
import type { AttachmentSettings } from '../vaults/attachment-uploads.ts'
import { holdOwnVault, holdVault } from '../vaults/vaults.ts'
import type { Send, SendRow } from './rows.ts'

/** How far ahead the deletion of a send may be. An hour more than clients say: clocks differ. */
const longestLife = days(31) + hours(1)

/** Most that are deleted in one turn; the rest has its turn a minute later. */
const maxAtOnce = 1000

/** The owner of sends, at one of its devices. */
export interface SendOwner extends Caller {
  readonly deviceIdentifier: string | null
}

/** What its owner says of a send. */
export interface SendContent {
  /** The canonical JSON of what the owner's client has encrypted. */
  readonly data: Uint8Array
  readonly maxAccessCount: number | null
  readonly isDisabled: boolean
  readonly hidesEmail: boolean
  readonly expiresAt: number | null
  readonly deletesAt: number
}

export type NewSend = SendContent & {
  /** What clients derive from the password; null without one. */
  readonly password: Uint8Array | null
} & (
    | { readonly type: 'text' }
    | { readonly type: 'file'; readonly file: { readonly name: string; readonly bytes: number } }
  )

interface Needs {
  readonly clock: Clock
  readonly config: QuotaSettings & AttachmentSettings
  readonly passwordHasher: PasswordHasher
  readonly random: Random
  readonly store: Store
}

const ofOwner = ({ sends }: Reader['tables'], accountId: string, sendId: string) =>
  and(eq(sends.id, sendId), eq(sends.accountId, accountId))

/** Each send with its file, in a query that says which. */
export const sendsWithFiles = ({ db, tables: { attachments, sends } }: Reader) =>
  db
    .select({ send: sends, file: attachments })
    .from(sends)
    .leftJoin(
      attachments,
      and(
        eq(attachments.vaultId, sends.accountId),
        eq(attachments.itemId, sends.id),
        eq(attachments.id, sends.fileId),
      ),
    )

/** All sends of an account, oldest first. */
export const listSends = (reader: Reader, accountId: string): Promise<Send[]> => {
  const { sends } = reader.tables
  return sendsWithFiles(reader)
    .where(eq(sends.accountId, accountId))
    .orderBy(asc(sends.createdAt), asc(sends.id))
}

/** A send of the caller's; throws `not-found`. */
export async function getSend(reader: Reader, { accountId }: Caller, sendId: string): Promise<Send> {
  const [found] = await sendsWithFiles(reader).where(ofOwner(reader.tables, accountId, sendId))
  if (!found) throw notFound()
  return found
}

const mistake = (path: string, message: string) =>
  new Failure('malformed-request', message, { errors: [{ path, message }] })

/** Throws `malformed-request`. An end in the past is none only where there was none before: what has ended can be edited. */
function requireTimes(
  { expiresAt, deletesAt }: SendContent,
  now: number,
  { isNew }: { isNew: boolean },
): void {
  if (deletesAt <= now) throw mistake('deletionDate', 'A Send cannot be deleted in the past.')
  if (deletesAt > now + longestLife)
    throw mistake('deletionDate', 'A Send is deleted after 31 days at the latest.')
  if (isNew && expiresAt !== null && expiresAt <= now)
    throw mistake('expirationDate', 'A Send cannot expire in the past.')
}

const contentOf = ({ data, maxAccessCount, isDisabled, hidesEmail, expiresAt, deletesAt }: SendContent) => ({
  data,
  maxAccessCount,
  isDisabled,
  hidesEmail,
  expiresAt,
  deletesAt,
})

/**
 * Begins a change of the owner's, and holds the account. Throws `not-authenticated` if the session has ended meanwhile: who changes
 * the keys of an account ends its sessions, and nothing that was encrypted under the old ones must come after.
 * @returns the revision of the account, in milliseconds since 1970
 */
async function beginChange(
  tx: Tx,
  caller: SendOwner,
  change: { now: number; what: 'send-made' | 'send-changed' | 'send-deleted'; id: string },
): Promise<number> {
  const revisionAt = await noteBitwardenChange(tx, caller, change)
  if (await isLiving(tx, caller, change.now)) return revisionAt
  throw new Failure('not-authenticated', 'This session has ended. Log in again.')
}

/** Makes a send; one of a file waits for its file for a day. Throws `malformed-request`, `too-large` and `quota-exceeded`. */
export async function createSend(needs: Needs, caller: SendOwner, content: NewSend): Promise<Send> {
  const { clock, config, passwordHasher, random, store } = needs
  const now = clock.now()
  const { accountId } = caller
  requireTimes(content, now, { isNew: true })
  if (content.type === 'file') requireFileSize(content.file.bytes, config)
  const passwordVerifier = content.password && (await passwordHasher.hash(content.password))
  const [id, fileId, upload] = [random.uuid(), random.uuid(), random.uuid()]
  return store.write(async (tx) => {
    if (content.type === 'file') await holdOwnVault(tx, VaultCaller.bySession(caller), accountId)
    const revisionAt = await beginChange(tx, caller, { now, what: 'send-made', id })
    const send: SendRow = {
      ...contentOf(content),
      id,
      accountId,
      type: content.type,
      passwordVerifier,
      accessCount: 0,
      createdAt: now,
      revisionAt,
      fileId: content.type === 'file' ? fileId : null,
    }
    await tx.db.insert(tx.tables.sends).values(send)
    await spendQuota(tx, accountId, { ...noGrowth, items: 1, bytes: send.data.length }, config.quotas)
    if (content.type === 'text') return { send, file: null }
    const { name: fileName, bytes } = content.file
    const announced = { vaultId: accountId, itemId: id, attachmentId: fileId, fileName, fileKey: null, bytes }
    return { send, file: await announceFile(tx, accountId, announced, { now, upload, config }) }
  })
}

/** Replaces what its owner says of a send. Its file, its count, and its password if none is given, stay. Throws `not-found`, `malformed-request` and `quota-exceeded`. */
export async function replaceSend(
  { clock, config, passwordHasher, store }: Needs,
  caller: SendOwner,
  sendId: string,
  content: SendContent & { readonly type: SendRow['type']; readonly password: Uint8Array | null },
): Promise<Send> {
  const now = clock.now()
  const before = await store.read((reader) => getSend(reader, caller, sendId))
  requireTimes(content, now, { isNew: false })
  if (before.send.type !== content.type) throw mistake('type', 'A Send stays what it is: a text, or a file.')
  const password = content.password && (await passwordHasher.hash(content.password))
  return store.write(async (tx) => {
    const { sends } = tx.tables
    const revisionAt = await beginChange(tx, caller, { now, what: 'send-changed', id: sendId })
    const known = await getSend(tx, caller, sendId)
    const changed = {
      ...contentOf(content),
      revisionAt,
      ...(password !== null && { passwordVerifier: password }),
    }
    await tx.db
      .update(sends)
      .set(changed)
      .where(ofOwner(tx.tables, caller.accountId, sendId))
    const bytes = content.data.length - known.send.data.length
    await spendQuota(tx, caller.accountId, { ...noGrowth, bytes }, config.quotas)
    return { send: { ...known.send, ...changed }, file: known.file }
  })
}

/** Takes the password off a send; throws `not-found`. */
export const removeSendPassword = (
  { clock, store }: Pick<Needs, 'clock' | 'store'>,
  caller: SendOwner,
  sendId: string,
): Promise<Send> =>
  store.write(async (tx) => {
    const now = clock.now()
    const revisionAt = await beginChange(tx, caller, { now, what: 'send-changed', id: sendId })
    const { send, file } = await getSend(tx, caller, sendId)
    const changed = { revisionAt, passwordVerifier: null }
    await tx.db
      .update(tx.tables.sends)
      .set(changed)
      .where(ofOwner(tx.tables, caller.accountId, sendId))
    return { send: { ...send, ...changed }, file }
  })

/** Deletes the row of a send and its file, and gives back what they took. The vault is held. */
async function removeSend(tx: Tx, { id, accountId, data }: SendRow): Promise<void> {
  const removed = await tx.db
    .delete(tx.tables.sends)
    .where(eq(tx.tables.sends.id, id))
    .returning({ id: tx.tables.sends.id })
  const freed = await freeFilesOf(tx, accountId, [id])
  const usage = removed.length === 0 ? noGrowth : { ...noGrowth, items: -1, bytes: -data.length }
  await addUsage(tx, accountId, { ...usage, attachmentBytes: -freed })
}

/** Deletes a send; throws `not-found`. */
export const deleteSend = (
  { clock, store }: Pick<Needs, 'clock' | 'store'>,
  caller: SendOwner,
  sendId: string,
): Promise<void> =>
  store.write(async (tx) => {
    await holdOwnVault(tx, VaultCaller.bySession(caller), caller.accountId)
    await beginChange(tx, caller, { now: clock.now(), what: 'send-deleted', id: sendId })
    const { send } = await getSend(tx, caller, sendId)
    await removeSend(tx, send)
  })

/**
 * Takes the file of a send. Throws as `receiveFile` does; what is too long or too short for what was announced takes the send with
 * it.
 */
export async function receiveSendFile(
  needs: Needs,
  caller: SendOwner,
  { sendId, fileId }: { sendId: string; fileId: string },
  content: AsyncIterable<Uint8Array>,
): Promise<void> {
  const place = { vaultId: caller.accountId, itemId: sendId, attachmentId: fileId }
  const { send } = await needs.store.read((reader) => getSend(reader, caller, sendId))
  if (send.fileId !== fileId) throw notFound()
  try {
    await receiveFile(needs, VaultCaller.bySession(caller), place, content, async (tx) => {
      const now = needs.clock.now()
      const { sends } = tx.tables
      const revisionAt = await beginChange(tx, caller, { now, what: 'send-changed', id: sendId })
      await tx.db
        .update(sends)
        .set({ revisionAt })
        .where(ofOwner(tx.tables, caller.accountId, sendId))
    })
  } catch (error) {
    if (error instanceof Failure && error.code === 'malformed-request')
      await deleteSend(needs, caller, sendId)
    throw error
  }
}

/**
 * Puts the sends of an account under its new key: all of them, and no other. Vault and account are held. Throws `malformed-request`,
 * and `not-found` for nothing.
 */
export async function replaceSends(
  tx: Tx,
  accountId: string,
  given: readonly { readonly id: string; readonly data: Uint8Array }[],
  { revisionAt }: { readonly revisionAt: number },
): Promise<void> {
  const { sends } = tx.tables
  const known = await tx.db.select().from(sends).where(eq(sends.accountId, accountId))
  const data = new Map(given.map((send) => [send.id, send.data]))
  if (known.length !== given.length || known.some(({ id }) => !data.has(id)))
    throw mistake(
      'accountData.sends',
      'The key changes for all Sends of the account at once. Sync, and try again.',
    )
  let bytes = 0
  for (const send of known) {
    const replaced = data.get(send.id) ?? send.data
    bytes += replaced.length - send.data.length
    await tx.db.update(sends).set({ data: replaced, revisionAt }).where(eq(sends.id, send.id))
  }
  await addUsage(tx, accountId, { ...noGrowth, bytes })
}

/** Deletes a send by its end, or without its file, if that is still so. */
async function deleteEnded(tx: Tx, { id, accountId }: SendRow, now: number): Promise<void> {
  if (!(await holdVault(tx, accountId))) return
  const [found] = await sendsWithFiles(tx).where(eq(tx.tables.sends.id, id))
  if (!found) return
  const { send, file } = found
  if (send.deletesAt > now && (send.fileId === null || file !== null)) return
  await noteBitwardenChange(tx, { accountId, deviceIdentifier: null }, { now, what: 'send-deleted', id })
  await removeSend(tx, send)
}

/** Deletes the sends whose end has come, and those of files that never arrived. */
export async function deleteOldSends({ store }: Pick<Needs, 'store'>, now: number): Promise<void> {
  const old = await store.read(({ db, tables: { sends } }) =>
    db.select().from(sends).where(lte(sends.deletesAt, now)).orderBy(asc(sends.deletesAt)).limit(maxAtOnce),
  )
  const empty = await store.read((reader) => {
    const { attachments, sends } = reader.tables
    return sendsWithFiles(reader)
      .where(and(isNotNull(sends.fileId), isNull(attachments.id)))
      .limit(maxAtOnce)
  })
  for (const send of [...old, ...empty.map(({ send }) => send)])
    await store.write((tx) => deleteEnded(tx, send, now))
}

/**
 * After a restore: disables all sends. Since the backup they may have been opened as often as they may be, deleted, or given a password;
 * their owner can enable them again. @returns how many there were
 */
export async function disableSends({ db, tables: { sends } }: Tx): Promise<number> {
  const disabled = await db
    .update(sends)
    .set({ isDisabled: true })
    .where(eq(sends.isDisabled, false))
    .returning({ id: sends.id })
  return disabled.length
}
