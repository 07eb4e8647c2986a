// Every table, once, over a kit of columns. Changing it needs `npm run migrations` for both engines.
import { type Columns, postgresColumns, sqliteColumns } from './columns.ts'

const defineSchema = (kit: Columns) => {
  const { bytes, flag, text, time, whole } = kit

  /** One row about the database itself. */
  const instance = kit.table('instance', {
    id: whole('id').primaryKey(),
    /** Random; a restore replaces it, so that every cursor from before is refused. */
    epoch: text('epoch').notNull(),
  })

  const accounts = kit.table('accounts', {
    id: text('id').primaryKey(),
    email: text('email').notNull().unique(),
    emailVerified: flag('email_verified').notNull(),
    /** How the password is proved, and what the proof is checked against: with authKey its Argon2id hash. */
    authMethod: text('auth_method').notNull(),
    authVerifier: text('auth_verifier').notNull(),
    kdfMemoryKiB: whole('kdf_memory_kib').notNull(),
    kdfIterations: whole('kdf_iterations').notNull(),
    kdfParallelism: whole('kdf_parallelism').notNull(),
    kdfSalt: bytes('kdf_salt').notNull(),
    accountKey: bytes('account_key').notNull(),
    hint: text('hint'),
    createdAt: time('created_at').notNull(),
    lastLoginAt: time('last_login_at'),
  })

  const accountId = () =>
    text('account_id')
      .notNull()
      .references(() => accounts.id, { onDelete: 'cascade' })

  const sessions = kit.table(
    'sessions',
    {
      id: text('id').primaryKey(),
      accountId: accountId(),
      deviceId: text('device_id').notNull(),
      deviceName: text('device_name').notNull(),
      deviceType: text('device_type').notNull(),
      createdAt: time('created_at').notNull(),
      lastUsedAt: time('last_used_at').notNull(),
      expiresAt: time('expires_at').notNull(),
    },
    (table) => [
      kit.index('sessions_by_account').on(table.accountId),
      kit.index('sessions_by_expiry').on(table.expiresAt),
    ],
  )

  /** Every refresh token of a living session: kept after its use, because its second use ends the session. */
  const refreshTokens = kit.table(
    'refresh_tokens',
    {
      hash: bytes('hash').primaryKey(),
      sessionId: text('session_id')
        .notNull()
        .references(() => sessions.id, { onDelete: 'cascade' }),
      replacedAt: time('replaced_at'),
    },
    (table) => [kit.index('refresh_tokens_by_session').on(table.sessionId)],
  )

  const vaults = kit.table(
    'vaults',
    {
      id: text('id').primaryKey(),
      accountId: accountId(),
      key: bytes('key').notNull(),
      data: bytes('data').notNull(),
      revision: whole('revision').notNull(),
      /** Random: a vault that is made again under its old id has another history. */
      epoch: text('epoch').notNull(),
      createdAt: time('created_at').notNull(),
      updatedAt: time('updated_at').notNull(),
    },
    (table) => [kit.index('vaults_by_account').on(table.accountId)],
  )

  const vaultId = () =>
    text('vault_id')
      .notNull()
      .references(() => vaults.id, { onDelete: 'cascade' })

  const items = kit.table(
    'items',
    {
      vaultId: vaultId(),
      id: text('id').notNull(),
      state: text('state').notNull().$type<'active' | 'trash' | 'purged'>(),
      /** Null once purged. */
      data: bytes('data'),
      revision: whole('revision').notNull(),
      createdAt: time('created_at').notNull(),
      updatedAt: time('updated_at').notNull(),
      deletedAt: time('deleted_at'),
    },
    (table) => [
      kit.primaryKey({ columns: [table.vaultId, table.id] }),
      // Sync reads by revision, the pages of list and trash by id, and the count of a vault by state.
      kit.index('items_by_revision').on(table.vaultId, table.revision, table.id),
      kit.index('items_by_state').on(table.vaultId, table.state, table.id),
    ],
  )

  const itemVersions = kit.table(
    'item_versions',
    {
      vaultId: text('vault_id').notNull(),
      itemId: text('item_id').notNull(),
      revision: whole('revision').notNull(),
      data: bytes('data').notNull(),
      createdAt: time('created_at').notNull(),
      replacedAt: time('replaced_at').notNull(),
    },
    (table) => [
      kit.primaryKey({ columns: [table.vaultId, table.itemId, table.revision] }),
      kit
        .foreignKey({ columns: [table.vaultId, table.itemId], foreignColumns: [items.vaultId, items.id] })
        .onDelete('cascade'),
      kit.index('item_versions_by_age').on(table.replacedAt),
    ],
  )

  return { instance, accounts, sessions, refreshTokens, vaults, items, itemVersions }
}

export const postgresTables = defineSchema(postgresColumns)
export type Tables = typeof postgresTables

// One of the project's two casts: both kits build the same columns with the same row types (test/types.test.ts holds them
// equal), but each dialect brands its builders with types of its own.
export const sqliteTables: Tables = defineSchema(sqliteColumns as unknown as Columns)
