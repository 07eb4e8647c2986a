// Vaults, items, and what is remembered of both.
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
      data: bytes('data').notNull(),
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
    ],
    backup: 'kept',
    expires: { by: 'deleteOldVersions' },
  })

  return { vaults, deletedVaults, items, itemVersions }
}

export type VaultTables = ReturnType<typeof vaultTables>
