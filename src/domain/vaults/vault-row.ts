// A vault's row in a unit of work: found, held, and its revision raised.
import { and, eq, sql } from 'drizzle-orm'
import { rowsStatement, statement } from '../../store/statement.ts'
import type { Reader, Tx } from '../../store/store.ts'
import type { VaultCaller } from '../caller.ts'
import { notFound } from '../failure.ts'
import { announceVault } from '../live/announcements.ts'
import type { VaultRow } from './rows.ts'

export function ownVault({ tables: { vaults } }: Reader, caller: VaultCaller, id: string) {
  const { accountId, vaultId } = caller.owned(id)
  return and(eq(vaults.id, vaultId), eq(vaults.accountId, accountId))
}

/** Throws `not-found` unless the vault is the caller's. */
export async function requireVault(reader: Reader, caller: VaultCaller, vaultId: string): Promise<void> {
  const { vaults } = reader.tables
  const [row] = await reader.db
    .select({ id: vaults.id })
    .from(vaults)
    .where(ownVault(reader, caller, vaultId))
  if (!row) throw notFound()
}

/** The row of the caller's vault; throws `not-found`. */
export async function getVault(reader: Reader, caller: VaultCaller, vaultId: string): Promise<VaultRow> {
  const [row] = await reader.db
    .select()
    .from(reader.tables.vaults)
    .where(ownVault(reader, caller, vaultId))
  if (!row) throw notFound()
  return row
}

/** The line in which writers of one vault wait for each other (`Store.write`). */
export const lineOfVault = ({ accountId, vaultId }: { accountId: string; vaultId: string }) =>
  `${accountId} ${vaultId}`

const raiseRevisionStatement = rowsStatement<
  [
    key: Uint8Array,
    keyVersion: number,
    data: Uint8Array,
    dataKeyVersion: number,
    nextKey: Uint8Array | null,
    rotationStartedAt: number | null,
    rotationVersions: VaultRow['rotationVersions'],
    revision: number,
    epoch: string,
    createdAt: number,
    updatedAt: number,
  ],
  Tx
>('raise_revision', ({ db, tables: { vaults } }) =>
  db
    .update(vaults)
    .set({ revision: sql`${vaults.revision} + 1` })
    .where(and(eq(vaults.id, sql.placeholder('vaultId')), eq(vaults.accountId, sql.placeholder('accountId'))))
    .returning({
      ...{ key: vaults.key, keyVersion: vaults.keyVersion },
      ...{ data: vaults.data, dataKeyVersion: vaults.dataKeyVersion, nextKey: vaults.nextKey },
      ...{ rotationStartedAt: vaults.rotationStartedAt, rotationVersions: vaults.rotationVersions },
      ...{ revision: vaults.revision, epoch: vaults.epoch },
      ...{ createdAt: vaults.createdAt, updatedAt: vaults.updatedAt },
    }),
)

/**
 * Raises the revision of an account's vault by one, or throws `not-found`. Every write begins with this statement: it holds
 * the vault's row until the commit, so that writers come one after the other and the order of commits is that of revisions. The new
 * revision is announced.
 * @param place.vaultId of a vault that the caller may reach (`VaultCaller.owned`)
 */
export async function raiseRevision(
  tx: Tx,
  { accountId, vaultId }: { accountId: string; vaultId: string },
): Promise<VaultRow> {
  const [row] = await raiseRevisionStatement(tx)({ accountId, vaultId })
  if (!row) throw notFound()
  const [key, keyVersion, data, dataKeyVersion, nextKey, rotationStartedAt, rotationVersions, ...rest] = row
  const [revision, epoch, createdAt, updatedAt] = rest
  announceVault(tx, { accountId, vaultId, revision })
  return {
    ...{ id: vaultId, accountId, key, keyVersion, data, dataKeyVersion },
    ...{ nextKey, rotationStartedAt, rotationVersions, revision, epoch, createdAt, updatedAt },
  }
}

const setRevisionStatement = rowsStatement<[], Tx>('set_revision', ({ db, tables: { vaults } }) =>
  db
    .update(vaults)
    .set({ revision: sql`${sql.placeholder('revision')}` })
    .where(eq(vaults.id, sql.placeholder('vaultId'))),
)

/** Sets the revision of a vault that is held, after writes that have taken several, and announces it. */
export async function setRevision(
  tx: Tx,
  { accountId, vaultId }: { accountId: string; vaultId: string },
  revision: number,
): Promise<void> {
  announceVault(tx, { accountId, vaultId, revision })
  await setRevisionStatement(tx)({ vaultId, revision })
}

const holdVaultStatement = statement(({ db, tables: { vaults } }: Tx) =>
  db
    .update(vaults)
    .set({ revision: sql`${vaults.revision}` })
    .where(eq(vaults.id, sql.placeholder('vaultId')))
    .returning()
    .prepare('hold_vault'),
)

/**
 * Holds a vault's row until the end of the transaction, as `raiseRevision` does, for what changes nothing that clients follow.
 * @returns undefined if there is none
 */
export async function holdVault(tx: Tx, vaultId: string): Promise<VaultRow | undefined> {
  const [row] = await holdVaultStatement(tx).execute({ vaultId })
  return row
}

/** Holds the caller's vault, or throws `not-found`. */
export async function holdOwnVault(tx: Tx, caller: VaultCaller, vaultId: string): Promise<VaultRow> {
  const { accountId } = caller.owned(vaultId)
  const row = await holdVault(tx, vaultId)
  if (row?.accountId !== accountId) throw notFound()
  return row
}
