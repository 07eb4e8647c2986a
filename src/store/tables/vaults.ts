// Vaults, items, and what is remembered of both.
import { isNotNull } from 'drizzle-orm'
import type { Columns } from '../columns.ts'
import { type AccountTables, accountIdOf } from './accounts.ts'

export const vaultTables = (kit: Columns, { accounts }: AccountTables) => {
  const { bytes, foreignKey, index, primaryKey, table, text, time, whole } = kit
  const accountId = accountIdOf(kit, accounts)

  const vaults = table('vaults', {
    columns: {
      id: text('id').primaryKey(),
      accountId: accountId(),
      key: bytes('key').notNull(),
      /** Raised by each change of the vault's key. */
      keyVersion: whole('key_version').notNull().default(1),
      data: bytes('data').notNull(),
      /** Of the key that seals `data`. While a change of the key is under way, it can be the next one's. */
      dataKeyVersion: whole('data_key_version').notNull().default(1),
      /** The sealed key that is to follow; null unless a change of the key is under way. */
      nextKey: bytes('next_key'),
      rotationStartedAt: time('rotation_started_at'),
      /** What becomes of replaced versions when the key changes. */
      rotationVersions: text('rotation_versions').$type<'keep' | 'drop'>(),
      revision: whole('revision').notNull(),
      /** Random: a new vault under the id of a deleted one has another history. */
      epoch: text('epoch').notNull(),
      createdAt: time('created_at').notNull(),
      updatedAt: time('updated_at').notNull(),
    },
    keys: (table) => [index('vaults_by_account').on(table.accountId)],
    backup: 'kept',
    expires: 'never',
  })

  /** Vaults that were deleted. None comes back under its id: a late repetition of the request that made it would not know. */
  const deletedVaults = table('deleted_vaults', {
    columns: {
      accountId: accountId(),
      vaultId: text('vault_id').notNull(),
      deletedAt: time('deleted_at').notNull(),
    },
    keys: (table) => [primaryKey({ columns: [table.accountId, table.vaultId] })],
    backup: 'kept',
    expires: 'never',
  })

  const vaultId = () =>
    text('vault_id')
      .notNull()
      .references(() => vaults.id, { onDelete: 'cascade' })

  const items = table('items', {
    columns: {
      vaultId: vaultId(),
      id: text('id').notNull(),
      state: text('state').notNull().$type<'active' | 'trash' | 'purged'>(),
      /** The item's envelope; once purged the marker of its deletion, or null if the client sent none. */
      data: bytes('data'),
      /** Of the key that seals `data`. */
      keyVersion: whole('key_version').notNull().default(1),
      /** The ids of its files, as a JSON list; null if it has none. */
      attachments: text('attachments'),
      revision: whole('revision').notNull(),
      createdAt: time('created_at').notNull(),
      updatedAt: time('updated_at').notNull(),
      deletedAt: time('deleted_at'),
    },
    keys: (table) => [
      primaryKey({ columns: [table.vaultId, table.id] }),
      // Sync reads by revision, the pages of list and trash by id, and the count of a vault by state.
      index('items_by_revision').on(table.vaultId, table.revision, table.id),
      index('items_by_state').on(table.vaultId, table.state, table.id),
      // What is left while the key of a vault is being changed.
      index('items_by_key').on(table.vaultId, table.keyVersion, table.id).where(isNotNull(table.data)),
    ],
    backup: 'kept',
    expires: 'never',
  })

  const itemVersions = table('item_versions', {
    columns: {
      vaultId: text('vault_id').notNull(),
      itemId: text('item_id').notNull(),
      revision: whole('revision').notNull(),
      data: bytes('data').notNull(),
      keyVersion: whole('key_version').notNull().default(1),
      attachments: text('attachments'),
      createdAt: time('created_at').notNull(),
      replacedAt: time('replaced_at').notNull(),
    },
    keys: (table) => [
      primaryKey({ columns: [table.vaultId, table.itemId, table.revision] }),
      foreignKey({
        columns: [table.vaultId, table.itemId],
        foreignColumns: [items.vaultId, items.id],
      }).onDelete('cascade'),
      index('item_versions_by_age').on(table.replacedAt),
      index('item_versions_by_key').on(table.vaultId, table.keyVersion, table.itemId, table.revision),
    ],
    backup: 'kept',
    expires: { by: 'deleteOldVersions' },
  })

  /**
   * Files beside items. One is uploaded first, in parts, and belongs to its item from the write of the item that names it. It stays as
   * long as the item or a replaced version names it. Its item can be written later than the file.
   */
  const attachments = table('attachments', {
    columns: {
      vaultId: vaultId(),
      itemId: text('item_id').notNull(),
      id: text('id').notNull(),
      /** Of the sealed file, as announced with its first part. */
      bytes: whole('bytes').notNull(),
      /** How much of it is here, from its beginning. */
      receivedBytes: whole('received_bytes').notNull(),
      /** Of the key that seals it. */
      keyVersion: whole('key_version').notNull().default(1),
      /** Random, new whenever the upload begins anew, so that no two uploads are mixed. In the S3-compatible store the object's name ends in it. */
      upload: text('upload').notNull(),
      /** Where its bytes are: in `attachment_chunks`, or in the S3-compatible store. */
      place: text('place').notNull().$type<'database' | 's3'>(),
      createdAt: time('created_at').notNull(),
      /** When it is deleted unless an item names it by then; null once one does. */
      expiresAt: time('expires_at'),
      /** Of a file of Bitwarden's apps, as its owner's client has encrypted them: its name, and its key. */
      fileName: text('file_name'),
      fileKey: text('file_key'),
    },
    keys: (table) => [
      primaryKey({ columns: [table.vaultId, table.itemId, table.id] }),
      index('attachments_by_expiry').on(table.expiresAt),
      index('attachments_by_key').on(table.vaultId, table.keyVersion),
      index('attachments_by_place').on(table.place),
    ],
    backup: 'kept',
    expires: { by: 'deleteOldUploads' },
  })

  /** The bytes of a sealed file, in parts that a server can hold in memory. */
  const attachmentChunks = table('attachment_chunks', {
    columns: {
      vaultId: text('vault_id').notNull(),
      itemId: text('item_id').notNull(),
      attachmentId: text('attachment_id').notNull(),
      /** Where it begins in the file. */
      offset: whole('offset').notNull(),
      data: bytes('data').notNull(),
    },
    keys: (table) => [
      primaryKey({ columns: [table.vaultId, table.itemId, table.attachmentId, table.offset] }),
      foreignKey({
        // By itself its name would be longer than Postgres takes.
        name: 'attachment_chunks_of_attachment',
        columns: [table.vaultId, table.itemId, table.attachmentId],
        foreignColumns: [attachments.vaultId, attachments.itemId, attachments.id],
      }).onDelete('cascade'),
    ],
    backup: 'kept',
    expires: { elsewhere: 'each goes with its attachment' },
  })

  /** What is to be deleted from the S3-compatible store: written with what makes it so, done after the commit. */
  const deletedObjects = table('deleted_objects', {
    columns: { name: text('name').primaryKey() },
    backup: { leftOut: 'what was restored can name them again' },
    expires: { elsewhere: 'each goes with its object' },
  })

  return { vaults, deletedVaults, items, itemVersions, attachments, attachmentChunks, deletedObjects }
}

export type VaultTables = ReturnType<typeof vaultTables>
