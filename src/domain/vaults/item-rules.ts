// What writes of items do and when they are refused: the rules, without a statement. What asks them is in item-writes.ts.
import type { Allowed } from '../../contract/quotas.ts'
import { allowedToReseal, type Growth, grown } from '../quotas/usage.ts'
import { type ItemRow, type KeyChanged, naming, rotationOf, takesKey, type VaultRow } from './rows.ts'

/** What must stand under the id: this revision; `nothing`, which creates; or `anything`, as long as there is something. */
type Expected = number | 'nothing' | 'anything'

/** An envelope, and the version of the vault's key that seals it. */
interface SealedData {
  readonly data: Uint8Array
  readonly keyVersion: number
}

/** The content of an item, or of a version of it. */
export interface SealedContent extends SealedData {
  /** The ids of its files; undefined for those that it has. */
  readonly attachments?: readonly string[] | undefined
}

/** What is to become of one item. */
export type ItemWrite =
  | ({ op: 'put'; id: string; expected: Expected } & SealedContent)
  /** Puts the same content under the key that is to follow: state and times stay, and no version is kept. */
  | ({ op: 'reseal'; id: string; expected: number } & SealedContent)
  | { op: 'trash' | 'restore'; id: string; expected: Expected }
  | { op: 'purge'; id: string; expected: Expected; marker?: SealedData | undefined }

/** A write that met something else than it expects; `current` is null if nothing stands under the id. */
interface ItemConflict {
  readonly id: string
  readonly current: ItemRow | null
}

/** What became of a list of writes. `rows` stand in the order of the writes, `revision` is the vault's. */
export type WriteOutcome =
  | { kind: 'applied'; revision: number; rows: ItemRow[] }
  | { kind: 'conflict'; conflicts: ItemConflict[] }
  | KeyChanged

/** What every row that a write touches is stamped with. */
interface Stamp {
  readonly vaultId: string
  readonly revision: number
  readonly now: number
}

/**
 * A tombstone is not nothing: a creation that is repeated late must not bring back what was deleted for good. A client that means to,
 * puts over the revision of the tombstone. Trashing and restoring do not find it, purging again does.
 */
function meets({ op, expected }: ItemWrite, current: ItemRow | undefined): boolean {
  if (expected === 'nothing') return current === undefined
  if (current === undefined) return false
  if (op === 'reseal' && current.data === null) return false
  if (current.state === 'purged' && (op === 'trash' || op === 'restore')) return false
  return expected === 'anything' || current.revision === expected
}

/** The columns that content fills. */
const contentBy = ({ data, keyVersion, attachments }: SealedContent) => ({
  data,
  keyVersion,
  ...(attachments && { attachments: naming(attachments) }),
})

/** The row after a write that `meets`; the same row if the write changes nothing. */
function rowAfter(
  write: ItemWrite,
  current: ItemRow | undefined,
  { vaultId, revision, now }: Stamp,
): ItemRow {
  const { id } = write
  const living = current?.state === 'purged' ? undefined : current
  const created = {
    vaultId,
    id,
    state: 'active',
    data: null,
    keyVersion: 1,
    attachments: null,
    createdAt: now,
    updatedAt: now,
    deletedAt: null,
  } as const
  const row: ItemRow = { ...(living ?? created), revision }
  switch (write.op) {
    case 'put':
      return { ...row, ...contentBy(write), updatedAt: now }
    case 'reseal':
      // Of a tombstone only the marker is sealed.
      return current?.state === 'purged'
        ? { ...current, data: write.data, keyVersion: write.keyVersion, revision }
        : { ...row, ...contentBy(write) }
    case 'trash':
      return current?.state === 'trash' ? current : { ...row, state: 'trash', deletedAt: now }
    case 'restore':
      return current?.state === 'active' ? current : { ...row, state: 'active', deletedAt: null }
    case 'purge':
      return current?.state === 'purged' && (current.data !== null || write.marker === undefined)
        ? current
        : {
            ...row,
            state: 'purged',
            data: write.marker?.data ?? null,
            keyVersion: write.marker?.keyVersion ?? row.keyVersion,
            attachments: null,
            deletedAt: now,
          }
  }
}

