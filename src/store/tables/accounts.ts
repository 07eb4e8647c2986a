// Accounts, and what is under way about them: invites, registrations that wait, changes of the address, deletions.
import { days } from '../../clock.ts'
import type { ColumnOfTable, Columns } from '../columns.ts'

export const accountTables = (kit: Columns) => {
  const { bytes, flag, index, table, text, time, whole } = kit

  /** How an account is logged in to, the account key sealed under it, and the hint. */
  const credentials = () => ({
    /** How the password is proved, and what the proof is checked against: its OPAQUE record, or the Argon2id hash of its authKey. */
    authMethod: text('auth_method').notNull(),
    authVerifier: text('auth_verifier').notNull(),
    /**
     * What the OPRF key of the OPAQUE record comes from. Null for the method authKey, and for records from before there was this
     * column: theirs is derived from the e-mail address.
     */
    credentialId: text('credential_id'),
    kdfMemoryKiB: whole('kdf_memory_kib').notNull(),
    kdfIterations: whole('kdf_iterations').notNull(),
    kdfParallelism: whole('kdf_parallelism').notNull(),
    kdfSalt: bytes('kdf_salt').notNull(),
    accountKey: bytes('account_key').notNull(),
    hint: text('hint'),
  })

  const accounts = table('accounts', {
    columns: {
      id: text('id').primaryKey(),
      email: text('email').notNull().unique(),
      emailVerified: flag('email_verified').notNull(),
      ...credentials(),
      createdAt: time('created_at').notNull(),
      lastLoginAt: time('last_login_at'),
      /** Since when the operator keeps its owner out. A disabled account has no sessions and gets none. */
      disabledAt: time('disabled_at'),
      /**
       * What it stores, kept up to date by every write, so that none has to count: items in the trash or not, tombstones (of items
       * and of vaults), and bytes of ciphertext (vaults, items, replaced versions).
       */
      storedItems: whole('stored_items').notNull().default(0),
      deletedItems: whole('deleted_items').notNull().default(0),
      storedBytes: whole('stored_bytes').notNull().default(0),
      /** Bytes of sealed files, uploads that are under way included: each with the length that was announced. */
      storedAttachmentBytes: whole('stored_attachment_bytes').notNull().default(0),
      /** Raised by each change of the account key. */
      accountKeyVersion: whole('account_key_version').notNull().default(1),
    },
    keys: (table) => [index('accounts_by_credential_id').on(table.credentialId)],
    backup: 'kept',
    expires: 'never',
  })

  const accountId = accountIdOf(kit, accounts)

  /** What the operator hands out for REGISTRATION=invite. Used up by one registration, it goes with that account. */
  const invites = table('invites', {
    columns: {
      id: text('id').primaryKey(),
      codeHash: bytes('code_hash').notNull().unique(),
      /** The one address that may register with it; null for any. */
      email: text('email'),
      note: text('note'),
      createdAt: time('created_at').notNull(),
      expiresAt: time('expires_at').notNull(),
      usedAt: time('used_at'),
      usedBy: text('used_by').references(() => accounts.id, { onDelete: 'cascade' }),
      revokedAt: time('revoked_at'),
    },
    keys: (table) => [index('invites_by_account').on(table.usedBy)],
    backup: { settled: 'revokeOpenInvites' },
    expires: { after: 'expiresAt', keptFor: days(90), whileNull: 'usedAt', every: 'hour' },
  })

  /**
   * Registrations whose address is not confirmed yet, each with all that an account is made of. An address can have several, of
   * strangers too, and also one that has an account.
   */
  const pendingRegistrations = table('pending_registrations', {
    columns: {
      accountId: text('account_id').primaryKey(),
      email: text('email').notNull(),
      ...credentials(),
      vaultId: text('vault_id').notNull().unique(),
      vaultKey: bytes('vault_key').notNull(),
      vaultData: bytes('vault_data').notNull(),
      /** JSON: what only an account of Bitwarden's apps has; null for a native one. */
      bitwarden: text('bitwarden'),
      /** Was open when it came, and is used up once the address is confirmed. */
      inviteId: text('invite_id').references(() => invites.id, { onDelete: 'cascade' }),
      createdAt: time('created_at').notNull(),
      expiresAt: time('expires_at').notNull(),
    },
    keys: (table) => [
      index('pending_registrations_by_email').on(table.email, table.createdAt),
      index('pending_registrations_by_invite').on(table.inviteId),
      index('pending_registrations_by_expiry').on(table.expiresAt),
    ],
    backup: { leftOut: 'they run out within days, and one could have become an account since' },
    expires: { after: 'expiresAt', every: 'hour' },
  })

  /** The address that an account is to have once it is confirmed. */
  const emailChanges = table('email_changes', {
    columns: {
      accountId: accountId().primaryKey(),
      email: text('email').notNull(),
      expiresAt: time('expires_at').notNull(),
    },
    keys: (table) => [index('email_changes_by_expiry').on(table.expiresAt)],
    backup: { leftOut: 'one could have been confirmed or ended since' },
    expires: { after: 'expiresAt', every: 'hour' },
  })

  /** Accounts that are deleted at a set time, because a person with access to the mailbox asked for it. A login of the owner removes the row. */
  const accountDeletions = table('account_deletions', {
    columns: { accountId: accountId().primaryKey(), dueAt: time('due_at').notNull() },
    keys: (table) => [index('account_deletions_by_due').on(table.dueAt)],
    backup: { leftOut: 'one could have been ended by its owner since' },
    expires: { by: 'finishDeletions' },
  })

  return { accounts, invites, pendingRegistrations, emailChanges, accountDeletions }
}

export type AccountTables = ReturnType<typeof accountTables>

/** @returns what makes a column that refers to an account; the row goes with the account */
export const accountIdOf =
  ({ text }: Columns, accounts: { readonly id: ColumnOfTable }) =>
  () =>
    text('account_id')
      .notNull()
      .references(() => accounts.id, { onDelete: 'cascade' })
