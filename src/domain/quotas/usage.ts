// What an account stores is counted on its row, in the transaction of the write that changes it: no write counts rows, and two
// writes at the same time, in whichever processes, are decided one after the other.
import { type Column, count, eq, type SQL, sql } from 'drizzle-orm'
import type { Allowed, QuotaName } from '../../contract/quotas.ts'
import type { Tables } from '../../store/schema.ts'
import { guard, rowsStatement, statement } from '../../store/statement.ts'
import type { Reader, Tx } from '../../store/store.ts'
import { formatFileSize } from '../../units.ts'
import { Failure, notFound } from '../failure.ts'

/** What a write adds; negative for what it takes away. */
export interface Growth {
  /** In the trash or not; and sends. */
  readonly items: number
  /** Of which a tombstone is left: items, and vaults. */
  readonly deletedItems: number
  /** Of ciphertext: vaults, items, replaced versions, sends. */
  readonly bytes: number
  /** Of sealed files, each with the length that its upload announced. */
  readonly attachmentBytes: number
}

export interface QuotaSettings {
  /** What one account may have. */
  readonly quotas: Allowed
}

export const noGrowth: Growth = { items: 0, deletedItems: 0, bytes: 0, attachmentBytes: 0 }

/** How many bytes a column of them holds in a row. */
export const bytesOf = (column: Column) => sql<number>`octet_length(${column})`.mapWith(Number)

const addUsageStatement = statement(({ db, tables: { accounts } }: Tx) =>
  db
    .update(accounts)
    .set({
      storedItems: sql`${accounts.storedItems} + ${sql.placeholder('items')}`,
      deletedItems: sql`${accounts.deletedItems} + ${sql.placeholder('deletedItems')}`,
      storedBytes: sql`${accounts.storedBytes} + ${sql.placeholder('bytes')}`,
      storedAttachmentBytes: sql`${accounts.storedAttachmentBytes} + ${sql.placeholder('attachmentBytes')}`,
    })
    .where(eq(accounts.id, sql.placeholder('accountId')))
    .returning({
      items: accounts.storedItems,
      deletedItems: accounts.deletedItems,
      bytes: accounts.storedBytes,
      attachmentBytes: accounts.storedAttachmentBytes,
    })
    .prepare('add_usage'),
)

/** Adds to what the account stores, and holds its row until the commit. @returns what it stores now; throws `not-found` */
export async function addUsage(tx: Tx, accountId: string, growth: Growth): Promise<Growth> {
  const [usage] = await addUsageStatement(tx).execute({ accountId, ...growth })
  if (!usage) throw notFound()
  return usage
}

const countOf = (nouns: string) => (used: number, allowed: number) => `${used} ${nouns} of ${allowed}`

/** How much of what there is may be, for people. */
const amounts: Readonly<Record<QuotaName, (used: number, allowed: number) => string>> = {
  vaults: countOf('vaults'),
  items: countOf('items'),
  deletedItems: countOf('items and vaults that were deleted for good'),
  bytes: (used, allowed) => `${formatFileSize(used)} of the ${formatFileSize(allowed)}`,
  attachmentBytes: (used, allowed) => `${formatFileSize(used)} of files of the ${formatFileSize(allowed)}`,
  tokens: countOf('personal access tokens'),
  sessions: countOf('sessions'),
  secondFactors: countOf('second factors'),
}

/** @param used before what was refused */
export const quotaExceeded = (resource: QuotaName, used: number, allowed: number) =>
  new Failure('quota-exceeded', `The account has ${amounts[resource](used, allowed)} that it may have.`, {
    resource,
    used,
    allowed,
  })

/** What deleting for good needs is never refused: only what grows is looked at. */
const limited = ['items', 'deletedItems', 'bytes', 'attachmentBytes'] as const

/** How much of each there may be after something has grown by this. */
function mostAfter(growth: Growth, allowed: Allowed): Growth {
  const most = (isLimited: boolean, name: (typeof limited)[number]) =>
    isLimited ? allowed[name] : Number.MAX_SAFE_INTEGER
  return {
    items: most(growth.items > 0, 'items'),
    // Purging makes tombstones and must stay possible: they are looked at when an item is made, beside a purge too.
    deletedItems: most(growth.items + growth.deletedItems > 0, 'deletedItems'),
    bytes: most(growth.bytes > 0, 'bytes'),
    attachmentBytes: most(growth.attachmentBytes > 0, 'attachmentBytes'),
  }
}

export const sumOfGrowth = (one: Growth, other: Growth): Growth => ({
  items: one.items + other.items,
  deletedItems: one.deletedItems + other.deletedItems,
  bytes: one.bytes + other.bytes,
  attachmentBytes: one.attachmentBytes + other.attachmentBytes,
})

/**
 * What an account stores after it has grown; throws `quota-exceeded` for what grows beyond what is allowed.
 * @param usage before
 */
export function grown(usage: Growth, growth: Growth, allowed: Allowed): Growth {
  const after = sumOfGrowth(usage, growth)
  const most = mostAfter(growth, allowed)
  for (const name of limited)
    if (after[name] > most[name]) throw quotaExceeded(name, usage[name], allowed[name])
  return after
}

/** Adds like `addUsage`, and throws `quota-exceeded` for what grows beyond what is allowed. */
export async function spendQuota(tx: Tx, accountId: string, growth: Growth, allowed: Allowed): Promise<void> {
  const usage = await addUsage(tx, accountId, growth)
  const before = sumOfGrowth(usage, {
    items: -growth.items,
    deletedItems: -growth.deletedItems,
    bytes: -growth.bytes,
    attachmentBytes: -growth.attachmentBytes,
  })
  grown(before, growth, allowed)
}

