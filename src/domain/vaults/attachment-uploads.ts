// Uploads of files, in parts that can be sent again. A file belongs to its item once the item is written with its id
// (attachment-naming.ts); an upload that no item names goes a day after its last part.
import { and, asc, eq, lte, sql } from 'drizzle-orm'
import { type Clock, hours } from '../../clock.ts'
import type { Allowed } from '../../contract/quotas.ts'
import { limits } from '../../contract/sizes.ts'
import { freeMemory } from '../../free-memory.ts'
import type { Random } from '../../random.ts'
import { statement } from '../../store/statement.ts'
import { type Store, type Tx, Unchanged } from '../../store/store.ts'
import { formatFileSize } from '../../units.ts'
import type { VaultCaller } from '../caller.ts'
import { Failure, notFound } from '../failure.ts'
import { addUsage, allowedToReseal, noGrowth, type QuotaSettings, spendQuota } from '../quotas/usage.ts'
import { forgetObjects } from './attachment-objects.ts'
import { type AttachmentPlace, findAttachment } from './attachments.ts'
import { type AttachmentRow, type KeyChanged, rotationOf, takesKey } from './rows.ts'
import { withCount } from './vault-lists.ts'
import { holdOwnVault, holdVault } from './vault-row.ts'

/** How long an upload waits for its next part, or for the item that names it. */
export const uploadLifetime = hours(24)

/** A file is stored in pieces of this size. The last piece of a part may be smaller. */
const chunkBytes = limits.attachmentPartBytes

/** Most uploads that are deleted in one turn; the rest has its turn an hour later. */
const maxAtOnce = 1000

export interface AttachmentSettings {
  /** Bytes of the largest file, sealed. */
  readonly attachmentBytes: number
}

interface Needs {
  readonly clock: Clock
  readonly config: QuotaSettings & AttachmentSettings
  readonly random: Random
  readonly store: Store
}

/** A part of a file, or all of it. */
export interface Part {
  /** Of the whole file. */
  readonly total: number
  /** Where the part begins. */
  readonly first: number
  /** How long it is. */
  readonly length: number
  readonly keyVersion: number
  /** Its bytes, read no faster than they are stored; their memory is freed then. Fails if they do not come to their end. */
  readonly content: AsyncIterable<Uint8Array>
}

const wrongOffset = (receivedBytes: number) =>
  new Failure('upload-offset', `The server has the first ${receivedBytes} bytes of this file.`, {
    receivedBytes,
  })

const ofPlace = ({ attachments }: Tx['tables'], { vaultId, itemId, attachmentId }: AttachmentPlace) =>
  and(eq(attachments.vaultId, vaultId), eq(attachments.itemId, itemId), eq(attachments.id, attachmentId))

/** What a part begins with: the row as it is then. `isWhole` if the file was here already, and nothing is to be done. */
interface Begun {
  readonly kind: 'begun'
  readonly row: AttachmentRow
  readonly isNew: boolean
  readonly isWhole: boolean
}

/** Makes room for a new file. Throws `quota-exceeded`. */
async function insertUpload(tx: Tx, accountId: string, row: AttachmentRow, allowed: Allowed): Promise<Begun> {
  await tx.db.insert(tx.tables.attachments).values(row)
  await spendQuota(tx, accountId, { ...noGrowth, attachmentBytes: row.bytes }, allowed)
  return { kind: 'begun', row, isNew: true, isWhole: false }
}

/** Begins an upload again: what had arrived of it is dropped, and a client that still sends to the old one is refused. */
export async function restartUpload(
  { db, tables }: Tx,
  place: AttachmentPlace,
  { upload, now }: { upload: string; now: number },
): Promise<AttachmentRow | undefined> {
  const { vaultId, itemId, attachmentId } = place
  const { attachmentChunks } = tables
  const [row] = await db
    .update(tables.attachments)
    .set({ upload, receivedBytes: 0, expiresAt: now + uploadLifetime })
    .where(ofPlace(tables, place))
    .returning()
  await db
    .delete(attachmentChunks)
    .where(
      and(
        eq(attachmentChunks.vaultId, vaultId),
        eq(attachmentChunks.itemId, itemId),
        eq(attachmentChunks.attachmentId, attachmentId),
      ),
    )
  return row
}

