// Making and changing one item. Its body goes through the same versions, quotas and locks as those of native items.
import { and, eq } from 'drizzle-orm'
import type { Tx } from '../../store/store.ts'
import { VaultCaller } from '../caller.ts'
import { noteBitwardenChange } from '../identity/bitwarden-accounts.ts'
import { dropAnnouncedOf } from '../vaults/announced-files.ts'
import type { ItemWrite } from '../vaults/item-rules.ts'
import { applyItemWrites } from '../vaults/item-writes.ts'
import type { ItemRow } from '../vaults/rows.ts'
import { beginChange, holdForChange, inPieces, lineOf, type Needs, requireFolder } from './change.ts'
import { bodyOf, type CipherContent, type CipherType, keyIn, type LeftOut, withKept } from './content.ts'
import { getCipher } from './read.ts'
import {
  type CipherCaller,
  type CipherHead,
  type CipherRow,
  type KnownRevision,
  refused,
  refusedMember,
  requireKnown,
} from './rows.ts'

/** A key or a name of a file anew, because what it is encrypted under has changed. */
interface RenamedFile {
  readonly fileName: string
  readonly key: string | null
}

/** An item as a client writes it. */
export interface CipherWrite {
  readonly type: CipherType
  readonly content: CipherContent
  readonly folderId: string | null
  /** Undefined if it is left out. */
  readonly isFavorite: boolean | undefined
  /** Milliseconds since 1970; undefined if it is left out. */
  readonly archivedAt: number | null | undefined
  /** The account and the key that the client has encrypted it for, where it says so. */
  readonly encryptedFor: string | undefined
  readonly encryptedByKeyId: string | undefined
  /** Undefined if the client does not say. */
  readonly known: KnownRevision | undefined
  readonly leftOut: LeftOut
  /** By the ids of files. */
  readonly files: ReadonlyMap<string, RenamedFile>
}

/** Throws `malformed-request` if the item was encrypted for somebody else, or under a key that the account no longer has. */
export async function requireOwnKey(
  { db, tables: { bitwardenAccounts } }: Tx,
  { accountId }: CipherCaller,
  { encryptedFor, encryptedByKeyId }: Pick<CipherWrite, 'encryptedFor' | 'encryptedByKeyId'>,
): Promise<void> {
  if (encryptedFor !== undefined && encryptedFor !== accountId)
    throw refusedMember(
      'encryptedFor',
      'The item is encrypted for another account. Log out, and log in again.',
    )
  if (encryptedByKeyId === undefined) return
  const [account] = await db
    .select({ userKeyId: bitwardenAccounts.userKeyId })
    .from(bitwardenAccounts)
    .where(eq(bitwardenAccounts.accountId, accountId))
  if (account?.userKeyId && account.userKeyId !== encryptedByKeyId)
    throw refusedMember(
      'encryptedByKeyId',
      'The item is encrypted under another key than that of the account. Log out, and log in again.',
    )
}

/** Writes bodies of items, and keeps what they replace. @returns the rows; their order is that of the writes */
async function writeBodies(
  tx: Tx,
  caller: CipherCaller,
  writes: readonly ItemWrite[],
  { now, config }: { now: number; config: Needs['config'] },
): Promise<ItemRow[]> {
  const outcome = await applyItemWrites(tx, VaultCaller.bySession(caller), caller.accountId, {
    writes,
    now,
    allowed: config.quotas,
  })
  if (!('kind' in outcome) || outcome.kind !== 'applied')
    throw new Error('A write of items that expects nothing met a conflict')
  return outcome.rows
}

/** A body under the only key that vaults of these accounts have. */
const put = (id: string, body: Uint8Array, expected: 'nothing' | 'anything'): ItemWrite => ({
  op: 'put',
  id,
  data: body,
  keyVersion: 1,
  expected,
})

/** A new item, of which nothing is left to be made but the id. */
export interface NewCipher
  extends Pick<CipherHead, 'type' | 'folderId' | 'isFavorite' | 'archivedAt'>,
    Pick<CipherWrite, 'encryptedFor' | 'encryptedByKeyId'> {
  readonly body: Uint8Array
}

/** What a client gives as a new item. Throws `malformed-request` and `too-large`. */
export const newCipher = ({
  type,
  content,
  folderId,
  isFavorite = false,
  archivedAt = null,
  encryptedFor,
  encryptedByKeyId,
}: CipherWrite): NewCipher => ({
  type,
  folderId,
  isFavorite,
  archivedAt,
  encryptedFor,
  encryptedByKeyId,
  body: bodyOf(type, content),
})

/** Adds items under new ids. The vault and the row of `bitwarden_accounts` are held. Throws `quota-exceeded`. */
export async function insertCiphers(
  tx: Tx,
  caller: CipherCaller,
  made: readonly NewCipher[],
  { now, revisionAt, ids }: { now: number; revisionAt: number; ids: readonly string[] },
  { config }: Pick<Needs, 'config'>,
): Promise<CipherRow[]> {
  const rows: CipherRow[] = made.map(({ type, folderId, isFavorite, archivedAt, body }, index) => ({
    ...{ id: ids[index] ?? '', type, folderId, isFavorite, archivedAt, revisionAt, deletedAt: null },
    ...{ createdAt: now, body, files: [] },
  }))
  for await (const piece of inPieces(rows)) {
    const writes = piece.map(({ id, body }) => put(id, body, 'nothing'))
    await writeBodies(tx, caller, writes, { now, config })
    await tx.db.insert(tx.tables.ciphers).values(
      piece.map(({ id, createdAt: _, body: __, files: ___, ...head }) => ({
        ...head,
        vaultId: caller.accountId,
        itemId: id,
      })),
    )
  }
  return rows
}

