// Files beside items: found, listed and read. What uploads them is in attachment-uploads.ts, what deletes one in attachment-deletion.ts.
import { and, asc, desc, eq, gt, lte, sql } from 'drizzle-orm'
import { statement } from '../../store/statement.ts'
import type { Reader, Store } from '../../store/store.ts'
import type { VaultCaller } from '../caller.ts'
import { notFound } from '../failure.ts'
import type { ItemPlace } from './attachment-naming.ts'
import { getItem } from './items.ts'
import type { Page } from './pages.ts'
import type { AttachmentRow } from './rows.ts'
import { requireVault } from './vaults.ts'

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

/**
 * How much is read at a time. Postgres sends bytes as a text of twice their length: this much fits into one read of its connection,
 * and into the youngest part of the heap, which is swept often. Larger pieces pile up.
 */
const pieceBytes = 16 * 1024

const chunkAtStatement = statement(({ db, tables: { attachmentChunks, attachments } }: Reader) =>
  db
    .select({
      data: sql<Uint8Array>`substr(${attachmentChunks.data}, cast(${sql.placeholder('position')} - ${attachmentChunks.offset} + 1 as integer), cast(${sql.placeholder('length')} as integer))`,
    })
    .from(attachmentChunks)
    .innerJoin(
      attachments,
      and(
        eq(attachments.vaultId, attachmentChunks.vaultId),
        eq(attachments.itemId, attachmentChunks.itemId),
        eq(attachments.id, attachmentChunks.attachmentId),
      ),
    )
    .where(
      and(
        eq(attachmentChunks.vaultId, sql.placeholder('vaultId')),
        eq(attachmentChunks.itemId, sql.placeholder('itemId')),
        eq(attachmentChunks.attachmentId, sql.placeholder('id')),
        lte(attachmentChunks.offset, sql.placeholder('position')),
        eq(attachments.upload, sql.placeholder('upload')),
      ),
    )
    .orderBy(desc(attachmentChunks.offset))
    .limit(1)
    .prepare('attachment_chunk_at'),
)

/**
 * The bytes of a file, read one stored piece at a time: nothing is held in the database while a reader takes its time. Fails if the
 * file is deleted meanwhile.
 * @param range the first and the last byte
 */
export async function* readAttachment(
  store: Pick<Store, 'read'>,
  { vaultId, itemId, id, upload }: AttachmentRow,
  { first, last }: { first: number; last: number },
): AsyncGenerator<Uint8Array> {
  for (let position = first; position <= last; ) {
    const length = Math.min(pieceBytes, last + 1 - position)
    const [chunk] = await store.read((reader) =>
      chunkAtStatement(reader).execute({ vaultId, itemId, id, upload, position, length }),
    )
    const data = chunk?.data
    if (!data || data.length === 0) throw notFound()
    position += data.length
    yield data
  }
}
