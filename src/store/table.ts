// What is said of each table beside its columns: what a backup does with it, and when its rows run out.

/**
 * What a backup does with a table (docs/decisions/backups.md):
 * - `kept`: holds its rows, and a restore puts them back as they were;
 * - `leftOut`: does not hold them, for this reason;
 * - `settled`: holds them, and a restore then ends what the backup cannot know the end of, by this step.
 */
type Backup = 'kept' | { readonly leftOut: string } | { readonly settled: RestoreStep }

/** What a restore does to rows that it has put back; the operator's commands do it. */
export type RestoreStep =
  | 'renewEpoch'
  | 'revokeOpenInvites'
  | 'endAllTokens'
  | 'forgetUnreadShares'
  | 'disableSends'
  | 'resyncBitwardenAccounts'

/** Rows that simply have an end: the cleanup deletes them. */
export interface End<Column extends string = string> {
  /** The time from which a row has run out. */
  readonly after: Column
  /** Milliseconds for which it is kept beyond that; 0 unless it is said. */
  readonly keptFor?: number
  /** Only rows in which this is null run out. */
  readonly whileNull?: Column
  /** How soon it is to leave the disk. */
  readonly every: 'minute' | 'hour'
}

/**
 * When the rows of a table run out:
 * - `never`: only their owner or the operator deletes them;
 * - an `End`;
 * - `by`: a task of the cleanup does more about them than delete them;
 * - `elsewhere`: what else removes them.
 */
type Expiry<Column extends string = string> =
  | 'never'
  | End<Column>
  | { readonly by: ExpiryTask }
  | { readonly elsewhere: string }

/** What the cleanup does about rows that need more than to be deleted; server/cleanup.ts says why for each. */
export type ExpiryTask =
  | 'noteUnfinishedLogins'
  | 'forgetUsedOnce'
  | 'finishDeletions'
  | 'deleteOldVersions'
  | 'deleteOldUploads'
  | 'deleteOldSends'
  | 'deleteOldTrash'

export interface Lifecycle<Column extends string = string> {
  readonly backup: Backup
  readonly expires: Expiry<Column>
  /** Whether starting a server fills it, so that a database with such rows counts as empty. */
  readonly filledByStart?: true
}

const lifecycles = new WeakMap<object, Lifecycle>()

/** Remembers what is said of a table. @returns the table */
export function withLifecycle<Table extends object>(table: Table, lifecycle: Lifecycle): Table {
  lifecycles.set(table, lifecycle)
  return table
}

/** What is said of a table of the schema. */
export function lifecycleOf(table: object): Lifecycle {
  const lifecycle = lifecycles.get(table)
  if (!lifecycle) throw new Error('Not a table of the schema')
  return lifecycle
}