/** Finds or makes what a part is added to. Its vault is held, so that vault, item and file stay as they are found. */
async function beginPart(
  tx: Tx,
  caller: VaultCaller,
  place: AttachmentPlace,
  { total, first, keyVersion }: Part,
  { now, upload, config }: { now: number; upload: string; config: QuotaSettings },
): Promise<Begun | KeyChanged | Unchanged<Begun | KeyChanged>> {
  const vault = await holdOwnVault(tx, caller, place.vaultId)
  if (!takesKey(vault, keyVersion))
    return new Unchanged<KeyChanged>({ kind: 'key-changed', current: await withCount(tx, vault) })
  const known = await findAttachment(tx, place)
  if (!known) {
    if (first > 0) throw wrongOffset(0)
    const { vaultId, itemId, attachmentId: id } = place
    const [receivedBytes, createdAt, expiresAt] = [0, now, now + uploadLifetime]
    const row = { vaultId, itemId, id, bytes: total, receivedBytes, keyVersion, createdAt, expiresAt, upload }
    const isResealed = keyVersion === rotationOf(vault)?.keyVersion
    const allowed = isResealed ? allowedToReseal(config.quotas) : config.quotas
    const [fileName, fileKey] = [null, null]
    return insertUpload(tx, vault.accountId, { ...row, place: 'database', fileName, fileKey }, allowed)
  }
  if (known.bytes !== total || known.keyVersion !== keyVersion)
    throw new Failure('id-taken', 'There is another file with this id beside the item.')
  if (known.receivedBytes === total)
    return new Unchanged<Begun>({ kind: 'begun', row: known, isNew: false, isWhole: true })
  if (first > 0 && first !== known.receivedBytes) throw wrongOffset(known.receivedBytes)
  const row = first > 0 ? known : await restartUpload(tx, place, { upload, now })
  if (!row) throw notFound()
  return { kind: 'begun', row, isNew: false, isWhole: false }
}

const growUploadStatement = statement(({ db, tables: { attachments } }: Tx) =>
  db
    .update(attachments)
    .set({
      receivedBytes: sql`${attachments.receivedBytes} + ${sql.placeholder('length')}`,
      expiresAt: sql`${sql.placeholder('expiresAt')}`,
    })
    .where(
      and(
        eq(attachments.vaultId, sql.placeholder('vaultId')),
        eq(attachments.itemId, sql.placeholder('itemId')),
        eq(attachments.id, sql.placeholder('attachmentId')),
        eq(attachments.upload, sql.placeholder('upload')),
        eq(attachments.receivedBytes, sql.placeholder('offset')),
      ),
    )
    .returning()
    .prepare('grow_upload'),
)

const insertChunkStatement = statement(({ db, tables: { attachmentChunks } }: Tx) =>
  db
    .insert(attachmentChunks)
    .values({
      vaultId: sql.placeholder('vaultId'),
      itemId: sql.placeholder('itemId'),
      attachmentId: sql.placeholder('attachmentId'),
      offset: sql.placeholder('offset'),
      data: sql.placeholder('data'),
    })
    .prepare('insert_attachment_chunk'),
)

/**
 * Adds bytes to an upload. Of two that send to it at once, one is refused: `upload-offset`. Throws `not-found` if it is gone.
 * The file's row is enough to hold: deleting it waits for this, or is found here.
 */
export async function addChunk(
  tx: Tx,
  place: AttachmentPlace,
  { upload, offset, data, now }: { upload: string; offset: number; data: Uint8Array; now: number },
): Promise<AttachmentRow> {
  const expiresAt = now + uploadLifetime
  const [row] = await growUploadStatement(tx).execute({
    ...place,
    upload,
    offset,
    length: data.length,
    expiresAt,
  })
  if (row) {
    await insertChunkStatement(tx).execute({ ...place, offset, data })
    return row
  }
  const known = await findAttachment(tx, place)
  if (!known) throw notFound()
  throw wrongOffset(known.receivedBytes)
}

const wrongLength = () =>
  new Failure('malformed-request', 'The bytes of the file are not as many as were announced.', {
    errors: [{ path: 'body', message: 'Expected as many bytes as were announced' }],
  })

