// Rows of vaults and items → wire shapes.
import type { InferSelectModel } from 'drizzle-orm'
import type { Item, ItemState, ItemVersion, Vault } from '../../contract/vaults.ts'
import type { Tables } from '../../store/schema.ts'
import { toBase64url, toTimestamp, toTimestampOrNull } from '../encoding.ts'

export type VaultRow = InferSelectModel<Tables['vaults']>
export type ItemRow = InferSelectModel<Tables['items']>
type VersionRow = InferSelectModel<Tables['itemVersions']>

export const toVault = (row: VaultRow, itemCount: number): Vault => ({
  id: row.id,
  key: toBase64url(row.key),
  data: toBase64url(row.data),
  revision: row.revision,
  itemCount,
  createdAt: toTimestamp(row.createdAt),
  updatedAt: toTimestamp(row.updatedAt),
})

/** An item, or undefined for what is only a tombstone any more. */
export const toItem = (row: ItemRow): Item | undefined =>
  row.data === null || row.state === 'purged'
    ? undefined
    : {
        id: row.id,
        vaultId: row.vaultId,
        data: toBase64url(row.data),
        revision: row.revision,
        createdAt: toTimestamp(row.createdAt),
        updatedAt: toTimestamp(row.updatedAt),
        deletedAt: toTimestampOrNull(row.deletedAt),
      }

export const toItemState = (row: ItemRow): ItemState =>
  toItem(row) ?? {
    id: row.id,
    revision: row.revision,
    purged: true,
    ...(row.data !== null && { marker: toBase64url(row.data) }),
  }

export const toItemVersion = (row: VersionRow): ItemVersion => ({
  data: toBase64url(row.data),
  revision: row.revision,
  createdAt: toTimestamp(row.createdAt),
  replacedAt: toTimestamp(row.replacedAt),
})
