// Sync: what changed in a vault since a cursor, so that a client that follows it has exactly what the server has.
import { and, eq, sql } from 'drizzle-orm'
import { statement } from '../../store/statement.ts'
import type { Reader } from '../../store/store.ts'
import type { VaultCaller } from '../caller.ts'
import { Failure, notFound } from '../failure.ts'
import { decodeCursor, encodeCursor, type History, type Position, start } from './cursor.ts'
import { listChangedItems } from './items.ts'
import type { Page } from './pages.ts'
import type { ItemRow } from './rows.ts'

const vaultAndEpochStatement = statement(({ db, tables: { instance, vaults } }: Reader) =>
  db
    .select({ revision: vaults.revision, vaultEpoch: vaults.epoch, databaseEpoch: instance.epoch })
    .from(vaults)
    .innerJoin(instance, eq(instance.id, 1))
    .where(and(eq(vaults.id, sql.placeholder('vaultId')), eq(vaults.accountId, sql.placeholder('accountId'))))
    .prepare('vault_and_epoch'),
)

const resyncRequired = () =>
  new Failure(
    'resync-required',
    'The cursor is of another history of this vault. Pull all changes again, without since.',
  )

/** @returns undefined for a cursor that never was one */
function positionOf(
  history: History,
  cursor: string | undefined,
  vaultRevision: number,
): Position | undefined {
  if (cursor === undefined) return start
  const decoded = decodeCursor(history, cursor)
  if (decoded.kind === 'malformed') return undefined
  if (decoded.kind === 'foreign' || decoded.position.revision > vaultRevision) throw resyncRequired()
  return decoded.position
}

/** The position of a client after a page: its last row, or the vault's own revision if nothing is left below it. */
function positionAfter(
  last: ItemRow | undefined,
  more: boolean,
  before: Position,
  vaultRevision: number,
): Position {
  if (last && (more || last.revision >= vaultRevision)) return { revision: last.revision, itemId: last.id }
  return vaultRevision > before.revision ? { revision: vaultRevision, itemId: '' } : before
}

/** What is asked of a vault's history. */
async function openHistory(reader: Reader, caller: VaultCaller, vaultId: string, since: string | undefined) {
  const [vault] = await vaultAndEpochStatement(reader).execute(caller.owned(vaultId))
  if (!vault) throw notFound()
  const { databaseEpoch, revision, vaultEpoch } = vault
  const history = { databaseEpoch, vaultEpoch }
  return { history, revision, position: positionOf(history, since, revision) }
}

/**
 * Whether a page since a cursor would tell anything that the cursor does not; also if it is no cursor. Throws `not-found` and
 * `resync-required`.
 */
export async function hasChanges(
  reader: Reader,
  caller: VaultCaller,
  vaultId: string,
  since: string,
): Promise<boolean> {
  const { position, revision } = await openHistory(reader, caller, vaultId, since)
  if (!position || position.revision < revision) return true
  // The cursor may stand in the middle of a batch.
  if (position.itemId === '') return false
  const { rows } = await listChangedItems(reader, vaultId, { position, limit: 1 })
  return rows.length > 0
}

/** A page of changes, tombstones included, and the cursor to go on from. */
export interface ChangesPage extends Page<ItemRow> {
  readonly kind: 'page'
  readonly cursor: string
}

/**
 * One page of what changed since a cursor, in the order of revisions; throws `not-found` and `resync-required`.
 *
 * The vault's row is read before the items, each with a snapshot of its own. Commits happen in the order of revisions, so
 * the items' snapshot holds everything up to the revision that was read, and if it holds later ones, everything up to
 * the last of those: either is a position to go on from.
 */
export async function changesSince(
  reader: Reader,
  caller: VaultCaller,
  vaultId: string,
  { since, limit }: { since: string | undefined; limit: number },
): Promise<ChangesPage | { readonly kind: 'malformed-cursor' }> {
  const { history, position, revision } = await openHistory(reader, caller, vaultId, since)
  if (!position) return { kind: 'malformed-cursor' }
  const { rows, more } = await listChangedItems(reader, vaultId, { position, limit })
  const reached = positionAfter(rows.at(-1), more, position, revision)
  return { kind: 'page', rows, more, cursor: encodeCursor(history, reached) }
}
