// Sync: what changed in a vault since a cursor, so that a client that follows it has exactly what the server has.
import { and, eq, sql } from 'drizzle-orm'
import { rowsStatement } from '../../store/statement.ts'
import type { Reader, Store } from '../../store/store.ts'
import type { VaultCaller } from '../caller.ts'
import { Failure, notFound } from '../failure.ts'
import { decodeCursor, encodeCursor, type History, lastItem, type Position, start } from './cursor.ts'
import { isChangedAfter, type ListedItem, listChangedItems } from './items.ts'
import type { PageEnd } from './pages.ts'

const vaultAndEpochStatement = rowsStatement<[revision: number, vaultEpoch: string, databaseEpoch: string]>(
  'vault_and_epoch',
  ({ db, tables: { instance, vaults } }) =>
    db
      .select({ revision: vaults.revision, vaultEpoch: vaults.epoch, databaseEpoch: instance.epoch })
      .from(vaults)
      .innerJoin(instance, eq(instance.id, 1))
      .where(
        and(eq(vaults.id, sql.placeholder('vaultId')), eq(vaults.accountId, sql.placeholder('accountId'))),
      ),
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

/** Whether a client that has come so far has everything up to a revision. */
const hasAll = ({ revision, itemId }: Position, vaultRevision: number) =>
  revision >= vaultRevision && (itemId === '' || itemId === lastItem)

/**
 * The position of a client after a page: its last row; or, if nothing is left, behind the revision of that row or of the vault itself,
 * whichever is later. All items of a revision are written by one commit, so none of it can come after that.
 */
function positionAfter(
  { last, more }: PageEnd<ListedItem>,
  before: Position,
  vaultRevision: number,
): Position {
  if (last && more) return { revision: last[1], itemId: last[0] }
  if (last && last[1] >= vaultRevision) return { revision: last[1], itemId: lastItem }
  return vaultRevision > before.revision ? { revision: vaultRevision, itemId: '' } : before
}

/** What is asked of a vault's history. */
async function openHistory(reader: Reader, caller: VaultCaller, vaultId: string, since: string | undefined) {
  const [vault] = await vaultAndEpochStatement(reader)(caller.owned(vaultId))
  if (!vault) throw notFound()
  const [revision, vaultEpoch, databaseEpoch] = vault
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
  if (hasAll(position, revision)) return false
  return isChangedAfter(reader, vaultId, position)
}

/** The last piece of a page of changes, and the cursor to go on from. */
interface ChangesEnd extends PageEnd<ListedItem> {
  readonly cursor: string
}

/** A page of changes, tombstones included, piece by piece. */
type ChangesPage = AsyncGenerator<readonly ListedItem[], ChangesEnd>

/**
 * One page of what changed since a cursor, in the order of revisions; throws `not-found` and `resync-required`.
 *
 * The vault's row is read before the items, and these in pieces, each with a snapshot of its own. Commits happen in the order of
 * revisions, so the snapshot of the last piece holds everything up to the revision that was read, and if it holds later ones, everything
 * up to the last of those: either is a position to go on from. What changes between two pieces comes again, under its new revision.
 */
export async function changesSince(
  services: { readonly store: Store },
  caller: VaultCaller,
  vaultId: string,
  { since, limit }: { since: string | undefined; limit: number },
): Promise<{ readonly kind: 'page'; readonly page: ChangesPage } | { readonly kind: 'malformed-cursor' }> {
  const opened = await services.store.read((reader) => openHistory(reader, caller, vaultId, since))
  const { history, position, revision } = opened
  if (!position) return { kind: 'malformed-cursor' }
  async function* page(before: Position): ChangesPage {
    // The client's own cursor says the same: there is one text for each position of a history.
    if (hasAll(before, revision))
      return { rows: [], last: undefined, more: false, cursor: since ?? encodeCursor(history, before) }
    const end = yield* listChangedItems(services, vaultId, { position: before, limit })
    return { ...end, cursor: encodeCursor(history, positionAfter(end, before, revision)) }
  }
  return { kind: 'page', page: page(position) }
}
