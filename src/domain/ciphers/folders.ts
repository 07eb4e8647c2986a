// Folders: names that are encrypted, and that items refer to.
import { and, asc, count, eq, type InferSelectModel, inArray, isNotNull } from 'drizzle-orm'
import type { Tables } from '../../store/schema.ts'
import { type Reader, type Tx, Unchanged } from '../../store/store.ts'
import { Failure, notFound } from '../failure.ts'
import { noteBitwardenChange } from '../identity/bitwarden-accounts.ts'
import { announceToHubs } from '../live/announcements.ts'
import { beginChange, inPieces, lineOf, type Needs } from './change.ts'
import type { CipherCaller } from './rows.ts'

export type FolderRow = Omit<InferSelectModel<Tables['folders']>, 'vaultId'>

/** How many an account may have: each answer with all of them stands in memory. */
export const maxFolders = 5000

const columnsOf = ({ folders }: Tables) => ({
  id: folders.id,
  name: folders.name,
  revisionAt: folders.revisionAt,
})

/** All folders of an account, in the order of their ids. */
export const listFolders = (
  { db, tables }: Reader,
  { accountId }: { accountId: string },
): Promise<FolderRow[]> =>
  db
    .select(columnsOf(tables))
    .from(tables.folders)
    .where(eq(tables.folders.vaultId, accountId))
    .orderBy(asc(tables.folders.id))

/** One folder; throws `not-found`. */
export async function getFolder(
  { db, tables }: Reader,
  { accountId }: { accountId: string },
  id: string,
): Promise<FolderRow> {
  const { folders } = tables
  const [row] = await db
    .select(columnsOf(tables))
    .from(folders)
    .where(and(eq(folders.vaultId, accountId), eq(folders.id, id)))
  if (!row) throw notFound()
  return row
}

/** Adds folders. Throws `too-large` if the account has too many then. The vault is held. */
export async function insertFolders(
  { db, tables: { folders } }: Tx,
  accountId: string,
  rows: readonly FolderRow[],
): Promise<void> {
  for await (const piece of inPieces(rows))
    await db.insert(folders).values(piece.map((row) => ({ ...row, vaultId: accountId })))
  const [found] = await db.select({ count: count() }).from(folders).where(eq(folders.vaultId, accountId))
  if (found && found.count > maxFolders)
    throw new Failure('too-large', `An account may have ${maxFolders} folders. Delete some first.`)
}

/** Makes a folder. Throws `too-large`. */
export function createFolder(
  { clock, random, store }: Needs,
  caller: CipherCaller,
  name: string,
): Promise<FolderRow> {
  const id = random.uuid()
  return store.write(async (tx) => {
    const now = clock.now()
    await beginChange(tx, caller, now)
    const revisionAt = await noteBitwardenChange(tx, caller, { now, what: 'folder-made', id })
    const row = { id, name, revisionAt }
    await insertFolders(tx, caller.accountId, [row])
    return row
  }, lineOf(caller))
}

/** Renames a folder. Throws `not-found`. */
export function renameFolder(
  { clock, store }: Needs,
  caller: CipherCaller,
  id: string,
  name: string,
): Promise<FolderRow> {
  return store.write(async (tx) => {
    const { folders } = tx.tables
    const now = clock.now()
    await beginChange(tx, caller, now)
    const revisionAt = await noteBitwardenChange(tx, caller, { now, what: 'folder-changed', id })
    const renamed = await tx.db
      .update(folders)
      .set({ name, revisionAt })
      .where(and(eq(folders.vaultId, caller.accountId), eq(folders.id, id)))
      .returning({ id: folders.id })
    if (renamed.length === 0) throw notFound()
    return { id, name, revisionAt }
  }, lineOf(caller))
}

/**
 * Deletes folders; their items stay, and keep their revision dates, as clients do it themselves. Ids of no folder are passed over.
 * @param ids undefined for all
 * @returns how many there were
 */
export function deleteFolders(
  { clock, store }: Pick<Needs, 'clock' | 'store'>,
  caller: CipherCaller,
  ids: readonly string[] | undefined,
): Promise<number> {
  const { accountId, deviceIdentifier } = caller
  return store.write(async (tx) => {
    const { ciphers, folders } = tx.tables
    const now = clock.now()
    await beginChange(tx, caller, now)
    const [id, ...others] = ids ?? []
    const isOne = id !== undefined && others.length === 0
    const at = await noteBitwardenChange(
      tx,
      caller,
      isOne ? { now, what: 'folder-deleted', id } : { now, what: 'vault' },
    )
    let [deleted, emptied] = [0, 0]
    for await (const piece of ids ? inPieces(ids) : [undefined]) {
      const gone = await tx.db
        .delete(folders)
        .where(and(eq(folders.vaultId, accountId), piece && inArray(folders.id, piece)))
        .returning({ id: folders.id })
      const left = await tx.db
        .update(ciphers)
        .set({ folderId: null })
        .where(
          and(
            eq(ciphers.vaultId, accountId),
            piece ? inArray(ciphers.folderId, piece) : isNotNull(ciphers.folderId),
          ),
        )
        .returning({ id: ciphers.itemId })
      deleted += gone.length
      emptied += left.length
    }
    // What the hubs say of a folder does not have clients look at the items that were in it.
    if (isOne && emptied > 0) announceToHubs(tx, { what: 'vault', accountId, at, by: deviceIdentifier })
    return deleted === 0 ? new Unchanged(deleted) : deleted
  }, lineOf(caller))
}

/** Deletes one folder; throws `not-found`. */
export async function deleteFolder(
  needs: Pick<Needs, 'clock' | 'store'>,
  caller: CipherCaller,
  id: string,
): Promise<void> {
  if ((await deleteFolders(needs, caller, [id])) === 0) throw notFound()
}