const spendWithinStatement = rowsStatement<[], Tx>('spend_within', ({ db, tables: { accounts } }) => {
  const after = (column: Column, name: string) => sql`${column} + ${sql.placeholder(name)}`
  const isWithin = (column: Column, name: string, most: string) =>
    sql`${after(column, name)} <= ${sql.placeholder(most)}`
  const { storedItems, deletedItems, storedBytes, storedAttachmentBytes } = accounts
  const allWithin = sql.join(
    [
      isWithin(storedItems, 'items', 'mostItems'),
      isWithin(deletedItems, 'deletedItems', 'mostDeletedItems'),
      isWithin(storedBytes, 'bytes', 'mostBytes'),
    ],
    sql` and `,
  )
  return db
    .update(accounts)
    .set({
      storedItems: sql`${storedItems} + ${sql.placeholder('items')} / ${guard(allWithin)}`,
      deletedItems: after(deletedItems, 'deletedItems'),
      storedBytes: after(storedBytes, 'bytes'),
      storedAttachmentBytes: after(storedAttachmentBytes, 'attachmentBytes'),
    })
    .where(eq(accounts.id, sql.placeholder('accountId')))
})

/**
 * Adds to what the account stores what was found to be within its quotas. If another unit has taken the room meanwhile, this one is run
 * again, and finds out.
 */
export const spendWithin = (
  tx: Tx,
  accountId: string,
  growth: Growth,
  allowed: Allowed,
): Promise<unknown> => {
  const most = mostAfter(growth, allowed)
  return spendWithinStatement(tx)({
    accountId,
    ...growth,
    mostItems: most.items,
    mostDeletedItems: most.deletedItems,
    mostBytes: most.bytes,
  })
}

const withAnEighth = (bytes: number) => bytes + Math.ceil(bytes / 8)

/**
 * What may be stored while content is sealed under a new key. It must stay possible for a full account: the counter in it grows, and
 * the padding with it, by an eighth at the most (docs/protocol.md, "Padding"); and a file is there twice for a moment.
 */
export const allowedToReseal = (allowed: Allowed): Allowed => ({
  ...allowed,
  bytes: withAnEighth(allowed.bytes),
  attachmentBytes: withAnEighth(allowed.attachmentBytes),
})

/** What a vault holds by its rows, for the moment in which it is deleted. */
export async function usageOfVault({ db, tables }: Reader, vaultId: string): Promise<Growth> {
  const { attachments, items, itemVersions, vaults } = tables
  const bytes = (column: Column) => sql`coalesce(sum(octet_length(${column})), 0)`.mapWith(Number)
  const ofItems = await db
    .select({ state: items.state, rows: count(), bytes: bytes(items.data) })
    .from(items)
    .where(eq(items.vaultId, vaultId))
    .groupBy(items.state)
  const ofVersions = await db
    .select({ bytes: bytes(itemVersions.data) })
    .from(itemVersions)
    .where(eq(itemVersions.vaultId, vaultId))
  const ofVault = await db
    .select({ bytes: bytes(vaults.data) })
    .from(vaults)
    .where(eq(vaults.id, vaultId))
  const [ofAttachments] = await db
    .select({ bytes: sql`coalesce(sum(${attachments.bytes}), 0)`.mapWith(Number) })
    .from(attachments)
    .where(eq(attachments.vaultId, vaultId))
  const rowsIn = (isPurged: boolean) =>
    ofItems.reduce((sum, { state, rows }) => sum + ((state === 'purged') === isPurged ? rows : 0), 0)
  const all = [...ofItems, ...ofVersions, ...ofVault]
  return {
    items: rowsIn(false),
    deletedItems: rowsIn(true),
    bytes: all.reduce((sum, part) => sum + part.bytes, 0),
    attachmentBytes: ofAttachments?.bytes ?? 0,
  }
}

/** What accounts store by their rows of other tables: what the counts on their own row have to say. */
export function countedUsage({
  accounts,
  attachments,
  deletedVaults,
  items,
  itemVersions,
  sends,
  vaults,
}: Tables) {
  const ofItems = (what: SQL, state: SQL) =>
    sql`(select ${what} from ${items} join ${vaults} on ${vaults.id} = ${items.vaultId}
      where ${vaults.accountId} = ${accounts.id} and ${items.state} ${state})`
  const ofSends = (what: SQL) => sql`(select ${what} from ${sends} where ${sends.accountId} = ${accounts.id})`
  const bytes = (column: SQL) => sql`coalesce(sum(octet_length(${column})), 0)`
  return {
    storedItems: sql`(${ofItems(sql`count(*)`, sql`<> 'purged'`)}
      + ${ofSends(sql`count(*)`)})`,
    deletedItems: sql`(${ofItems(sql`count(*)`, sql`= 'purged'`)}
      + (select count(*) from ${deletedVaults} where ${deletedVaults.accountId} = ${accounts.id}))`,
    storedBytes: sql`((select ${bytes(sql`${vaults.data}`)} from ${vaults} where ${vaults.accountId} = ${accounts.id})
      + ${ofItems(bytes(sql`${items.data}`), sql`is not null`)} + ${ofSends(bytes(sql`${sends.data}`))}
      + (select ${bytes(sql`${itemVersions.data}`)} from ${itemVersions}
        join ${vaults} on ${vaults.id} = ${itemVersions.vaultId} where ${vaults.accountId} = ${accounts.id}))`,
    storedAttachmentBytes: sql`(select coalesce(sum(${attachments.bytes}), 0) from ${attachments}
      join ${vaults} on ${vaults.id} = ${attachments.vaultId} where ${vaults.accountId} = ${accounts.id})`,
  }
}
