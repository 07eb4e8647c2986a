// Files of Bitwarden's apps: announced with a length, a name and a key, and then sent as a whole, by clients that do not always announce
// the length that they send. What they belong to, an item or a send, names them once they are here.
import { and, asc, eq, inArray, isNotNull, isNull } from 'drizzle-orm'
import type { Clock } from '../../clock.ts'
import type { Random } from '../../random.ts'
import { type Reader, type Store, type Tx, Unchanged } from '../../store/store.ts'
import { formatFileSize } from '../../units.ts'
import type { VaultCaller } from '../caller.ts'
import { Failure, notFound } from '../failure.ts'
import { addUsage, noGrowth, type QuotaSettings, spendQuota } from '../quotas/usage.ts'
import { freeFiles } from './attachment-naming.ts'
import {
  type AttachmentSettings,
  addChunk,
  inChunks,
  restartUpload,
  uploadLifetime,
} from './attachment-uploads.ts'
import { type AttachmentPlace, findAttachment } from './attachments.ts'
import type { AttachmentRow } from './rows.ts'
import { holdOwnVault, holdVault } from './vault-row.ts'

/** How much longer or shorter than announced a file may be, in bytes. So much more is reserved until it is here. */
const slack = 1024 * 1024

/** Keys of files of these accounts have no versions. */
const keyVersion = 1

interface AnnouncedFile extends AttachmentPlace {
  readonly bytes: number
  /** Encrypted. */
  readonly fileName: string
  /** Encrypted; null if the file lies under a key of what it belongs to. */
  readonly fileKey: string | null
}

/** Throws `too-large`. */
export function requireFileSize(bytes: number, { attachmentBytes }: AttachmentSettings): void {
  if (bytes > attachmentBytes)
    throw new Failure(
      'too-large',
      `A file here has ${formatFileSize(attachmentBytes)} at the most, encrypted.`,
    )
}

/**
 * Makes room for a file that is to follow; its vault is held. It goes in a day unless it has arrived by then. Throws `too-large` and
 * `quota-exceeded`.
 */
export async function announceFile(
  tx: Tx,
  accountId: string,
  { attachmentId, bytes, ...file }: AnnouncedFile,
  { now, upload, config }: { now: number; upload: string; config: QuotaSettings & AttachmentSettings },
): Promise<AttachmentRow> {
  requireFileSize(bytes, config)
  const row: AttachmentRow = {
    ...file,
    id: attachmentId,
    bytes: bytes + slack,
    receivedBytes: 0,
    keyVersion,
    upload,
    place: 'database',
    createdAt: now,
    expiresAt: now + uploadLifetime,
  }
  await tx.db.insert(tx.tables.attachments).values(row)
  await spendQuota(tx, accountId, { ...noGrowth, attachmentBytes: bytes }, config.quotas)
  await addUsage(tx, accountId, { ...noGrowth, attachmentBytes: slack })
  return row
}

/** How long a file was announced to be, while it is not here. */
const announcedBytes = ({ bytes }: Pick<AttachmentRow, 'bytes'>): number => bytes - slack

/** How long a file was announced to be, in bytes; or how long it is, once it is here. */
export const fileBytes = (file: AttachmentRow): number => (isHere(file) ? file.bytes : announcedBytes(file))

/** Whether a file is here, and belongs to what names it. */
export const isHere = ({ expiresAt }: Pick<AttachmentRow, 'expiresAt'>): boolean => expiresAt === null

interface Needs {
  readonly clock: Clock
  readonly config: QuotaSettings
  readonly random: Random
  readonly store: Store
}

/** Begins to receive, anew if some of it had arrived. @returns the row, which `isHere` if there is nothing to do */
async function begin(
  tx: Tx,
  caller: VaultCaller,
  place: AttachmentPlace,
  stamp: { now: number; upload: string },
) {
  await holdOwnVault(tx, caller, place.vaultId)
  const known = await findAttachment(tx, place)
  if (known && isHere(known)) return new Unchanged(known)
  const row = known && (await restartUpload(tx, place, stamp))
  if (!row) throw notFound()
  return row
}

/** Deletes what was announced, and gives its room back, unless the file is here, or is sent anew by now. */
async function dropAnnounced(tx: Tx, place: AttachmentPlace, upload: string): Promise<void> {
  const { vaultId, itemId, attachmentId } = place
  const vault = await holdVault(tx, vaultId)
  const known = vault && (await findAttachment(tx, place))
  if (!known || isHere(known) || known.upload !== upload) return
  const freed = await freeFiles(tx, { vaultId, itemId }, [attachmentId])
  await addUsage(tx, vault.accountId, { ...noGrowth, attachmentBytes: -freed })
}

