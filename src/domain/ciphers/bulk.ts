// What is done to many items at once, without their bodies: trash, archive, folders, and deleting for good.
import { and, asc, eq, gt, inArray, isNotNull, isNull, lt, ne, or, type SQL } from 'drizzle-orm'
import { days } from '../../clock.ts'
import { type Reader, type Store, type Tx, Unchanged } from '../../store/store.ts'
import { notFound } from '../failure.ts'
import type { AccountRow } from '../identity/accounts.ts'
import { noteBitwardenChange } from '../identity/bitwarden-accounts.ts'
import { wrongPassword } from '../identity/passwords.ts'
import { holdProved } from '../identity/proved-accounts.ts'
import { addUsage } from '../quotas/usage.ts'
import { type CleaningBounds, cleanVaults } from '../vaults/cleaning.ts'
import { deleteItems } from '../vaults/item-deletion.ts'
import { holdVault } from '../vaults/vault-row.ts'
import { beginChange, inPieces, type Needs, requireFolder, rowsAtOnce } from './change.ts'
import type { CipherCaller, CipherHead } from './rows.ts'

/** How long items stay in the trash. */
const trashKeptForMs = days(30)

type BulkNeeds = Pick<Needs, 'clock' | 'store'>

/** Raises the revision of the account for a change of these items: of one by itself, of many at once. */
const noteChange = (tx: Tx, caller: CipherCaller, ids: readonly string[], now: number): Promise<number> => {
  const [id, ...others] = ids
  return noteBitwardenChange(
    tx,
    caller,
    id !== undefined && others.length === 0 ? { now, what: 'item-changed', id } : { now, what: 'vault' },
  )
}

/** What becomes of the heads of items. */
interface HeadChange {
  readonly head: Partial<CipherHead>
  /** Those that it changes; the others stay as they are. */
  readonly where: SQL | undefined
  /** Whether the items get a new revision date, of which the client that asks is told. */
  readonly isRevision: boolean
}

/** Changes the heads of those of the items that there are. @returns the ids of what was changed */
function changeHeads(
  { clock, store }: BulkNeeds,
  caller: CipherCaller,
  ids: readonly string[],
  changeAt: (tx: Tx, now: number) => Promise<HeadChange> | HeadChange,
): Promise<string[]> {
  return store.write(async (tx) => {
    const { ciphers } = tx.tables
    const now = clock.now()
    await beginChange(tx, caller, now)
    const { head, where, isRevision } = await changeAt(tx, now)
    const revisionAt = await noteChange(tx, caller, ids, now)
    const changed: string[] = []
    for await (const piece of inPieces(ids)) {
      const rows = await tx.db
        .update(ciphers)
        .set({ ...head, ...(isRevision && { revisionAt }) })
        .where(and(eq(ciphers.vaultId, caller.accountId), inArray(ciphers.itemId, piece), where))
        .returning({ id: ciphers.itemId })
      changed.push(...rows.map(({ id }) => id))
    }
    return changed.length === 0 ? new Unchanged(changed) : changed
  })
}

/** What is done to items. */
export type Fate = 'trash' | 'restore' | 'archive' | 'unarchive'

/** Puts items into the trash or the archive, or takes them out; ids of no item are passed over. */
export async function changeFate(
  needs: BulkNeeds,
  caller: CipherCaller,
  ids: readonly string[],
  fate: Fate,
): Promise<void> {
  await changeHeads(needs, caller, ids, ({ tables: { ciphers } }, now) => {
    const [head, where] = {
      trash: [{ deletedAt: now }, isNull(ciphers.deletedAt)] as const,
      restore: [{ deletedAt: null }, isNotNull(ciphers.deletedAt)] as const,
      archive: [{ archivedAt: now }, isNull(ciphers.archivedAt)] as const,
      unarchive: [{ archivedAt: null }, isNotNull(ciphers.archivedAt)] as const,
    }[fate]
    return { head, where, isRevision: true }
  })
}

/**
 * Moves items into a folder, or out of theirs. Their revision dates stay: the client that asks is not told of new ones, and its next
 * change of one of them would count as out of date. Throws `malformed-request` for a folder that the account does not have.
 * @param folderId null for no folder
 */
export async function moveCiphers(
  needs: BulkNeeds,
  caller: CipherCaller,
  ids: readonly string[],
  folderId: string | null,
): Promise<void> {
  await changeHeads(needs, caller, ids, async (tx) => {
    await requireFolder(tx, caller, folderId)
    const { ciphers } = tx.tables
    const where =
      folderId === null
        ? isNotNull(ciphers.folderId)
        : or(isNull(ciphers.folderId), ne(ciphers.folderId, folderId))
    return { head: { folderId }, where, isRevision: false }
  })
}

