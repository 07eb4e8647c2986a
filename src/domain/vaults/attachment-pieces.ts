// The bytes of files that are in the database, read some at a time.
import { and, desc, eq, lte, sql } from 'drizzle-orm'
import { statement } from '../../store/statement.ts'
import type { Reader, Store } from '../../store/store.ts'
import { notFound } from '../failure.ts'
import type { AttachmentRow } from './rows.ts'

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
 * The bytes of a file that is in the database, some at a time. Fails with `not-found` once they are not there any more.
 * @param range the first and the last byte
 */
export async function* readPieces(
  store: Pick<Store, 'read'>,
  { vaultId, itemId, id, upload }: Pick<AttachmentRow, 'vaultId' | 'itemId' | 'id' | 'upload'>,
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
