// Files of items: announced, received, deleted. A file belongs to its item once it has arrived, and goes from the item and from its
// versions when it is deleted: clients show no versions, and an owner who deletes a file wants it gone.
import { and, count, eq } from 'drizzle-orm'
import { limits } from '../../contract/sizes.ts'
import { type Reader, type Tx, Unchanged } from '../../store/store.ts'
import { VaultCaller } from '../caller.ts'
import { notFound } from '../failure.ts'
import { noteBitwardenChange } from '../identity/bitwarden-accounts.ts'
import { addUsage, noGrowth } from '../quotas/usage.ts'
import { announceFile, isHere, receiveFile } from '../vaults/announced-files.ts'
import { forgetInVersions } from '../vaults/attachment-deletion.ts'
import { freeFiles } from '../vaults/attachment-naming.ts'
import type { AttachmentSettings } from '../vaults/attachment-uploads.ts'
import { type AttachmentPlace, findAttachment } from '../vaults/attachments.ts'
import { type AttachmentRow, namedIn, naming } from '../vaults/rows.ts'
import { beginChange, holdForChange, type Needs } from './change.ts'
import { getCipher } from './read.ts'
import { type CipherCaller, type CipherRow, type KnownRevision, refused, requireKnown } from './rows.ts'

type FileNeeds = Needs & { readonly config: AttachmentSettings }

/** A file of an item, by their ids. */
export interface CipherFile {
  readonly itemId: string
  readonly fileId: string
}

const placeOf = ({ accountId }: CipherCaller, { itemId, fileId }: CipherFile): AttachmentPlace => ({
  vaultId: accountId,
  itemId,
  attachmentId: fileId,
})

/** A file of an item of the caller's, also one that has not arrived; throws `not-found`. */
export async function getCipherFile(
  reader: Reader,
  caller: CipherCaller,
  file: CipherFile,
): Promise<{ cipher: CipherRow; file: AttachmentRow }> {
  const cipher = await getCipher(reader, caller, file.itemId)
  const row = await findAttachment(reader, placeOf(caller, file))
  if (!row) throw notFound()
  return { cipher, file: row }
}

/** Gives an item a new revision date. */
async function stamp(
  { db, tables: { ciphers } }: Tx,
  { accountId }: CipherCaller,
  id: string,
  revisionAt: number,
) {
  await db
    .update(ciphers)
    .set({ revisionAt })
    .where(and(eq(ciphers.vaultId, accountId), eq(ciphers.itemId, id)))
}

/** Throws `malformed-request` if an item has as many files as it may have, with those that are announced. */
async function requireRoom({ db, tables: { attachments } }: Tx, { accountId }: CipherCaller, itemId: string) {
  const [row] = await db
    .select({ files: count() })
    .from(attachments)
    .where(and(eq(attachments.vaultId, accountId), eq(attachments.itemId, itemId)))
  if (row && row.files >= limits.itemAttachments)
    throw refused(`An item here has ${limits.itemAttachments} files at the most. Delete one of them first.`)
}

/**
 * Announces a file, which gets a day to arrive. The item gets its new revision date now, as the client that sends the file keeps what
 * it is answered here. Throws `not-found`, `malformed-request`, `too-large` and `quota-exceeded`.
 */
export function announceCipherFile(
  { clock, config, random, store }: FileNeeds,
  caller: CipherCaller,
  itemId: string,
  {
    known,
    ...file
  }: {
    readonly bytes: number
    readonly fileName: string
    readonly fileKey: string
    readonly known: KnownRevision | undefined
  },
): Promise<{ cipher: CipherRow; file: AttachmentRow }> {
  const [fileId, upload] = [random.uuid(), random.uuid()]
  return store.write(async (tx) => {
    const now = clock.now()
    await holdForChange(tx, caller, now)
    const cipher = await getCipher(tx, caller, itemId)
    requireKnown(cipher, known)
    await requireRoom(tx, caller, itemId)
    const revisionAt = await noteBitwardenChange(tx, caller, { now, what: 'item-changed', id: itemId })
    await stamp(tx, caller, itemId, revisionAt)
    const place = placeOf(caller, { itemId, fileId })
    const row = await announceFile(tx, caller.accountId, { ...place, ...file }, { now, upload, config })
    return { cipher: { ...cipher, revisionAt }, file: row }
  })
}

/** Puts another list of files into an item, under a new revision of the vault. */
async function nameFilesAs(
  { db, tables: { items } }: Tx,
  { accountId }: CipherCaller,
  itemId: string,
  revision: number,
  change: (ids: string[]) => string[],
): Promise<void> {
  const ofItem = and(eq(items.vaultId, accountId), eq(items.id, itemId))
  const [item] = await db.select({ attachments: items.attachments }).from(items).where(ofItem)
  if (!item) throw notFound()
  await db
    .update(items)
    .set({ attachments: naming(change(namedIn(item))), revision })
    .where(ofItem)
}

/**
 * Takes the bytes of a file. The revision date of its item stays, because the client that sends it is not told of another one; the hubs are
 * told. Throws as `receiveFile` does.
 */
export async function receiveCipherFile(
  needs: FileNeeds,
  caller: CipherCaller,
  file: CipherFile,
  content: AsyncIterable<Uint8Array>,
): Promise<void> {
  const { clock, store } = needs
  const { itemId, fileId } = file
  await store.read((reader) => getCipherFile(reader, caller, file))
  await receiveFile(needs, VaultCaller.bySession(caller), placeOf(caller, file), content, async (tx) => {
    const now = clock.now()
    const { revision } = await beginChange(tx, caller, now)
    await noteBitwardenChange(tx, caller, { now, what: 'item-changed', id: itemId })
    await nameFilesAs(tx, caller, itemId, revision, (ids) => [...ids, fileId])
  })
}

/**
 * Deletes a file, or the announcement of one. One that is gone already is none: apps ask this of an upload that has failed, and would show
 * a refusal in place of what was wrong with it. Throws `not-found` without the item. @returns the item as it is then
 */
export function deleteCipherFile(
  { clock, store }: Pick<Needs, 'clock' | 'store'>,
  caller: CipherCaller,
  { itemId, fileId }: CipherFile,
): Promise<CipherRow> {
  return store.write(async (tx) => {
    const now = clock.now()
    const { revision } = await beginChange(tx, caller, now)
    const cipher = await getCipher(tx, caller, itemId)
    const known = await findAttachment(tx, placeOf(caller, { itemId, fileId }))
    if (!known) return new Unchanged(cipher)
    const revisionAt = await noteBitwardenChange(tx, caller, { now, what: 'item-changed', id: itemId })
    await stamp(tx, caller, itemId, revisionAt)
    const place = { vaultId: caller.accountId, itemId }
    if (isHere(known)) {
      await nameFilesAs(tx, caller, itemId, revision, (ids) => ids.filter((id) => id !== fileId))
      await forgetInVersions(tx, place, fileId)
    }
    const freed = await freeFiles(tx, place, [fileId])
    await addUsage(tx, caller.accountId, { ...noGrowth, attachmentBytes: -freed })
    const files = cipher.files.filter(({ id }) => id !== fileId)
    return { ...cipher, revisionAt, files }
  })
}
