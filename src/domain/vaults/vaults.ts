// Vaults: list, make, replace, delete, and the revision that every write raises.
import { and, count, eq } from 'drizzle-orm'
import type { Clock } from '../../clock.ts'
import type { Allowed } from '../../contract/quotas.ts'
import type { Random } from '../../random.ts'
import { type Reader, type Store, type Tx, Unchanged } from '../../store/store.ts'
import { requireAccountKey } from '../account-row.ts'
import type { VaultCaller } from '../caller.ts'
import { Failure } from '../failure.ts'
import { announce, announceVault } from '../live/announcements.ts'
import {
  addUsage,
  noGrowth,
  type QuotaSettings,
  quotaExceeded,
  spendQuota,
  usageOfVault,
} from '../quotas/usage.ts'
import { forgetObjectsOfVault } from './attachment-objects.ts'
import { isSameData, type KeyChanged, takesKey, type Vault, type VaultRow } from './rows.ts'
import { withCount } from './vault-lists.ts'
import { ownVault, raiseRevision } from './vault-row.ts'

/** What a client makes a vault of. */
export interface NewVault {
  readonly id: string
  /** The vault key, sealed under the account key. */
  readonly key: Uint8Array
  /** Sealed under the vault key. */
  readonly data: Uint8Array
}

/** @param stamp.epoch random. @returns the row, or undefined if the id is in use */
export async function insertVault(
  tx: Tx,
  accountId: string,
  { id, key, data }: NewVault,
  { now, epoch }: { now: number; epoch: string },
): Promise<VaultRow | undefined> {
  const { db, tables } = tx
  const { vaults } = tables
  const [row] = await db
    .insert(vaults)
    .values({
      id,
      accountId,
      key,
      data,
      revision: 1,
      epoch,
      createdAt: now,
      updatedAt: now,
    })
    .onConflictDoNothing()
    .returning()
  if (!row) return undefined
  announceVault(tx, { accountId, vaultId: id, revision: row.revision })
  await addUsage(tx, accountId, { ...noGrowth, bytes: row.data.length })
  return row
}

/** The account that has a vault, for a registration, which has no caller yet. */
export async function findVaultOwner(
  { db, tables: { vaults } }: Reader,
  id: string,
): Promise<string | undefined> {
  const [row] = await db.select({ accountId: vaults.accountId }).from(vaults).where(eq(vaults.id, id))
  return row?.accountId
}

export const vaultIdTaken = () => new Failure('id-taken', 'There is a vault with this id already.')

/**
 * Throws `id-taken` if the account had a vault with this id and deleted it: a late repetition must not bring it back. It is asked
 * behind the insert, which waits for a deletion that is under way.
 */
async function requireNotDeleted(tx: Tx, { accountId, id }: VaultRow): Promise<void> {
  const { deletedVaults } = tx.tables
  const [row] = await tx.db
    .select({ id: deletedVaults.vaultId })
    .from(deletedVaults)
    .where(and(eq(deletedVaults.accountId, accountId), eq(deletedVaults.vaultId, id)))
  if (row)
    throw new Failure('id-taken', 'There was a vault with this id, which was deleted. Choose a new id.')
}

/** Throws `quota-exceeded` if a vault that was just inserted is one too many or too large. Its account's row is held. */
async function requireRoom(tx: Tx, { accountId, data }: VaultRow, allowed: Allowed): Promise<void> {
  const { bytes, deletedItems } = await addUsage(tx, accountId, noGrowth)
  if (bytes > allowed.bytes) throw quotaExceeded('bytes', bytes - data.length, allowed.bytes)
  const vaults = await countVaults(tx, accountId)
  if (vaults > allowed.vaults) throw quotaExceeded('vaults', vaults - 1, allowed.vaults)
  // Deleting must stay possible: as with items, tombstones are looked at when something is made.
  if (deletedItems > allowed.deletedItems)
    throw quotaExceeded('deletedItems', deletedItems, allowed.deletedItems)
}

export async function countVaults({ db, tables: { vaults } }: Reader, accountId: string): Promise<number> {
  const [row] = await db.select({ count: count() }).from(vaults).where(eq(vaults.accountId, accountId))
  return row?.count ?? 0
}

/**
 * Makes a vault. Throws `quota-exceeded`, and `key-changed` if its key is sealed under another account key than the present one. The
 * same again changes nothing (`created: false`); the id of another vault, or of one that the account deleted, is `id-taken`.
 */
