// Vaults, items and versions on the wire: bytes are base64url there, times ISO 8601.
import type { Item, ItemState, ItemVersion, Rotation, Vault } from '../../contract/vaults.ts'
import { toBase64url, toTimestamp, toTimestampOrNull } from '../../domain/encoding.ts'
import type * as Rows from '../../domain/vaults/rows.ts'
import { isStored, namedIn, rotationOf } from '../../domain/vaults/rows.ts'

const toRotation = ({ key, keyVersion, versions, startedAt }: Rows.Rotation): Rotation => ({
  key: toBase64url(key),
  keyVersion,
  versions,
  startedAt: toTimestamp(startedAt),
})

export function toVault(vault: Rows.Vault): Vault {
  const rotation = rotationOf(vault)
  return {
    id: vault.id,
    key: toBase64url(vault.key),
    keyVersion: vault.keyVersion,
    data: toBase64url(vault.data),
    dataKeyVersion: vault.dataKeyVersion,
    rotation: rotation && toRotation(rotation),
    revision: vault.revision,
    itemCount: vault.itemCount,
    createdAt: toTimestamp(vault.createdAt),
    updatedAt: toTimestamp(vault.updatedAt),
  }
}

/** The files that a row names, if it names any. */
const naming = (row: Pick<Rows.ItemRow, 'attachments'>) =>
  row.attachments !== null && { attachments: namedIn(row) }

export const toItem = (item: Rows.StoredItem): Item => ({
  id: item.id,
  vaultId: item.vaultId,
  data: toBase64url(item.data),
  keyVersion: item.keyVersion,
  ...naming(item),
  revision: item.revision,
  createdAt: toTimestamp(item.createdAt),
  updatedAt: toTimestamp(item.updatedAt),
  deletedAt: toTimestampOrNull(item.deletedAt),
})

export const toItemState = (row: Rows.ItemRow): ItemState =>
  isStored(row)
    ? toItem(row)
    : {
        id: row.id,
        revision: row.revision,
        purged: true,
        ...(row.data !== null && { marker: toBase64url(row.data), keyVersion: row.keyVersion }),
      }

export const toItemVersion = (row: Rows.VersionRow): ItemVersion => ({
  data: toBase64url(row.data),
  keyVersion: row.keyVersion,
  ...naming(row),
  revision: row.revision,
  createdAt: toTimestamp(row.createdAt),
  replacedAt: toTimestamp(row.replacedAt),
})