/** Deletes items for good, with their versions and files. @returns how many there were */
async function deleteThem(tx: Tx, accountId: string, ids: readonly string[]): Promise<number> {
  let deleted = 0
  for await (const piece of inPieces(ids)) {
    const growth = await deleteItems(tx, accountId, piece)
    await addUsage(tx, accountId, growth)
    deleted -= growth.items
  }
  return deleted
}

/** Deletes items for good; ids of no item are passed over. @returns how many there were */
export function deleteCiphers(
  { clock, store }: BulkNeeds,
  caller: CipherCaller,
  ids: readonly string[],
): Promise<number> {
  return store.write(async (tx) => {
    const now = clock.now()
    await beginChange(tx, caller, now)
    const [id, ...others] = ids
    await noteBitwardenChange(
      tx,
      caller,
      id !== undefined && others.length === 0 ? { now, what: 'item-deleted', id } : { now, what: 'vault' },
    )
    const deleted = await deleteThem(tx, caller.accountId, ids)
    return deleted === 0 ? new Unchanged(0) : deleted
  })
}

/** Deletes one item for good; throws `not-found`. */
export async function deleteCipher(needs: BulkNeeds, caller: CipherCaller, id: string): Promise<void> {
  if ((await deleteCiphers(needs, caller, [id])) === 0) throw notFound()
}

/** The ids of items of an account, in their order, some at a time. */
async function* idsOf(tx: Tx, accountId: string, where: SQL | undefined): AsyncGenerator<string[]> {
  const { ciphers } = tx.tables
  for (let after = ''; ; ) {
    const found = await tx.db
      .select({ id: ciphers.itemId })
      .from(ciphers)
      .where(and(eq(ciphers.vaultId, accountId), gt(ciphers.itemId, after), where))
      .orderBy(asc(ciphers.itemId))
      .limit(rowsAtOnce)
    const last = found.at(-1)
    if (!last) return
    yield found.map(({ id }) => id)
    after = last.id
  }
}

/**
 * Deletes all items of the account for good, in the trash or not, and all folders. Throws `invalid-credentials` if the password was
 * changed meanwhile.
 * @param verified the account, as its owner was proved
 */
export function purgeCiphers(
  { clock, store }: BulkNeeds,
  caller: CipherCaller,
  verified: AccountRow,
): Promise<void> {
  return store.write(async (tx) => {
    const { accountId } = caller
    const now = clock.now()
    await beginChange(tx, caller, now)
    await noteBitwardenChange(tx, caller, { now, what: 'vault' })
    if (!(await holdProved(tx, verified))) throw wrongPassword()
    for await (const ids of idsOf(tx, accountId, undefined)) await deleteThem(tx, accountId, ids)
    const { folders } = tx.tables
    await tx.db.delete(folders).where(eq(folders.vaultId, accountId))
  })
}

/** Deletes for good what has been in the trash for 30 days, of one account. @returns how many items */
async function emptyTrash(tx: Tx, accountId: string, now: number): Promise<number> {
  const { ciphers } = tx.tables
  if (!(await holdVault(tx, accountId))) return 0
  await noteBitwardenChange(tx, { accountId, deviceIdentifier: null }, { now, what: 'vault' })
  const isOld = lt(ciphers.deletedAt, now - trashKeptForMs)
  let deleted = 0
  for await (const ids of idsOf(tx, accountId, isOld)) deleted += await deleteThem(tx, accountId, ids)
  return deleted
}

/** Deletes for good what has been in the trash for 30 days. */
export function deleteOldTrash(
  { store }: { readonly store: Store },
  now: number,
  bounds: CleaningBounds = {},
): Promise<void> {
  const oldest = ({ db, tables: { ciphers } }: Reader, rows: number) => {
    const old = db
      .select({ vaultId: ciphers.vaultId })
      .from(ciphers)
      .where(lt(ciphers.deletedAt, now - trashKeptForMs))
      .orderBy(asc(ciphers.deletedAt))
      .limit(rows)
      .as('old')
    return db.select({ vaultId: old.vaultId }).from(old).groupBy(old.vaultId)
  }
  return cleanVaults(store, { oldest, clean: (tx, vaultId) => emptyTrash(tx, vaultId, now) }, bounds)
}