/**
 * Bytes in pieces of `chunkBytes`, and what is left once all have come. Each is good until the next one is asked for: all of them are
 * in the same memory. Throws `malformed-request` unless there are `least` to `most` bytes.
 */
export async function* inChunks(
  content: AsyncIterable<Uint8Array>,
  { least, most }: { least: number; most: number },
): AsyncGenerator<Uint8Array> {
  const chunk = Buffer.allocUnsafeSlow(Math.min(chunkBytes, most))
  let [filled, size] = [0, 0]
  for await (const arrived of content) {
    size += arrived.length
    if (size > most) throw wrongLength()
    for (let taken = 0; taken < arrived.length; ) {
      const count = Math.min(chunk.length - filled, arrived.length - taken)
      chunk.set(arrived.subarray(taken, taken + count), filled)
      taken += count
      filled += count
      if (filled < chunk.length) continue
      yield chunk
      filled = 0
    }
    freeMemory(arrived)
  }
  if (size < least) throw wrongLength()
  if (filled > 0) yield chunk.subarray(0, filled)
  freeMemory(chunk)
}

/**
 * Takes a part of a file, in short transactions: none is open while the client sends. If the client goes away, the pieces that were
 * stored stay, and a later part goes on behind them. The length of the whole file is reserved with its first part.
 *
 * Throws `not-found`, `too-large`, `quota-exceeded`, `id-taken` for another file under the id, `upload-offset` if the part does not
 * begin where the upload ends, `malformed-request` if it has another length, and what `content` throws.
 * @returns the file, and whether this part has begun it; or that the vault takes nothing under its key
 */
export async function uploadPart(
  { clock, config, random, store }: Needs,
  caller: VaultCaller,
  place: AttachmentPlace,
  part: Part,
): Promise<{ kind: 'stored'; row: AttachmentRow; isNew: boolean } | KeyChanged> {
  if (part.total > config.attachmentBytes)
    throw new Failure(
      'too-large',
      `A file here has ${formatFileSize(config.attachmentBytes)} at the most, sealed.`,
    )
  const begun = await store.write((tx) =>
    beginPart(tx, caller, place, part, { now: clock.now(), upload: random.uuid(), config }),
  )
  if (begun.kind === 'key-changed') return begun
  const { isNew, isWhole } = begun
  let { row } = begun
  if (isWhole) return { kind: 'stored', row, isNew }
  let offset = part.first
  for await (const data of inChunks(part.content, { least: part.length, most: part.length })) {
    const chunk = { upload: begun.row.upload, offset, data, now: clock.now() }
    row = await store.write((tx) => addChunk(tx, place, chunk))
    offset += data.length
  }
  return { kind: 'stored', row, isNew }
}

/** Deletes an upload if it has still run out, which its next part or its item decides before or after this. */
async function deleteOldUpload(
  tx: Tx,
  { vaultId, itemId, id }: Pick<AttachmentRow, 'vaultId' | 'itemId' | 'id'>,
  now: number,
): Promise<void> {
  const vault = await holdVault(tx, vaultId)
  if (!vault) return
  const { attachments } = tx.tables
  const deleted = await tx.db
    .delete(attachments)
    .where(and(ofPlace(tx.tables, { vaultId, itemId, attachmentId: id }), lte(attachments.expiresAt, now)))
    .returning()
  await forgetObjects(tx, deleted)
  for (const { bytes } of deleted)
    await addUsage(tx, vault.accountId, { ...noGrowth, attachmentBytes: -bytes })
}

/** Deletes the uploads that no item has named in time, and gives back what was reserved for them. */
export async function deleteOldUploads({ store }: Pick<Needs, 'store'>, now: number): Promise<void> {
  const old = await store.read(({ db, tables: { attachments } }) =>
    db
      .select({ vaultId: attachments.vaultId, itemId: attachments.itemId, id: attachments.id })
      .from(attachments)
      .where(lte(attachments.expiresAt, now))
      .orderBy(asc(attachments.expiresAt))
      .limit(maxAtOnce),
  )
  for (const upload of old) await store.write((tx) => deleteOldUpload(tx, upload, now))
}