/** Makes an item. Throws `malformed-request`, `too-large` and `quota-exceeded`. */
export function createCipher(needs: Needs, caller: CipherCaller, write: CipherWrite): Promise<CipherRow> {
  const { clock, random, store } = needs
  const [id, made] = [random.uuid(), newCipher(write)]
  return store.write(async (tx) => {
    const now = clock.now()
    await holdForChange(tx, caller, now)
    await requireOwnKey(tx, caller, made)
    await requireFolder(tx, caller, made.folderId)
    const revisionAt = await noteBitwardenChange(tx, caller, { now, what: 'item-made', id })
    const [row] = await insertCiphers(tx, caller, [made], { now, revisionAt, ids: [id] }, needs)
    if (!row) throw new Error('An item was made without a row')
    return row
  }, lineOf(caller))
}

/** Puts names and keys of an item's files in place of those that are stored. Ids of other files are passed over. */
async function renameFiles(
  { db, tables: { attachments } }: Tx,
  { accountId }: CipherCaller,
  itemId: string,
  files: ReadonlyMap<string, RenamedFile>,
): Promise<void> {
  for (const [id, { fileName, key }] of files)
    await db
      .update(attachments)
      .set({ fileName, fileKey: key })
      .where(and(eq(attachments.vaultId, accountId), eq(attachments.itemId, itemId), eq(attachments.id, id)))
}

async function updateHead(
  { db, tables: { ciphers } }: Tx,
  { accountId }: CipherCaller,
  id: string,
  head: Partial<CipherHead>,
): Promise<void> {
  await db
    .update(ciphers)
    .set(head)
    .where(and(eq(ciphers.vaultId, accountId), eq(ciphers.itemId, id)))
}

/**
 * What is stored of a change. A client that knows neither item keys nor revisions keeps what it leaves out, and must not change
 * an item that has a key of its own: it would write some of it under the user key.
 */
function contentAfter(write: CipherWrite, current: CipherRow): CipherContent {
  const { type, content, encryptedFor, known, leftOut } = write
  if (encryptedFor !== undefined || known !== undefined) return content
  if (content.key === null && keyIn(current.body) !== null)
    throw refused(
      "This app does not know the item's own key, and would destroy the item. Change it with another app.",
    )
  return type === current.type ? withKept(type, content, leftOut, current.body) : content
}

/** Throws `malformed-request` if a file of the item would stay under a key that goes. */
function requireAllFiles({ files }: CipherWrite, current: CipherRow): void {
  if (current.files.some(({ id }) => !files.has(id)))
    throw refusedMember(
      'attachments2',
      'A file of the item would be lost with the key that it lies under. Sync, and change the item again.',
    )
}

/**
 * Replaces an item; the version before is kept. Throws `not-found`, `malformed-request` if the item is no longer as the client has
 * loaded it, `too-large` and `quota-exceeded`.
 */
export function replaceCipher(
  needs: Needs,
  caller: CipherCaller,
  id: string,
  write: CipherWrite,
): Promise<CipherRow> {
  const { clock, config, store } = needs
  const { encryptedFor, known } = write
  const isOfficial = encryptedFor !== undefined || known !== undefined
  return store.write(async (tx) => {
    const now = clock.now()
    await holdForChange(tx, caller, now)
    const current = await getCipher(tx, caller, id)
    requireKnown(current, known)
    await requireOwnKey(tx, caller, write)
    await requireFolder(tx, caller, write.folderId)
    const content = contentAfter(write, current)
    const body = bodyOf(write.type, content)
    const isOtherKey = content.key !== keyIn(current.body)
    if (isOtherKey) requireAllFiles(write, current)
    const revisionAt = await noteBitwardenChange(tx, caller, { now, what: 'item-changed', id })
    if (isOtherKey) await dropAnnouncedOf(tx, { vaultId: caller.accountId, itemId: id })
    await writeBodies(tx, caller, [put(id, body, 'anything')], { now, config })
    await renameFiles(tx, caller, id, write.files)
    const head = {
      type: write.type,
      folderId: write.folderId,
      isFavorite: write.isFavorite ?? (isOfficial ? false : current.isFavorite),
      archivedAt: write.archivedAt === undefined ? current.archivedAt : write.archivedAt,
      revisionAt,
    }
    await updateHead(tx, caller, id, head)
    const files = write.files.size === 0 ? current.files : (await getCipher(tx, caller, id)).files
    return { ...current, ...head, body, files }
  }, lineOf(caller))
}

/** Puts an item into a folder, or takes it out, and makes it a favourite or not. Throws `not-found` and `malformed-request`. */
export function placeCipher(
  { clock, store }: Pick<Needs, 'clock' | 'store'>,
  caller: CipherCaller,
  id: string,
  place: Pick<CipherHead, 'folderId' | 'isFavorite'>,
): Promise<CipherRow> {
  return store.write(async (tx) => {
    const now = clock.now()
    await beginChange(tx, caller, now)
    const current = await getCipher(tx, caller, id)
    await requireFolder(tx, caller, place.folderId)
    const revisionAt = await noteBitwardenChange(tx, caller, { now, what: 'item-changed', id })
    await updateHead(tx, caller, id, { ...place, revisionAt })
    return { ...current, ...place, revisionAt }
  }, lineOf(caller))
}
