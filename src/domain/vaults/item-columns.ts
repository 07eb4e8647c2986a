// A row of an item as statements give it by columns: an array takes less to read than an object.
import type { Tables } from '../../store/schema.ts'
import type { ItemRow } from './rows.ts'

/** In the order of `itemColumns`. */
export type ItemColumns = [
  id: string,
  state: ItemRow['state'],
  data: Uint8Array | null,
  keyVersion: number,
  attachments: string | null,
  revision: number,
  createdAt: number,
  updatedAt: number,
  deletedAt: number | null,
]

/** What a statement selects for `ItemColumns`. */
export const itemColumns = ({ items }: Pick<Tables, 'items'>) => ({
  ...{ id: items.id, state: items.state, data: items.data, keyVersion: items.keyVersion },
  ...{ attachments: items.attachments, revision: items.revision },
  ...{ createdAt: items.createdAt, updatedAt: items.updatedAt, deletedAt: items.deletedAt },
})

export function itemOf(vaultId: string, columns: ItemColumns): ItemRow {
  const [id, state, data, keyVersion, attachments, revision, createdAt, updatedAt, deletedAt] = columns
  return { vaultId, id, state, data, keyVersion, attachments, revision, createdAt, updatedAt, deletedAt }
}