/**
 * Deletes what was announced for items and is not here, and gives its room back: its key lies under one that goes. The vault is held.
 * @param itemId of one item; of all if it is left out
 */
export async function dropAnnouncedOf(
  tx: Tx,
  { vaultId, itemId }: { readonly vaultId: string; readonly itemId?: string },
): Promise<void> {
  const { attachments } = tx.tables
  const dropped = await tx.db
    .delete(attachments)
    .where(
      and(
        eq(attachments.vaultId, vaultId),
        itemId === undefined ? undefined : eq(attachments.itemId, itemId),
        isNotNull(attachments.fileKey),
        isNotNull(attachments.expiresAt),
      ),
    )
    .returning({ bytes: attachments.bytes })
  const freed = dropped.reduce((sum, { bytes }) => sum + bytes, 0)
  // The vault of these accounts has the id of the account.
  if (freed > 0) await addUsage(tx, vaultId, { ...noGrowth, attachmentBytes: -freed })
}

/** Makes what a file belongs to name it, in the transaction in which the file is here; the vault is held. */
type NameFile = (tx: Tx, row: AttachmentRow) => Promise<void>

/** Receives what `begin` has begun. */
async function receive(
  { clock, config, store }: Needs,
  caller: VaultCaller,
  { place, begun }: { readonly place: AttachmentPlace; readonly begun: AttachmentRow },
  content: AsyncIterable<Uint8Array>,
  name: NameFile,
): Promise<void> {
  const { upload } = begun
  let offset = 0
  const sizes = { least: Math.max(1, announcedBytes(begun) - slack), most: begun.bytes - 1 }
  for await (const data of inChunks(content, sizes)) {
    const chunk = { upload, offset, data, now: clock.now() }
    await store.write((tx) => addChunk(tx, place, chunk))
    offset += data.length
  }
  await store.write(async (tx) => {
    const { accountId } = await holdOwnVault(tx, caller, place.vaultId)
    const { attachments } = tx.tables
    const [row] = await tx.db
      .update(attachments)
      .set({ bytes: offset, expiresAt: null })
      .where(
        and(
          eq(attachments.vaultId, place.vaultId),
          eq(attachments.itemId, place.itemId),
          eq(attachments.id, place.attachmentId),
          eq(attachments.upload, upload),
          eq(attachments.receivedBytes, offset),
        ),
      )
      .returning()
    if (!row) throw notFound()
    await name(tx, row)
    const longer = offset - announcedBytes(begun)
    await addUsage(tx, accountId, { ...noGrowth, attachmentBytes: -slack })
    await spendQuota(tx, accountId, { ...noGrowth, attachmentBytes: longer }, config.quotas)
  })
}

/**
 * Takes a file that was announced, in short transactions: none is open while the client sends. A file that is here already stays as
 * it is. Clients announce again after a failure, so what fails takes the announcement with it: otherwise a few lost connections would fill
 * the quota for a day. Throws `not-found`, `malformed-request` if the file has another length, `quota-exceeded`, `upload-offset` if it is
 * sent a second time meanwhile, and what `content` throws.
 */
export async function receiveFile(
  needs: Needs,
  caller: VaultCaller,
  place: AttachmentPlace,
  content: AsyncIterable<Uint8Array>,
  name: NameFile,
): Promise<void> {
  const { clock, random, store } = needs
  const begun = await store.write((tx) =>
    begin(tx, caller, place, { now: clock.now(), upload: random.uuid() }),
  )
  if (isHere(begun)) return
  try {
    await receive(needs, caller, { place, begun }, content, name)
  } catch (error) {
    // If the database fails too, the announcement goes in a day.
    await store.write((tx) => dropAnnounced(tx, place, begun.upload)).catch(() => {})
    throw error
  }
}

/** The files of items, by the item, oldest first: those that are here. */
export async function filesOfItems(
  { db, tables: { attachments } }: Reader,
  { vaultId, itemIds }: { vaultId: string; itemIds: readonly string[] },
): Promise<ReadonlyMap<string, AttachmentRow[]>> {
  if (itemIds.length === 0) return new Map()
  const rows = await db
    .select()
    .from(attachments)
    .where(
      and(
        eq(attachments.vaultId, vaultId),
        inArray(attachments.itemId, [...itemIds]),
        isNull(attachments.expiresAt),
      ),
    )
    .orderBy(asc(attachments.createdAt), asc(attachments.id))
  return Map.groupBy(rows, ({ itemId }) => itemId)
}
