// Every write of items is a list of operations, applied all together or not at all; a single one is a list of one. Those that wait for
// one vault are written together (docs/decisions/one-path-for-writes.md).
import { and, eq, inArray } from 'drizzle-orm'
import type { Clock } from '../../clock.ts'
import type { Allowed } from '../../contract/quotas.ts'
import { Groups } from '../../store/groups.ts'
import { type Store, type Tx, Unchanged } from '../../store/store.ts'
import type { VaultCaller } from '../caller.ts'
import { Failure, notFound } from '../failure.ts'
import { type Growth, noGrowth, type QuotaSettings, spendWithin, sumOfGrowth } from '../quotas/usage.ts'
import { freeFilesOf, freeUnnamedFiles, nameFiles } from './attachment-naming.ts'
import { putItems, requireBounded, standingItems } from './item-rows.ts'
import {
  allowedFor,
  decide,
  growthOf,
  type ItemWrite,
  type Plan,
  type SealedContent,
  type Standing,
  type WriteOutcome,
} from './item-rules.ts'
import {
  type ItemRow,
  isSameData,
  isStored,
  type KeyChanged,
  namedIn,
  naming,
  type StoredItem,
} from './rows.ts'
import { withCount } from './vault-lists.ts'
import { lineOfVault, raiseRevision, setRevision } from './vault-row.ts'
import {
  forgetGoing,
  forgetVersions,
  type GoingVersion,
  goingVersions,
  itemsWithFiles,
  keepVersions,
} from './versions.ts'

/** A list of writes to a vault, and who asks for it. */
interface Request {
  readonly caller: VaultCaller
  readonly writes: readonly ItemWrite[]
}

interface Place {
  readonly accountId: string
  readonly vaultId: string
}

/** Makes uploads the files of the items that are written with them. Throws `attachment-missing`. */
async function nameFilesOf(
  tx: Tx,
  vaultId: string,
  writes: readonly ItemWrite[],
  current: ReadonlyMap<string, ItemRow>,
): Promise<void> {
  for (const write of writes) {
    if ((write.op !== 'put' && write.op !== 'reseal') || !write.attachments) continue
    const row = current.get(write.id)
    if (write.op === 'reseal' && row?.state === 'purged') continue
    const before = new Set(row ? namedIn(row) : [])
    const added = write.attachments.filter((id) => !before.has(id))
    await nameFiles(tx, { vaultId, itemId: write.id }, added)
  }
}

/** What the caller may not do, whatever stands there. Throws `insufficient-scope`. */
function requireMay({ caller, writes }: Request): void {
  if (writes.some(({ op }) => op === 'purge')) caller.requireMayPurge()
  if (writes.some(({ op }) => op === 'reseal')) caller.requireMayReseal()
}

const idsOf = (writes: readonly ItemWrite[], op: ItemWrite['op']): string[] =>
  writes.flatMap((write) => (write.op === op ? [write.id] : []))

interface Read extends Standing {
  /** The versions that go. */
  readonly going: readonly GoingVersion[]
}

/**
 * Holds the vault, and reads what the writes are about. The statements are sent together; from the first of them on, no other
 * transaction writes to the vault, so that what is read behind it still stands when it is replaced. Throws `not-found` and `too-large`.
 */
async function readStanding(
  tx: Tx,
  { accountId, vaultId }: Place,
  requests: readonly Request[],
  now: number,
): Promise<Read> {
  const writes = requests.flatMap((request) => request.writes)
  const ids = writes.map(({ id }) => id)
  const replaced = writes.flatMap(({ op, id, expected }) =>
    op === 'put' && expected !== 'nothing' ? [id] : [],
  )
  const raising = raiseRevision(tx, { accountId, vaultId })
  if (ids.length > requests.length) await Promise.all([raising, requireBounded(tx, vaultId, ids)])
  const [vault, { items, usage }, going] = await Promise.all([
    raising,
    standingItems(tx, { accountId, vaultId }, ids),
    goingVersions(tx, vaultId, { replaced, purged: idsOf(writes, 'purge'), now }),
  ])
  if (!usage) throw notFound()
  const bytes = new Map<string, number>()
  for (const version of going) bytes.set(version.itemId, (bytes.get(version.itemId) ?? 0) + version.bytes)
  return {
    vault: { ...vault, revision: vault.revision - 1 },
    items,
    usage,
    goingBytes: (itemId) => bytes.get(itemId) ?? 0,
    going,
  }
}

