// What only accounts of Bitwarden's apps have (docs/decisions/bitwarden.md). Their items are rows of `items`, in a vault that has the
// id of the account; their sessions, second factors and files are rows of the tables that native accounts have too.
import { days, minutes } from '../../clock.ts'
import type { Columns } from '../columns.ts'
import { type AccountTables, accountIdOf } from './accounts.ts'
import type { VaultTables } from './vaults.ts'

/** How long a request to log in with another device waits for its answer, and the answer for its login. */
export const authRequestsWaitForMs = minutes(15)

/** How long a device that nobody uses is listed. */
const devicesKeptForMs = days(90)

export const bitwardenTables = (kit: Columns, { accounts, items, vaults }: AccountTables & VaultTables) => {
  const { bytes, flag, foreignKey, index, primaryKey, table, text, time, whole } = kit
  const accountId = accountIdOf(kit, accounts)

  /**
   * Beside the row of `accounts`, which holds the hash of the client's hash as `auth_verifier`, the costs of the KDF (0 for those that
   * its kind does not have) and an empty `account_key` and `kdf_salt`. What is encrypted is text here, as clients write it.
   */
  const bitwardenAccounts = table('bitwarden_accounts', {
    columns: {
      accountId: accountId().primaryKey(),
      kdfKind: text('kdf_kind').notNull().$type<'pbkdf2' | 'argon2id'>(),
      /** The user key, wrapped by a key of the password. */
      userKey: text('user_key').notNull(),
      /** Of the user key, as clients name it: 32 characters of hex. */
      userKeyId: text('user_key_id'),
      /** RSA-2048, as SPKI in base64. */
      publicKey: text('public_key').notNull(),
      /** Wrapped by the user key. */
      privateKey: text('private_key').notNull(),
      /** Random, new whenever all sessions end: clients that see another one log out. */
      securityStamp: text('security_stamp').notNull(),
      /** Raised by every change of anything of the account: clients ask for it before they sync. */
      revisionAt: time('revision_at').notNull(),
      name: text('name'),
      avatarColor: text('avatar_color'),
      /** Sealed by the server, because clients show them again; null until they were asked for. */
      sealedApiKey: bytes('sealed_api_key'),
      sealedRecoveryCode: bytes('sealed_recovery_code'),
      /** JSON: lists of domains; and the numbers of the well-known groups that do not count. */
      equivalentDomains: text('equivalent_domains'),
      excludedGlobalDomains: text('excluded_global_domains'),
      /** Whether a login on a new device needs a code by mail. */
      verifiesDevices: flag('verifies_devices').notNull().default(true),
    },
    backup: { settled: 'resyncBitwardenAccounts' },
    expires: 'never',
  })

  /** What clients call devices: each installation of an app that has logged in. */
  const devices = table('devices', {
    columns: {
      accountId: accountId(),
      /** The client's own name for itself, a UUID: `device_id` of its sessions. */
      identifier: text('identifier').notNull(),
      id: text('id').notNull().unique(),
      name: text('name').notNull(),
      /** The number of Bitwarden's list of kinds. */
      type: whole('type').notNull(),
      createdAt: time('created_at').notNull(),
      lastUsedAt: time('last_used_at').notNull(),
      /** Of the token with which the device logs in without its second factor. */
      rememberHash: bytes('remember_hash'),
      rememberedUntil: time('remembered_until'),
    },
    keys: (table) => [
      primaryKey({ columns: [table.accountId, table.identifier] }),
      index('devices_by_use').on(table.lastUsedAt),
    ],
    backup: { leftOut: 'one that was ended since would be trusted again' },
    expires: { after: 'lastUsedAt', keptFor: devicesKeptForMs, every: 'hour' },
  })

  const folders = table('folders', {
    columns: {
      vaultId: text('vault_id')
        .notNull()
        .references(() => vaults.id, { onDelete: 'cascade' }),
      id: text('id').notNull(),
      /** Encrypted. */
      name: text('name').notNull(),
      revisionAt: time('revision_at').notNull(),
    },
    keys: (table) => [primaryKey({ columns: [table.vaultId, table.id] })],
    backup: 'kept',
    expires: 'never',
  })

  /**
   * Beside each item, whose `data` is the JSON that its owner's client made: its kind, and what the server itself changes. A table of its
   * own, so that moving many items rewrites none of their bodies.
   */
  const ciphers = table('ciphers', {
    columns: {
      vaultId: text('vault_id').notNull(),
      itemId: text('item_id').notNull(),
      /** The number of Bitwarden's list of kinds. */
      type: whole('type').notNull(),
      folderId: text('folder_id'),
      isFavorite: flag('is_favorite').notNull(),
      /** The revision of the account at the last change: no two writes of an account have the same. */
      revisionAt: time('revision_at').notNull(),
      archivedAt: time('archived_at'),
      /** Since when it is in the trash; the `state` of its item stays `active`. */
      deletedAt: time('deleted_at'),
    },
    keys: (table) => [
      primaryKey({ columns: [table.vaultId, table.itemId] }),
      foreignKey({
        columns: [table.vaultId, table.itemId],
        foreignColumns: [items.vaultId, items.id],
      }).onDelete('cascade'),
      index('ciphers_by_deletion').on(table.deletedAt),
    ],
    backup: 'kept',
    expires: { by: 'deleteOldTrash' },
  })

  /** Texts and files that their owner has published under a link. A file is a row of `attachments` whose item is the send. */
  const sends = table('sends', {
    columns: {
      id: text('id').primaryKey(),
      accountId: accountId(),
      type: text('type').notNull().$type<'text' | 'file'>(),
      /** The canonical JSON of what the owner's client has encrypted. */
      data: bytes('data').notNull(),
      /** The Argon2id hash of what clients derive from the password; null without one. */
      passwordVerifier: text('password_verifier'),
      /** The addresses of those whom it is for, in their normalized form and with commas between them; null for all who have the link. */
      readerEmails: text('reader_emails'),
      accessCount: whole('access_count').notNull(),
      maxAccessCount: whole('max_access_count'),
      isDisabled: flag('is_disabled').notNull(),
      hidesEmail: flag('hides_email').notNull(),
      createdAt: time('created_at').notNull(),
      revisionAt: time('revision_at').notNull(),
      /** From when on it is not given out any more; null for until it is deleted. */
      expiresAt: time('expires_at'),
      deletesAt: time('deletes_at').notNull(),
      fileId: text('file_id'),
    },
    keys: (table) => [
      index('sends_by_account').on(table.accountId),
      index('sends_by_end').on(table.deletesAt),
    ],
    backup: { settled: 'disableSends' },
    expires: { by: 'deleteOldSends' },
  })

  /** Logins that wait for another device of the account to let them in. */
  const authRequests = table('auth_requests', {
    columns: {
      id: text('id').primaryKey(),
      accountId: accountId(),
      type: whole('type').notNull(),
      /** Under which the answer is encrypted, SPKI in base64. */
      publicKey: text('public_key').notNull(),
      accessCodeHash: bytes('access_code_hash').notNull(),
      deviceIdentifier: text('device_identifier').notNull(),
      deviceType: whole('device_type').notNull(),
      address: text('address').notNull(),
      createdAt: time('created_at').notNull(),
      /** Null until it is answered. */
      isApproved: flag('is_approved'),
      answeredAt: time('answered_at'),
      key: text('key'),
      passwordHash: text('password_hash'),
      /** When the login that it is for was done. */
      usedAt: time('used_at'),
    },
    keys: (table) => [
      index('auth_requests_by_account').on(table.accountId),
      index('auth_requests_by_age').on(table.createdAt),
    ],
    backup: { leftOut: 'they wait for minutes' },
    expires: { after: 'createdAt', keptFor: authRequestsWaitForMs, every: 'minute' },
  })

  /** Codes that were mailed and are expected: the code is made from the nonce under a key of the server. One of each purpose counts. */
  const mailedCodes = table('mailed_codes', {
    columns: {
      accountId: accountId(),
      purpose: text('purpose').notNull(),
      nonce: bytes('nonce').notNull(),
      /** What it is about, such as the address that it confirms. */
      detail: text('detail'),
      /** How often a wrong one was given. */
      attempts: whole('attempts').notNull().default(0),
      expiresAt: time('expires_at').notNull(),
    },
    keys: (table) => [
      primaryKey({ columns: [table.accountId, table.purpose] }),
      index('mailed_codes_by_expiry').on(table.expiresAt),
    ],
    backup: { leftOut: 'they count for minutes' },
    expires: { after: 'expiresAt', every: 'hour' },
  })

  return { bitwardenAccounts, devices, folders, ciphers, sends, authRequests, mailedCodes }
}
