// Every table, once, over a kit of columns. Changing it needs `npm run migrations` for both engines.
import { type Columns, postgresColumns, sqliteColumns } from './columns.ts'

/** What a mail is about. */
export type MailKind =
  | 'confirm'
  | 'confirm-again'
  | 'confirm-change'
  | 'hint'
  | 'new-device'
  | 'account-changed'
  | 'delete-account'
  | 'deletion-started'
  | 'deletion-cancelled'
  | 'account-deleted'

const defineSchema = (kit: Columns) => {
  const { bytes, flag, text, time, whole } = kit

  /** One row about the database itself. */
  const instance = kit.table('instance', {
    id: whole('id').primaryKey(),
    /** Random; a restore replaces it, so that every cursor from before is refused. */
    epoch: text('epoch').notNull(),
    /** Of the OPAQUE setup that the accounts were made with; null until the first start that knows of it. */
    opaqueFingerprint: text('opaque_fingerprint'),
  })

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

  const accounts = kit.table(
    'accounts',
    {
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
    },
    (table) => [kit.index('accounts_by_credential_id').on(table.credentialId)],
  )

  const accountId = () =>
    text('account_id')
      .notNull()
      .references(() => accounts.id, { onDelete: 'cascade' })

  /** What the operator hands out for REGISTRATION=invite. Used up by one registration, it goes with that account. */
  const invites = kit.table(
    'invites',
    {
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
    (table) => [kit.index('invites_by_account').on(table.usedBy)],
  )

  /**
   * Registrations whose address is not confirmed yet, each with all that an account is made of. An address can have several, of
   * strangers too, and also one that has an account.
   */
  const pendingRegistrations = kit.table(
    'pending_registrations',
    {
      accountId: text('account_id').primaryKey(),
      email: text('email').notNull(),
      ...credentials(),
      vaultId: text('vault_id').notNull().unique(),
      vaultKey: bytes('vault_key').notNull(),
      vaultData: bytes('vault_data').notNull(),
      /** Was open when it came, and is used up once the address is confirmed. */
      inviteId: text('invite_id').references(() => invites.id, { onDelete: 'cascade' }),
      createdAt: time('created_at').notNull(),
      expiresAt: time('expires_at').notNull(),
    },
    (table) => [
      kit.index('pending_registrations_by_email').on(table.email, table.createdAt),
      kit.index('pending_registrations_by_invite').on(table.inviteId),
      kit.index('pending_registrations_by_expiry').on(table.expiresAt),
    ],
  )

  /** The address that an account is to have once it is confirmed. */
  const emailChanges = kit.table(
    'email_changes',
    {
      accountId: accountId().primaryKey(),
      email: text('email').notNull(),
      expiresAt: time('expires_at').notNull(),
    },
    (table) => [kit.index('email_changes_by_expiry').on(table.expiresAt)],
  )

  /** Accounts that go at a time, because somebody with their mailbox asked for it. A login of the owner removes the row. */
  const accountDeletions = kit.table(
    'account_deletions',
    { accountId: accountId().primaryKey(), dueAt: time('due_at').notNull() },
    (table) => [kit.index('account_deletions_by_due').on(table.dueAt)],
  )

  /** Mail that is to be sent, by what it is about; it is written when it is sent. */
  const outbox = kit.table(
    'outbox',
    {
      id: text('id').primaryKey(),
      /** The account that it is about. Null if there is no account yet, or none any more. */
      accountId: text('account_id').references(() => accounts.id, { onDelete: 'cascade' }),
      registrationId: text('registration_id').references(() => pendingRegistrations.accountId, {
        onDelete: 'cascade',
      }),
      /** Where it goes, if that is not the present address of the account. */
      email: text('email'),
      kind: text('kind').notNull().$type<MailKind>(),
      detail: text('detail'),
      createdAt: time('created_at').notNull(),
      attempts: whole('attempts').notNull(),
      nextAttemptAt: time('next_attempt_at').notNull(),
    },
    (table) => [
      kit.index('outbox_by_next_attempt').on(table.nextAttemptAt),
      kit.index('outbox_by_account').on(table.accountId),
      kit.index('outbox_by_registration').on(table.registrationId),
    ],
  )

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

  /** The refresh token of each living session, and those that were replaced within the last minute. */
  const refreshTokens = kit.table(
    'refresh_tokens',
    {
      hash: bytes('hash').primaryKey(),
      sessionId: text('session_id')
        .notNull()
        .references(() => sessions.id, { onDelete: 'cascade' }),
      replacedAt: time('replaced_at'),
      /**
       * Of the half that all tokens of the session share: by it a token that was replaced long ago is known, and ends the session.
       * Null for tokens from before there was this column, which are kept themselves until their session ends.
       */
      familyHash: bytes('family_hash'),
    },
    (table) => [
      kit.index('refresh_tokens_by_session').on(table.sessionId),
      kit.index('refresh_tokens_by_family').on(table.familyHash),
    ],
  )

  /** Ids of what works once and was used: OPAQUE's handshakes, WebAuthn's challenges. What they held is nowhere. */
  const usedOnce = kit.table(
    'used_once',
    {
      id: bytes('id').primaryKey(),
      expiresAt: time('expires_at').notNull(),
      /** OPAQUE: whether it was finished for the account that it was begun for, so that how it ended is known. */
      settled: flag('settled').notNull().default(false),
    },
    (table) => [kit.index('used_once_by_expiry').on(table.expiresAt)],
  )

  /** What an account asks for beside the password: an authenticator app (TOTP), or a passkey or security key (WebAuthn). */
  const secondFactors = kit.table(
    'second_factors',
    {
      id: text('id').primaryKey(),
      accountId: accountId(),
      type: text('type').notNull().$type<'totp' | 'webauthn'>(),
      name: text('name').notNull(),
      createdAt: time('created_at').notNull(),
      /** Null until the owner has shown that it works; until then it is asked for by nothing. */
      confirmedAt: time('confirmed_at'),
      lastUsedAt: time('last_used_at'),
      /** TOTP: what codes are made from, sealed by the server. */
      sealedSecret: bytes('sealed_secret'),
      /** TOTP: the time step of the last code that was used; no code of it or of an earlier one works again. */
      lastStep: whole('last_step'),
      /** WebAuthn: the credential, its public key, its counter, and how the platform reaches it. */
      credentialId: bytes('credential_id'),
      publicKey: bytes('public_key'),
      signCount: whole('sign_count'),
      /** With spaces between them. */
      transports: text('transports'),
    },
    (table) => [kit.index('second_factors_by_account').on(table.accountId)],
  )

  /** What is left of an account's recovery codes: whoever deletes a row has used it. */
  const recoveryCodes = kit.table(
    'recovery_codes',
    { accountId: accountId(), hash: bytes('hash').notNull() },
    (table) => [kit.primaryKey({ columns: [table.accountId, table.hash] })],
  )

  /** The security log of each account, for its owner: the one place where addresses are stored. */
  const accountEvents = kit.table(
    'account_events',
    {
      accountId: accountId(),
      type: text('type').notNull(),
      at: time('at').notNull(),
      deviceId: text('device_id'),
      deviceName: text('device_name'),
      deviceType: text('device_type'),
      address: text('address'),
      /** How many failures of one hour and address the row stands for, the last of which was at `at`; 1 of everything else. */
      count: whole('count').notNull().default(1),
      /** Why a session ended. */
      reason: text('reason'),
    },
    (table) => [
      kit.index('account_events_by_account').on(table.accountId, table.type, table.at),
      kit.index('account_events_by_age').on(table.at),
    ],
  )

  /** OPAQUE logins of accounts that were begun minutes ago: those that are not finished become failures in the security log. */
  const startedLogins = kit.table(
    'started_logins',
    {
      /** The handshake's, which `used_once` has once it is finished. */
      id: bytes('id').primaryKey(),
      accountId: accountId(),
      at: time('at').notNull(),
      address: text('address').notNull(),
    },
    (table) => [
      kit.index('started_logins_by_age').on(table.at),
      kit.index('started_logins_by_account').on(table.accountId),
    ],
  )

  const vaults = kit.table(
    'vaults',
    {
      id: text('id').primaryKey(),
      accountId: accountId(),
      key: bytes('key').notNull(),
      data: bytes('data').notNull(),
      revision: whole('revision').notNull(),
      /** Random: a vault that somebody else makes under the id of one that is gone has another history. */
      epoch: text('epoch').notNull(),
      createdAt: time('created_at').notNull(),
      updatedAt: time('updated_at').notNull(),
    },
    (table) => [kit.index('vaults_by_account').on(table.accountId)],
  )

  /** Vaults that were deleted. None comes back under its id: a late repetition of the request that made it would not know. */
  const deletedVaults = kit.table(
    'deleted_vaults',
    { accountId: accountId(), vaultId: text('vault_id').notNull(), deletedAt: time('deleted_at').notNull() },
    (table) => [kit.primaryKey({ columns: [table.accountId, table.vaultId] })],
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
      /** The item's envelope; once purged the marker of its deletion, or null if the client sent none. */
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

  /** Personal access tokens: what a script has in place of a session. */
  const personalTokens = kit.table(
    'personal_tokens',
    {
      id: text('id').primaryKey(),
      /** Of the token, which is random. */
      hash: bytes('hash').notNull().unique(),
      accountId: accountId(),
      name: text('name').notNull(),
      /** With spaces between them. */
      scopes: text('scopes').notNull(),
      /** The one vault that it sees; null for all. */
      vaultId: text('vault_id').references(() => vaults.id, { onDelete: 'cascade' }),
      /** The vault's key, sealed under one that the server never has. */
      vaultKey: bytes('vault_key'),
      createdAt: time('created_at').notNull(),
      expiresAt: time('expires_at'),
      lastUsedAt: time('last_used_at'),
    },
    (table) => [
      kit.index('personal_tokens_by_account').on(table.accountId),
      kit.index('personal_tokens_by_vault').on(table.vaultId),
    ],
  )

  /** What is known of a one-time share, kept for a while after its end so that the receipt and a late reader learn why. */
  const shares = kit.table(
    'shares',
    {
      id: text('id').primaryKey(),
      proofHash: bytes('proof_hash').notNull(),
      manageTokenHash: bytes('manage_token_hash').notNull(),
      hasPassphrase: flag('has_passphrase').notNull(),
      createdAt: time('created_at').notNull(),
      expiresAt: time('expires_at').notNull(),
      readAt: time('read_at'),
      /** Of the claim that the reader chose, if it did. */
      claimHash: bytes('claim_hash'),
      revokedAt: time('revoked_at'),
    },
    (table) => [kit.index('shares_by_expiry').on(table.expiresAt)],
  )

  const shareId = () =>
    text('share_id')
      .primaryKey()
      .references(() => shares.id, { onDelete: 'cascade' })

  /** The ciphertext until it is read: whoever deletes the row is the one reader. */
  const shareBodies = kit.table(
    'share_bodies',
    {
      shareId: shareId(),
      expiresAt: time('expires_at').notNull(),
      ciphertext: bytes('ciphertext').notNull(),
    },
    (table) => [kit.index('share_bodies_by_expiry').on(table.expiresAt)],
  )

  /** The ciphertext after it was read under a claim, for its reader alone. */
  const claimedShareBodies = kit.table(
    'claimed_share_bodies',
    {
      shareId: shareId(),
      expiresAt: time('expires_at').notNull(),
      ciphertext: bytes('ciphertext').notNull(),
    },
    (table) => [kit.index('claimed_share_bodies_by_expiry').on(table.expiresAt)],
  )

  /** Counts of the rate limiter, which wants these columns in this order; written on Postgres only. */
  const rateLimits = kit.table('rate_limits', {
    /** A kind and a keyed hash: no address of a person or a network. */
    key: text('key').primaryKey(),
    points: whole('points').notNull(),
    expire: time('expire'),
  })

  return {
    instance,
    accounts,
    invites,
    pendingRegistrations,
    emailChanges,
    accountDeletions,
    outbox,
    sessions,
    refreshTokens,
    usedOnce,
    secondFactors,
    recoveryCodes,
    accountEvents,
    startedLogins,
    vaults,
    deletedVaults,
    items,
    itemVersions,
    personalTokens,
    shares,
    shareBodies,
    claimedShareBodies,
    rateLimits,
  }
}

export const postgresTables = defineSchema(postgresColumns)
export type Tables = typeof postgresTables

// One of the project's two casts: both kits build the same columns with the same row types (test/types.test.ts holds them
// equal), but each dialect brands its builders with types of its own.
export const sqliteTables: Tables = defineSchema(sqliteColumns as unknown as Columns)