export async function createVault(
  { clock, config, random, store }: { clock: Clock; config: QuotaSettings; random: Random; store: Store },
  caller: VaultCaller,
  { accountKeyVersion, ...vault }: NewVault & { readonly accountKeyVersion: number },
): Promise<{ vault: Vault; created: boolean }> {
  const { accountId } = caller.owned(vault.id)
  const stamp = { now: clock.now(), epoch: random.uuid() }
  return store.write(async (tx) => {
    const row = await insertVault(tx, accountId, vault, stamp)
    if (row) {
      await requireNotDeleted(tx, row)
      await requireRoom(tx, row, config.quotas)
      await requireAccountKey(tx, accountId, accountKeyVersion)
      return { vault: { ...row, itemCount: 0 }, created: true }
    }
    const [own] = await tx.db
      .select()
      .from(tx.tables.vaults)
      .where(ownVault(tx, caller, vault.id))
    if (!own || !isSameData(own.key, vault.key) || !isSameData(own.data, vault.data)) throw vaultIdTaken()
    return { vault: await withCount(tx, own), created: false }
  })
}

/** The vault, items included, is at another revision than the caller expects. Nothing was changed. */
export interface VaultConflict {
  readonly kind: 'conflict'
  readonly current: Vault
}

/**
 * Raises the revision from the one that the caller expects; throws `not-found`. A conflict has to be rolled back.
 * @param expected undefined for any
 */
async function raiseFrom(
  tx: Tx,
  caller: VaultCaller,
  vaultId: string,
  expected: number | undefined,
): Promise<{ kind: 'raised'; row: VaultRow } | VaultConflict> {
  const row = await raiseRevision(tx, caller.owned(vaultId))
  const before = row.revision - 1
  if (expected !== undefined && before !== expected)
    return { kind: 'conflict', current: await withCount(tx, { ...row, revision: before }) }
  return { kind: 'raised', row }
}

type VaultReplacement = { readonly kind: 'replaced'; readonly vault: Vault } | VaultConflict | KeyChanged

/** @param raised the row after `raiseRevision`, which has to be rolled back. @returns why what is sealed under this key is refused */
export const keyChanged = async (tx: Tx, raised: VaultRow): Promise<KeyChanged> => ({
  kind: 'key-changed',
  current: await withCount(tx, { ...raised, revision: raised.revision - 1 }),
})

/**
 * Replaces the data of a vault. Throws `not-found` and `quota-exceeded`.
 * @param change.keyVersion of the key that seals the data
 * @param change.expected the revision that the vault must be at; undefined for any
 */
export async function replaceVault(
  { clock, config, store }: { clock: Clock; config: QuotaSettings; store: Store },
  caller: VaultCaller,
  vaultId: string,
  { data, keyVersion, expected }: { data: Uint8Array; keyVersion: number; expected: number | undefined },
): Promise<VaultReplacement> {
  const replaced = { data, dataKeyVersion: keyVersion, updatedAt: clock.now() }
  return store.write(async (tx) => {
    const raised = await raiseFrom(tx, caller, vaultId, expected)
    if (raised.kind === 'conflict') return new Unchanged<VaultReplacement>(raised)
    const { row } = raised
    if (!takesKey(row, keyVersion)) return new Unchanged<VaultReplacement>(await keyChanged(tx, row))
    await tx.db
      .update(tx.tables.vaults)
      .set(replaced)
      .where(ownVault(tx, caller, vaultId))
    const bytes = data.length - row.data.length
    await spendQuota(tx, row.accountId, { ...noGrowth, bytes }, config.quotas)
    return { kind: 'replaced', vault: await withCount(tx, { ...row, ...replaced }) }
  })
}

/**
 * Deletes a vault with everything in it, and keeps its id as a tombstone. Throws `not-found`.
 * @returns a conflict, which has to be rolled back, or undefined
 */
export async function deleteVault(
  tx: Tx,
  caller: VaultCaller,
  vaultId: string,
  { expected, now }: { expected: number | undefined; now: number },
): Promise<VaultConflict | undefined> {
  const raised = await raiseFrom(tx, caller, vaultId, expected)
  if (raised.kind === 'conflict') return raised
  const { accountId } = raised.row
  const { items, deletedItems, bytes, attachmentBytes } = await usageOfVault(tx, vaultId)
  await forgetObjectsOfVault(tx, vaultId)
  await tx.db.delete(tx.tables.vaults).where(ownVault(tx, caller, vaultId))
  await tx.db.insert(tx.tables.deletedVaults).values({ accountId, vaultId, deletedAt: now })
  await addUsage(tx, accountId, {
    items: -items,
    deletedItems: 1 - deletedItems,
    bytes: -bytes,
    attachmentBytes: -attachmentBytes,
  })
  announceVault(tx, { accountId, vaultId, revision: null })
  // Tokens for it went with it.
  await announce(tx, { kind: 'access-changed', accountId })
  return undefined
}
