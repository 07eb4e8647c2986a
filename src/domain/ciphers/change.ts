// How every change of items and folders begins, and what all of them need.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { and, eq } from 'drizzle-orm'
import type { Clock } from '../../clock.ts'
import type { Random } from '../../random.ts'
import type { Store, Tx } from '../../store/store.ts'
import { VaultCaller } from '../caller.ts'
import { Failure } from '../failure.ts'
import { isLiving } from '../identity/sessions.ts'
import type { QuotaSettings } from '../quotas/usage.ts'
import type { VaultRow } from '../vaults/rows.ts'
import { holdOwnVault, lineOfVault, raiseRevision } from '../vaults/vault-row.ts'
import { type CipherCaller, refusedMember } from './rows.ts'

/** What changes need. */
export interface Needs {
  readonly clock: Clock
  readonly config: QuotaSettings
  readonly random: Random
  readonly store: Store
}

/** How many rows one statement writes. */
export const rowsAtOnce = 100

/**
 * The same rows in pieces, one after the other. The event loop is let go in between: on SQLite a unit of many statements would
 * keep every other request waiting.
 */
export async function* inPieces<T>(rows: readonly T[], size: number = rowsAtOnce): AsyncGenerator<T[]> {
  for (let start = 0; start < rows.length; start += size) {
    if (start > 0) await nextTurn()
    yield rows.slice(start, start + size)
  }
}

/**
 * Throws `not-authenticated` if the session of the caller has ended meanwhile. It is asked once the vault is held: who changes the
 * keys of an account ends its sessions, and nothing that was encrypted under the old ones must come after.
 */
async function requireSession(tx: Tx, caller: CipherCaller, now: number): Promise<void> {
  if (!(await isLiving(tx, caller, now)))
    throw new Failure('not-authenticated', 'This session has ended. Log in again.')
}

/** The line that changes of one account's items wait in: each begins by holding the vault. */
export const lineOf = ({ accountId }: CipherCaller) => ({
  line: lineOfVault({ accountId, vaultId: accountId }),
})

/** Holds the vault of the caller's account for a change that raises its revision by itself. Throws `not-authenticated`. */
export async function holdForChange(tx: Tx, caller: CipherCaller, now: number): Promise<void> {
  await holdOwnVault(tx, VaultCaller.bySession(caller), caller.accountId)
  await requireSession(tx, caller, now)
}

/** Holds the vault of the caller's account, and raises its revision. Throws `not-authenticated`. @returns the vault */
export async function beginChange(tx: Tx, caller: CipherCaller, now: number): Promise<VaultRow> {
  const vault = await raiseRevision(tx, VaultCaller.bySession(caller).owned(caller.accountId))
  await requireSession(tx, caller, now)
  return vault
}

/** Throws `malformed-request` unless the account has the folder. @param folderId null for no folder */
export async function requireFolder(
  { db, tables: { folders } }: Tx,
  { accountId }: CipherCaller,
  folderId: string | null,
): Promise<void> {
  if (folderId === null) return
  const found = await db
    .select({ id: folders.id })
    .from(folders)
    .where(and(eq(folders.vaultId, accountId), eq(folders.id, folderId)))
  if (found.length === 0)
    throw refusedMember('folderId', 'There is no such folder. Sync, and choose a folder again.')
}
