// Files in an S3-compatible store. The database decides what exists: an object is put there before a row says so, and deleted after
// the row is gone. What is left over between the two is found by looking.
import type { Readable } from 'node:stream'
import { and, asc, eq, inArray } from 'drizzle-orm'
import { type Clock, days } from '../../clock.ts'
import type { Reader, Store, Tx } from '../../store/store.ts'
import { Failure } from '../failure.ts'
import { readPieces } from './attachment-pieces.ts'
import type { AttachmentRow } from './rows.ts'

/** An object as a list shows it. */
export interface StoredObject {
  readonly name: string
  readonly bytes: number
  /** Milliseconds since 1970, by the clock of the store. */
  readonly modifiedAt: number
}

/** Where objects are. Every failure has `unavailable: true`, and a message without anything secret. */
export interface ObjectStore {
  /** Stores an object, or replaces it. */
  put(
    name: string,
    content: AsyncIterable<Uint8Array>,
    options: { length: number; signal?: AbortSignal | undefined },
  ): Promise<void>
  /** Begins to read. @param range the first and the last byte. @returns undefined if there is no such object */
  open(name: string, range: { first: number; last: number }): Promise<Readable | undefined>
  /** Deletes an object, if it is there. */
  delete(name: string): Promise<void>
  /** All objects, a page at a time. */
  list(): AsyncIterable<StoredObject[]>
}

/** What names an object: where its file is, and the random mark of its upload, so that no name is used twice. */
type Named = Pick<AttachmentRow, 'vaultId' | 'itemId' | 'id' | 'upload'>

export const objectName = ({ vaultId, itemId, id, upload }: Named) => `${vaultId}/${itemId}/${id}/${upload}`

/** An object whose row is missing is left alone for so long: a clock can be wrong, and a database restored beside its servers. */
const orphanAge = days(1)

/** Most that are looked at in one statement. */
const atOnce = 100

/** The object that says which database the others belong to. */
const ownerName = 'limpet-owner'

/** Has the objects of files deleted that are deleted in this unit of work. */
export async function forgetObjects(
  { db, tables: { deletedObjects } }: Tx,
  files: readonly (Named & Pick<AttachmentRow, 'place'>)[],
): Promise<void> {
  const names = files.flatMap((file) => (file.place === 's3' ? [{ name: objectName(file) }] : []))
  for (let from = 0; from < names.length; from += atOnce)
    await db
      .insert(deletedObjects)
      .values(names.slice(from, from + atOnce))
      .onConflictDoNothing()
}

/** The same for all files of a vault, before it is deleted. */
export async function forgetObjectsOfVault(tx: Tx, vaultId: string): Promise<void> {
  const { attachments } = tx.tables
  const stored = and(eq(attachments.vaultId, vaultId), eq(attachments.place, 's3'))
  await forgetObjects(tx, await tx.db.select().from(attachments).where(stored))
}

/** The same for all files of an account. */
export async function forgetObjectsOfAccount(tx: Tx, accountId: string): Promise<void> {
  const { vaults } = tx.tables
  const own = await tx.db.select({ id: vaults.id }).from(vaults).where(eq(vaults.accountId, accountId))
  for (const { id } of own) await forgetObjectsOfVault(tx, id)
}

interface Needs {
  readonly clock: Clock
  readonly store: Store
  /** Undefined if files stay in the database. */
  readonly objects: ObjectStore | undefined
}

/** Moves one whole file into the store of objects. Two processes that do so at once put the same object twice, and one of them wins. */
async function moveFile(
  store: Store,
  objects: ObjectStore,
  row: AttachmentRow,
  signal: AbortSignal,
): Promise<void> {
  const content = readPieces(store, row, { first: 0, last: row.bytes - 1 })
  await objects.put(objectName(row), content, { length: row.bytes, signal })
  await store.write(async (tx) => {
    const { attachmentChunks, attachments } = tx.tables
    const ofFile = and(
      eq(attachments.vaultId, row.vaultId),
      eq(attachments.itemId, row.itemId),
      eq(attachments.id, row.id),
      eq(attachments.upload, row.upload),
    )
    const found = await tx.db
      .update(attachments)
      .set({ place: 's3' })
      .where(ofFile)
      .returning({ id: attachments.id })
    // Deleted while it was moved.
    if (found.length === 0) return forgetObjects(tx, [{ ...row, place: 's3' }])
    await tx.db
      .delete(attachmentChunks)
      .where(
        and(
          eq(attachmentChunks.vaultId, row.vaultId),
          eq(attachmentChunks.itemId, row.itemId),
          eq(attachmentChunks.attachmentId, row.id),
        ),
      )
  })
}