/** Decides about one list after the other. @returns what to write, and what becomes of each request */
function decideAll(
  standing: Standing,
  requests: readonly Request[],
  stamp: { now: number; allowed: Allowed },
) {
  const plans: (Plan & Request)[] = []
  let { usage, vault } = standing
  const answers = requests.map((request): WriteOutcome | Failure | 'key-changed' => {
    try {
      requireMay(request)
      const decision = decide({ ...standing, vault, usage }, { writes: request.writes, ...stamp })
      if (decision.kind === 'key-changed') return 'key-changed'
      if (decision.kind !== 'write') return decision
      const { plan } = decision
      plans.push({ ...plan, ...request })
      usage = plan.usageAfter
      vault = { ...vault, revision: plan.revision }
      return { kind: 'applied', revision: plan.revision, rows: plan.rows }
    } catch (error) {
      if (error instanceof Failure) return error
      throw error
    }
  })
  return { plans, answers, revision: vault.revision }
}

/** Frees the files that only what was replaced has named. @returns how many bytes that frees */
async function freeFiles(
  tx: Tx,
  vaultId: string,
  { purged, withFiles }: { purged: readonly string[]; withFiles: ReadonlySet<string> },
): Promise<number> {
  let freed = await freeFilesOf(tx, vaultId, purged)
  for (const itemId of withFiles) freed += await freeUnnamedFiles(tx, { vaultId, itemId })
  return freed
}

/** Writes what was decided. No answer is waited for where there are no files. */
async function write(
  tx: Tx,
  { accountId, vaultId }: Place,
  plans: readonly (Plan & Request)[],
  {
    standing,
    revision,
    now,
    allowed,
  }: {
    standing: Read
    revision: number
    now: number
    allowed: Allowed
  },
): Promise<void> {
  const writes = plans.flatMap((plan) => plan.writes)
  await nameFilesOf(tx, vaultId, writes, standing.items)
  const purged = idsOf(writes, 'purge')
  const replaced = plans.flatMap((plan) => plan.replaced.map(({ id }) => id))
  const losing = new Set(replaced)
  const going = standing.going.filter(({ itemId }) => losing.has(itemId))
  const sent = [
    ...(going.length > 0 ? [forgetGoing(tx, vaultId, going)] : []),
    ...(purged.length > 0 ? [forgetVersions(tx, vaultId, purged)] : []),
    ...(replaced.length > 0 ? [keepVersions(tx, vaultId, replaced, now)] : []),
    putItems(
      tx,
      plans.flatMap((plan) => plan.changed),
    ),
    ...(plans.length > 1 ? [setRevision(tx, { accountId, vaultId }, revision)] : []),
  ]
  let growth = plans.reduce<Growth>((sum, plan) => sumOfGrowth(sum, plan.growth), noGrowth)
  // A reseal replaces files, and keeps no version that would name them.
  const resealed = idsOf(writes, 'reseal').filter((id) => standing.items.get(id)?.attachments)
  const withFiles = new Set([...itemsWithFiles(going), ...resealed])
  if (purged.length > 0 || withFiles.size > 0) {
    await Promise.all(sent)
    growth = { ...growth, attachmentBytes: -(await freeFiles(tx, vaultId, { purged, withFiles })) }
  }
  await tx.withCommit([...sent, spendWithin(tx, accountId, growth, allowedFor(writes, allowed))])
}

/** Does what requests ask of a vault: each of them wholly or not at all, under a revision of its own. */
async function applyAll(
  tx: Tx,
  place: Place,
  requests: readonly Request[],
  stamp: { now: number; allowed: Allowed },
): Promise<Answer[] | Unchanged<Answer[]>> {
  const standing = await readStanding(tx, place, requests, stamp.now)
  const { plans, answers, revision } = decideAll(standing, requests, stamp)
  const current = answers.includes('key-changed') ? await withCount(tx, standing.vault) : undefined
  const told = answers.map((answer): Answer => {
    if (answer !== 'key-changed') return answer
    if (!current) throw new Error('A vault was not read')
    return { kind: 'key-changed', current }
  })
  if (plans.length === 0) return new Unchanged(told)
  await write(tx, place, plans, { standing, revision, ...stamp })
  return told
}

type Answer = WriteOutcome | Failure

function given(answers: readonly Answer[]): WriteOutcome {
  const [answer] = answers
  if (!answer) throw new Error('A write was not answered')
  if (answer instanceof Failure) throw answer
  return answer
}

/**
 * Applies writes to a vault of the caller: all of them, under one new revision, or none. If none of them changes anything
 * the revision stays. Throws `not-found` for the vault, `insufficient-scope`, `too-large`, `attachment-missing` and
 * `quota-exceeded`.
 * @param writes at most `limits.batchOperations`, each id once
 */
export async function applyItemWrites(
  tx: Tx,
  caller: VaultCaller,
  vaultId: string,
  { writes, now, allowed }: { writes: readonly ItemWrite[]; now: number; allowed: Allowed },
): Promise<WriteOutcome | Unchanged<WriteOutcome>> {
  const answers = await applyAll(tx, caller.owned(vaultId), [{ caller, writes }], { now, allowed })
  return answers instanceof Unchanged ? new Unchanged(given(answers.result)) : given(answers)
}

interface Needs {
  readonly clock: Clock
  readonly config: QuotaSettings
  readonly store: Store
}

