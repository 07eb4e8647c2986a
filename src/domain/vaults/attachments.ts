// Files beside items: found, listed and read. What uploads them is in attachment-uploads.ts, what deletes one in attachment-deletion.ts.
import { Readable } from 'node:stream'
import { and, asc, eq, gt } from 'drizzle-orm'
import type { Reader, Store } from '../../store/store.ts'
import type { VaultCaller } from '../caller.ts'
import { Failure, notFound, PassingFailure } from '../failure.ts'
import type { ItemPlace } from './attachment-naming.ts'
import { type ObjectStore, objectName } from './attachment-objects.ts'
import { readPieces } from './attachment-pieces.ts'
import { getItem } from './items.ts'
import type { Page } from './pages.ts'
import type { AttachmentRow } from './rows.ts'
import { requireVault } from './vault-row.ts'

/** Where a file is. */
export interface AttachmentPlace extends ItemPlace {
  readonly attachmentId: string
}

/** A file, whole or not. The caller's vault was looked at before. */
export async function findAttachment(
  { db, tables: { attachments } }: Reader,
  { vaultId, itemId, attachmentId }: AttachmentPlace,
): Promise<AttachmentRow | undefined> {
  const [row] = await db
    .select()
    .from(attachments)
    .where(
      and(eq(attachments.vaultId, vaultId), eq(attachments.itemId, itemId), eq(attachments.id, attachmentId)),
    )
  return row
}

/** A file of the caller's vault. Throws `not-found`, also for an upload that is not whole. */
export async function getAttachment(
  reader: Reader,
  caller: VaultCaller,
  place: AttachmentPlace,
): Promise<AttachmentRow> {
  await requireVault(reader, caller, place.vaultId)
  const row = await findAttachment(reader, place)
  if (row?.receivedBytes !== row?.bytes || !row) throw notFound()
  return row
}

/** A page of the files of an item, uploads included, in the order of their ids. Throws `not-found` if there is neither item nor file. */
export async function listAttachments(
  reader: Reader,
  caller: VaultCaller,
  { vaultId, itemId }: ItemPlace,
  { limit, after = '' }: { limit: number; after: string | undefined },
): Promise<Page<AttachmentRow>> {
  await requireVault(reader, caller, vaultId)
  const { attachments } = reader.tables
  const found = await reader.db
    .select()
    .from(attachments)
    .where(and(eq(attachments.vaultId, vaultId), eq(attachments.itemId, itemId), gt(attachments.id, after)))
    .orderBy(asc(attachments.id))
    .limit(limit + 1)
  if (found.length === 0) await getItem(reader, caller, { vaultId, itemId })
  return { rows: found.slice(0, limit), more: found.length > limit }
}

interface Needs {
  readonly store: Pick<Store, 'read'>
  readonly objects: ObjectStore | undefined
}

interface Range {
  readonly first: number
  readonly last: number
}

/** Begins to read a file from the store of objects. Throws `unavailable` if that cannot be asked or does not have it. */
async function openObject(
  objects: ObjectStore | undefined,
  row: AttachmentRow,
  range: Range,
): Promise<Readable> {
  const content = await objects?.open(objectName(row), range).catch(() => undefined)
  if (content) return content
  throw new PassingFailure('unavailable', 'The store of files cannot give this file right now.', 30)
}

/** A file that is in the database, also if it is moved to the store of objects in the middle. */
async function* readHere({ store, objects }: Needs, row: AttachmentRow, { first, last }: Range) {
  let position = first
  try {
    for await (const piece of readPieces(store, row, { first, last })) {
      position += piece.length
      yield piece
    }
  } catch (error) {
    const { vaultId, itemId, id } = row
    const now = await store.read((reader) => findAttachment(reader, { vaultId, itemId, attachmentId: id }))
    const isMoved = now?.upload === row.upload && now.place === 's3'
    if (!(isMoved && error instanceof Failure)) throw error
    for await (const chunk of await openObject(objects, row, { first: position, last })) yield chunk
  }
}

/**
 * The bytes of a file, read no faster than they are taken: nothing is held in the database while a reader takes its time. It fails if
 * the file is deleted meanwhile. Throws `unavailable`.
 * @param range the first and the last byte
 */
export const openAttachment = async (needs: Needs, row: AttachmentRow, range: Range): Promise<Readable> =>
  row.place === 's3' ? openObject(needs.objects, row, range) : Readable.from(readHere(needs, row, range))