const wholeInDatabase = ({ db, tables: { attachments } }: Reader) =>
  db
    .select()
    .from(attachments)
    .where(and(eq(attachments.place, 'database'), eq(attachments.receivedBytes, attachments.bytes)))
    .orderBy(asc(attachments.createdAt))
    .limit(atOnce)

/** Moves whole files out of the database, one after the other, until none is left or `signal` ends it. */
export async function moveFilesOut({ objects, store }: Needs, signal: AbortSignal): Promise<void> {
  if (!objects) return
  for (;;) {
    const rows = await store.read(wholeInDatabase)
    for (const row of rows) {
      if (signal.aborted) return
      try {
        await moveFile(store, objects, row, signal)
      } catch (error) {
        // Deleted, or moved by another process, while it was read.
        if (!(error instanceof Failure && error.code === 'not-found') && !signal.aborted) throw error
      }
    }
    if (rows.length < atOnce) return
  }
}

async function* onePiece(text: string) {
  yield Buffer.from(text)
}

/**
 * Whether the objects belong to this database; the first one that asks gets them. A copy of a database, restored for practice with
 * the settings of the first, would otherwise delete what the first has stored since.
 */
export async function ownsObjects(store: Pick<Store, 'read'>, objects: ObjectStore): Promise<boolean> {
  const [instance] = await store.read(({ db, tables: { instance } }) =>
    db.select({ epoch: instance.epoch }).from(instance),
  )
  if (!instance) return false
  const { epoch } = instance
  const owner = await objects.open(ownerName, { first: 0, last: 1023 })
  if (!owner) {
    await objects.put(ownerName, onePiece(epoch), { length: Buffer.byteLength(epoch) })
    return true
  }
  const read: Buffer[] = []
  for await (const chunk of owner) read.push(Buffer.from(chunk))
  return Buffer.concat(read).toString() === epoch
}

/** Deletes the objects of files that were deleted. */
export async function deleteObjects({ objects, store }: Needs): Promise<void> {
  if (!objects) return
  const names = await store.read(({ db, tables: { deletedObjects } }) =>
    db.select().from(deletedObjects).limit(1000),
  )
  if (names.length === 0 || !(await ownsObjects(store, objects))) return
  for (const { name } of names) {
    await objects.delete(name)
    await store.write(async ({ db, tables: { deletedObjects } }) => {
      await db.delete(deletedObjects).where(eq(deletedObjects.name, name))
    })
  }
}

/** The parts of an object's name. @returns undefined for what is no file's */
function partsOf(name: string): Named | undefined {
  const [vaultId, itemId, id, upload, ...rest] = name.split('/')
  return vaultId && itemId && id && upload && rest.length === 0 ? { vaultId, itemId, id, upload } : undefined
}

/** The names of the files among these that have a row. */
async function namesWithRow(
  { db, tables: { attachments } }: Reader,
  files: readonly Named[],
): Promise<Set<string>> {
  const rows = await db
    .select({
      vaultId: attachments.vaultId,
      itemId: attachments.itemId,
      id: attachments.id,
      upload: attachments.upload,
    })
    .from(attachments)
    .where(
      and(
        inArray(attachments.vaultId, [...new Set(files.map(({ vaultId }) => vaultId))]),
        inArray(
          attachments.id,
          files.map(({ id }) => id),
        ),
      ),
    )
  return new Set(rows.map(objectName))
}

/** Deletes objects that have had no row for a day: of moves that a crash has ended, and of what a restored database never had. */
export async function deleteOrphans({ clock, objects, store }: Needs): Promise<void> {
  if (!objects || !(await ownsObjects(store, objects))) return
  for await (const page of objects.list()) {
    const old = page.filter(({ modifiedAt }) => modifiedAt < clock.now() - orphanAge)
    const files = old.flatMap(({ name }) => partsOf(name) ?? [])
    if (files.length === 0) continue
    const known = await store.read((reader) => namesWithRow(reader, files))
    for (const file of files) if (!known.has(objectName(file))) await objects.delete(objectName(file))
  }
}

/** What the database names and the store does not have as it should. */
export interface ObjectComparison {
  readonly missing: number
  /** With another length. */
  readonly wrong: number
}

/** Compares what the database says is in the store with what is there. */
export async function compareObjects(
  { db, tables: { attachments } }: Reader,
  objects: ObjectStore,
): Promise<ObjectComparison> {
  const rows = await db.select().from(attachments).where(eq(attachments.place, 's3'))
  const expected = new Map(rows.map((row) => [objectName(row), row.bytes]))
  let wrong = 0
  for await (const page of objects.list())
    for (const { name, bytes } of page) {
      const length = expected.get(name)
      if (length !== undefined && length !== bytes) wrong += 1
      expected.delete(name)
    }
  return { missing: expected.size, wrong }
}