/** Most requests that are done together: bounds what is in memory for them, and how long the first waits for the last. */
const mostTogether = 16

/** How many requests, from the first on, can be done together: those of one item each, none of which is about the same item. */
function fit(requests: readonly Request[]): number {
  const ids = new Set<string>()
  for (const { writes } of requests) {
    const [write, ...more] = writes
    if (!write || more.length > 0 || write.op === 'reseal' || ids.has(write.id)) break
    ids.add(write.id)
    if (ids.size === mostTogether) break
  }
  return Math.max(1, ids.size)
}

const groupsOfStores = new WeakMap<Store, Groups<Place, Request, Answer>>()

function groupsOf({ clock, config, store }: Needs): Groups<Place, Request, Answer> {
  const known = groupsOfStores.get(store)
  if (known) return known
  const groups = new Groups<Place, Request, Answer>(store, {
    lineOf: lineOfVault,
    fit,
    work: (tx, place, requests) =>
      applyAll(tx, place, requests, { now: clock.now(), allowed: config.quotas }),
  })
  groupsOfStores.set(store, groups)
  return groups
}

/** Writes a list of items, as `applyItemWrites` says. */
export async function writeItems(
  needs: Needs,
  caller: VaultCaller,
  vaultId: string,
  writes: readonly ItemWrite[],
): Promise<WriteOutcome> {
  return given([await groupsOf(needs).do(caller.owned(vaultId), { caller, writes })])
}

/** What became of one write. */
export type ItemOutcome =
  | { readonly kind: 'written'; readonly row: ItemRow }
  | { readonly kind: 'conflict'; readonly current: ItemRow }
  | KeyChanged

/** Writes one item. Throws like `writeItems`, and `not-found` if there is nothing to conflict with. */
export async function writeItem(
  needs: Needs,
  caller: VaultCaller,
  vaultId: string,
  write: ItemWrite,
): Promise<ItemOutcome> {
  const outcome = await writeItems(needs, caller, vaultId, [write])
  if (outcome.kind === 'applied') {
    const [row] = outcome.rows
    if (!row) throw new Error('A write of one item answered without it')
    return { kind: 'written', row }
  }
  if (outcome.kind === 'key-changed') return outcome
  const current = outcome.conflicts[0]?.current
  if (!current || (write.expected === 'anything' && !isStored(current))) throw notFound()
  return { kind: 'conflict', current }
}

/** Creates an item. The same again changes nothing; any other item under the id is `id-taken`. */
export async function createItem(
  needs: Needs,
  caller: VaultCaller,
  vaultId: string,
  { id, ...content }: { id: string } & SealedContent,
): Promise<{ kind: 'created' | 'same'; item: StoredItem } | KeyChanged> {
  const outcome = await writeItem(needs, caller, vaultId, { op: 'put', id, ...content, expected: 'nothing' })
  if (outcome.kind === 'key-changed') return outcome
  const item = outcome.kind === 'written' ? outcome.row : outcome.current
  if (outcome.kind === 'written' && isStored(item)) return { kind: 'created', item }
  const { data, attachments } = content
  const hasSameFiles = attachments === undefined || item.attachments === naming(attachments)
  if (isStored(item) && hasSameFiles && isSameData(item.data, data)) return { kind: 'same', item }
  throw new Failure('id-taken', 'There is another item with this id in the vault.')
}

/**
 * Puts other content in place of that of items, and keeps none of what was there: nobody can open it any more. The vault is held.
 * @param contents some hundreds at the most, each of an item that is there
 * @param stamp.revision the vault's, which was raised for this
 * @returns what that adds to the account's usage, which is still to be counted
 */
export async function replaceContents(
  tx: Tx,
  contents: ReadonlyMap<string, Uint8Array>,
  stamp: { vaultId: string; revision: number; now: number },
): Promise<Growth> {
  const { vaultId, revision, now } = stamp
  const ids = [...contents.keys()]
  if (ids.length === 0) return noGrowth
  const forgotten = await forgetVersions(tx, vaultId, ids)
  const before = await tx.db
    .select()
    .from(tx.tables.items)
    .where(and(eq(tx.tables.items.vaultId, vaultId), inArray(tx.tables.items.id, ids)))
  const after = before.map((row) => ({
    ...row,
    data: contents.get(row.id) ?? row.data,
    revision,
    updatedAt: now,
  }))
  await putItems(tx, after)
  const { attachments } = tx.tables
  const withFiles = await tx.db
    .select({ itemId: attachments.itemId })
    .from(attachments)
    .where(and(eq(attachments.vaultId, vaultId), inArray(attachments.itemId, ids)))
    .groupBy(attachments.itemId)
  let freed = 0
  // Files that only versions named.
  for (const { itemId } of withFiles) freed += await freeUnnamedFiles(tx, { vaultId, itemId })
  const bytes = growthOf(before, after).bytes - forgotten
  return { ...noGrowth, bytes, attachmentBytes: -freed }
}
