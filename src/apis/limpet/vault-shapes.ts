// Vaults, items and versions on the wire: bytes are base64url there, times ISO 8601.
import type { Item, ItemState, ItemVersion, Rotation, Vault } from '../../contract/vaults.ts'
import { toBase64url, toTimestamp, toTimestampOrNull } from '../../domain/encoding.ts'
import type { ListedItem } from '../../domain/vaults/items.ts'
import type { PageEnd } from '../../domain/vaults/pages.ts'
import type * as Rows from '../../domain/vaults/rows.ts'
import { isStored, namedIn, rotationOf } from '../../domain/vaults/rows.ts'
import { JsonStream, jsonWithList } from '../../http/json-text.ts'

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

/** What `naming` adds to an item, as JSON: the list is stored as it is told. */
const namingText = (attachments: string | null) =>
  attachments === null ? '' : `,"attachments":${attachments}`

/**
 * What `toItemState` makes of a row of a vault, as JSON. Nothing in it needs an escape: ids are UUIDs, and all else is numbers, times,
 * base64url and what the server itself has written.
 */
function itemStateText(vaultId: string, item: ListedItem): string {
  const [id, revision, state, data, keyVersion, attachments, createdAt, updatedAt, deletedAt] = item
  if (data === null || state === 'purged') {
    const marker = data === null ? '' : `,"marker":"${toBase64url(data)}","keyVersion":${keyVersion}`
    return `{"id":"${id}","revision":${revision},"purged":true${marker}}`
  }
  const created = toTimestamp(createdAt)
  const deleted = deletedAt === null ? 'null' : `"${toTimestamp(deletedAt)}"`
  return `{"id":"${id}","vaultId":"${vaultId}","data":"${toBase64url(data)}","keyVersion":${keyVersion}${namingText(attachments)},"revision":${revision},"createdAt":"${created}","updatedAt":"${toTimestamp(updatedAt)}","deletedAt":${deleted}}`
}

type ItemPieces<End> = AsyncGenerator<readonly ListedItem[], End>

/**
 * An answer with a list of items, and what stands behind it.
 * @param after of the page's end, as an object with a member at least
 */
export function itemsAnswer<End extends PageEnd<ListedItem>>(
  vaultId: string,
  page: ItemPieces<End>,
  after: (end: End) => object,
): JsonStream {
  const texts = (items: readonly ListedItem[]) => items.map((item) => itemStateText(vaultId, item))
  async function* entries() {
    for (;;) {
      const { done, value } = await page.next()
      if (done) return { entries: texts(value.rows), after: `],${JSON.stringify(after(value)).slice(1)}` }
      yield texts(value)
    }
  }
  return new JsonStream(jsonWithList('{"items":[', entries()))
}

export const toItemVersion = (row: Rows.VersionRow): ItemVersion => ({
  data: toBase64url(row.data),
  keyVersion: row.keyVersion,
  ...naming(row),
  revision: row.revision,
  createdAt: toTimestamp(row.createdAt),
  replacedAt: toTimestamp(row.replacedAt),
})
