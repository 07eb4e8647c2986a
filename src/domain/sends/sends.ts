// Sends, as their owner has them: texts and files under a link. What strangers do with the link is in access.ts. A send counts as an item of
// its owner's. A file of one is a file of the vault, beside the send instead of an item.
import { type Clock, days, hours } from '../../clock.ts'
import type { Random } from '../../random.ts'
import type { Store } from '../../store/store.ts'
import { VaultCaller } from '../caller.ts'
import { notFound } from '../failure.ts'
import type { PasswordHasher } from '../identity/password-hasher.ts'
import type { MailSettings } from '../mail/settings.ts'
import { noGrowth, type QuotaSettings, spendQuota } from '../quotas/usage.ts'
import { announceFile, receiveFile, requireFileSize } from '../vaults/announced-files.ts'
import type { AttachmentSettings } from '../vaults/attachment-uploads.ts'
import { holdOwnVault } from '../vaults/vault-row.ts'
import { beginChange, mistake, type SendOwner } from './change.ts'
import { getSend, ofOwner } from './read.ts'
import { requireReaderMail, toReaderEmails } from './readers.ts'
import type { Send, SendRow } from './rows.ts'

/** How far ahead the deletion of a send may be. An hour more than clients say: clocks differ. */
const longestLife = days(31) + hours(1)

/** What readers prove beside having the link: a password, of which this is what clients derive, or that one of the addresses is theirs. */
type ReaderProof =
  | { readonly kind: 'password'; readonly password: Uint8Array }
  | { readonly kind: 'emails'; readonly emails: readonly string[] }

export type NewProof = ReaderProof | { readonly kind: 'none' }

/** Another one; or as it was, if it was a password or in any case. Clients do not have the password, to send it again. */
export type ReplacedProof = ReaderProof | { readonly kind: 'kept-password' } | { readonly kind: 'kept' }

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

export type NewSend = SendContent & { readonly proof: NewProof } & (
    | { readonly type: 'text' }
    | { readonly type: 'file'; readonly file: { readonly name: string; readonly bytes: number } }
  )

interface Needs {
  readonly clock: Clock
  readonly config: QuotaSettings & AttachmentSettings & MailSettings
  readonly passwordHasher: PasswordHasher
  readonly random: Random
  readonly store: Store
}

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

/** What changes with a proof: there is never more than one. Throws `email-off`. */
async function proofColumns(
  proof: NewProof | ReplacedProof,
  { config, passwordHasher }: Pick<Needs, 'config' | 'passwordHasher'>,
): Promise<Partial<Pick<SendRow, 'passwordVerifier' | 'readerEmails'>>> {
  switch (proof.kind) {
    case 'password':
      return { passwordVerifier: await passwordHasher.hash(proof.password), readerEmails: null }
    case 'emails':
      requireReaderMail(config)
      return { passwordVerifier: null, readerEmails: toReaderEmails(proof.emails) }
    case 'none':
    case 'kept-password':
      return { readerEmails: null }
    case 'kept':
      return {}
  }
}

/** Makes a send; one of a file waits for its file for a day. Throws `malformed-request`, `email-off`, `too-large` and `quota-exceeded`. */
export async function createSend(needs: Needs, caller: SendOwner, content: NewSend): Promise<Send> {
  const { clock, config, random, store } = needs
  const now = clock.now()
  const { accountId } = caller
  requireTimes(content, now, { isNew: true })
  if (content.type === 'file') requireFileSize(content.file.bytes, config)
  const proof = await proofColumns(content.proof, needs)
  const [id, fileId, upload] = [random.uuid(), random.uuid(), random.uuid()]
  return store.write(async (tx) => {
    if (content.type === 'file') await holdOwnVault(tx, VaultCaller.bySession(caller), accountId)
    const revisionAt = await beginChange(tx, caller, { now, what: 'send-made', id })
    const send: SendRow = {
      ...contentOf(content),
      passwordVerifier: null,
      readerEmails: null,
      ...proof,
      id,
      accountId,
      type: content.type,
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

/**
 * Replaces what its owner says of a send. Its file and its count stay, and without another proof what readers prove: clients do not have
 * the password to send it again. Throws `not-found`, `malformed-request`, `email-off` and `quota-exceeded`.
 */
export async function replaceSend(
  needs: Needs,
  caller: SendOwner,
  sendId: string,
  content: SendContent & {
    readonly type: SendRow['type']
    readonly proof: ReplacedProof
  },
): Promise<Send> {
  const { clock, config, store } = needs
  const now = clock.now()
  const before = await store.read((reader) => getSend(reader, caller, sendId))
  requireTimes(content, now, { isNew: false })
  if (before.send.type !== content.type) throw mistake('type', 'A Send stays what it is: a text, or a file.')
  const proof = await proofColumns(content.proof, needs)
  return store.write(async (tx) => {
    const { sends } = tx.tables
    const revisionAt = await beginChange(tx, caller, { now, what: 'send-changed', id: sendId })
    const known = await getSend(tx, caller, sendId)
    const changed = { ...contentOf(content), ...proof, revisionAt }
    await tx.db
      .update(sends)
      .set(changed)
      .where(ofOwner(tx.tables, caller.accountId, sendId))
    const bytes = content.data.length - known.send.data.length
    await spendQuota(tx, caller.accountId, { ...noGrowth, bytes }, config.quotas)
    return { send: { ...known.send, ...changed }, file: known.file }
  })
}

/** Lets all who have its link open a send, without a password or a code; throws `not-found`. */
export const removeSendProof = (
  { clock, store }: Pick<Needs, 'clock' | 'store'>,
  caller: SendOwner,
  sendId: string,
): Promise<Send> =>
  store.write(async (tx) => {
    const now = clock.now()
    const revisionAt = await beginChange(tx, caller, { now, what: 'send-changed', id: sendId })
    const { send, file } = await getSend(tx, caller, sendId)
    const changed = { revisionAt, passwordVerifier: null, readerEmails: null }
    await tx.db
      .update(tx.tables.sends)
      .set(changed)
      .where(ofOwner(tx.tables, caller.accountId, sendId))
    return { send: { ...send, ...changed }, file }
  })

/** Takes the file of a send. Throws as `receiveFile` does; without its file the send goes within a minute. */
export async function receiveSendFile(
  needs: Needs,
  caller: SendOwner,
  { sendId, fileId }: { sendId: string; fileId: string },
  content: AsyncIterable<Uint8Array>,
): Promise<void> {
  const place = { vaultId: caller.accountId, itemId: sendId, attachmentId: fileId }
  const { send } = await needs.store.read((reader) => getSend(reader, caller, sendId))
  if (send.fileId !== fileId) throw notFound()
  await receiveFile(needs, VaultCaller.bySession(caller), place, content, async (tx) => {
    const now = needs.clock.now()
    const { sends } = tx.tables
    const revisionAt = await beginChange(tx, caller, { now, what: 'send-changed', id: sendId })
    await tx.db
      .update(sends)
      .set({ revisionAt })
      .where(ofOwner(tx.tables, caller.accountId, sendId))
  })
}
