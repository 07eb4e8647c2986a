// Rows of vaults, items and versions, as the rules answer with them. Times are milliseconds since 1970.
import type { InferSelectModel } from 'drizzle-orm'
import { z } from 'zod'
import type { Tables } from '../../store/schema.ts'

export type VaultRow = InferSelectModel<Tables['vaults']>
export type ItemRow = InferSelectModel<Tables['items']>
/** A file beside an item, whole or not. */
export type AttachmentRow = InferSelectModel<Tables['attachments']>
export type VersionRow = InferSelectModel<Tables['itemVersions']>

export interface Vault extends VaultRow {
  /** Items outside the trash. */
  readonly itemCount: number
}

/** A change of a vault's key that is under way. */
export interface Rotation {
  /** The key that is to follow, sealed under the account key. */
  readonly key: Uint8Array
  readonly keyVersion: number
  /** What becomes of replaced versions. */
  readonly versions: 'keep' | 'drop'
  readonly startedAt: number
}

/** @returns null if the key of the vault is not being changed */
export const rotationOf = ({
  keyVersion,
  nextKey,
  rotationStartedAt,
  rotationVersions,
}: VaultRow): Rotation | null =>
  nextKey === null || rotationStartedAt === null || rotationVersions === null
    ? null
    : {
        key: nextKey,
        keyVersion: keyVersion + 1,
        versions: rotationVersions,
        startedAt: rotationStartedAt,
      }

/** Whether the vault takes what is sealed under this version of its key: the present one, or the one that is to follow. */
export const takesKey = (vault: VaultRow, keyVersion: number): boolean =>
  keyVersion === vault.keyVersion || keyVersion === rotationOf(vault)?.keyVersion

/** The vault does not take what is sealed under the key that a request names. Nothing was changed. */
export interface KeyChanged {
  readonly kind: 'key-changed'
  readonly current: Vault
}

/** An item that was not deleted for good. */
export type StoredItem = ItemRow & { readonly data: Uint8Array }

/** Whether a row is an item; of one that was deleted for good only a tombstone is left. */
export const isStored = (row: ItemRow): row is StoredItem => row.data !== null && row.state !== 'purged'

export const isSameData = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0

const Names = z.array(z.string())

/** The files that a row names. */
export const namedIn = ({ attachments }: Pick<ItemRow, 'attachments'>): string[] =>
  attachments === null ? [] : Names.parse(JSON.parse(attachments))

/** The column that names these files. */
export const naming = (ids: readonly string[]): string | null =>
  ids.length === 0 ? null : JSON.stringify(ids)