/** The envelope that a write brings. @returns undefined if it brings none */
function sealedBy(write: ItemWrite): SealedData | undefined {
  switch (write.op) {
    case 'put':
    case 'reseal':
      return write
    case 'purge':
      return write.marker
    default:
      return undefined
  }
}

/** Whether the vault takes what a write brings; a reseal is for the key that is to follow, and for no other. */
function takes(vault: VaultRow, write: ItemWrite): boolean {
  const sealed = sealedBy(write)
  if (!sealed) return true
  return write.op === 'reseal'
    ? sealed.keyVersion === rotationOf(vault)?.keyVersion
    : takesKey(vault, sealed.keyVersion)
}

/** What rows of items count as. */
const contentOf = (rows: readonly ItemRow[]): Growth => ({
  items: rows.filter(({ state }) => state !== 'purged').length,
  deletedItems: rows.filter(({ state }) => state === 'purged').length,
  bytes: rows.reduce((sum, { data }) => sum + (data?.length ?? 0), 0),
  attachmentBytes: 0,
})

/** What rows add in place of those that stood there. */
export function growthOf(before: readonly ItemRow[], after: readonly ItemRow[]): Growth {
  const [old, now] = [contentOf(before), contentOf(after)]
  return {
    items: now.items - old.items,
    deletedItems: now.deletedItems - old.deletedItems,
    bytes: now.bytes - old.bytes,
    attachmentBytes: 0,
  }
}

/** A list of writes that are applied all together or not at all, and what stands where they are to be applied. */
export interface Wanted {
  readonly writes: readonly ItemWrite[]
  readonly now: number
  readonly allowed: Allowed
}

/** What stands in a vault, as far as writes are about it. */
export interface Standing {
  readonly vault: VaultRow
  /** By their ids. */
  readonly items: ReadonlyMap<string, ItemRow>
  /** Bytes of the versions that go once the item of this id is written. */
  readonly goingBytes: (itemId: string) => number
  readonly usage: Growth
}

/** What is to be written. `revision` is the vault's. */
export interface Plan {
  readonly revision: number
  /** In the order of the writes. */
  readonly rows: ItemRow[]
  /** Those of them that are new. */
  readonly changed: ItemRow[]
  /** What they replace, and is to be kept as a version. */
  readonly replaced: ItemRow[]
  readonly growth: Growth
  readonly usageAfter: Growth
}

type Decision =
  | { kind: 'write'; plan: Plan }
  | { kind: 'key-changed' }
  | Exclude<WriteOutcome, { kind: 'key-changed' }>

/** Whether what stood there stays as a version of the item. */
const isKept = ({ data, state }: ItemRow) => data !== null && state !== 'purged'

/** What an account may store after these writes. */
export const allowedFor = (writes: readonly ItemWrite[], allowed: Allowed): Allowed =>
  writes.every(({ op }) => op === 'reseal') ? allowedToReseal(allowed) : allowed

/** Decides about a list of writes. Throws `quota-exceeded`. */
export function decide(
  { vault, items, goingBytes, usage }: Standing,
  { writes, now, allowed }: Wanted,
): Decision {
  if (writes.some((write) => !takes(vault, write))) return { kind: 'key-changed' }
  const unmet = writes.filter((write) => !meets(write, items.get(write.id)))
  if (unmet.length > 0)
    return { kind: 'conflict', conflicts: unmet.map(({ id }) => ({ id, current: items.get(id) ?? null })) }

  const revision = vault.revision + 1
  const rows = writes.map((write) =>
    rowAfter(write, items.get(write.id), { vaultId: vault.id, revision, now }),
  )
  const changed = rows.filter((row) => row.revision === revision)
  if (changed.length === 0) return { kind: 'applied', revision: vault.revision, rows }

  const before = (ids: readonly { readonly id: string }[]) => ids.flatMap(({ id }) => items.get(id) ?? [])
  const replaced = before(writes.filter(({ op }) => op === 'put')).filter(isKept)
  const content = growthOf(before(changed), changed)
  const going = writes.reduce((sum, { id }) => sum + goingBytes(id), 0)
  const growth = { ...content, bytes: content.bytes + growthOf([], replaced).bytes - going }
  const usageAfter = grown(usage, growth, allowedFor(writes, allowed))
  return { kind: 'write', plan: { revision, rows, changed, replaced, growth, usageAfter } }
}
