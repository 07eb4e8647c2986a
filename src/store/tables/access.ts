// What gives access to an account: sessions, second factors, recovery codes, personal access tokens.
import { minutes } from '../../clock.ts'
import type { Columns } from '../columns.ts'
import { type AccountTables, accountIdOf } from './accounts.ts'
import type { VaultTables } from './vaults.ts'

/** How long a second factor waits for its owner to show that it works. */
export const factorsWaitForMs = minutes(10)

export const accessTables = (kit: Columns, { accounts, vaults }: AccountTables & VaultTables) => {
  const { bytes, index, primaryKey, table, text, time, whole } = kit
  const accountId = accountIdOf(kit, accounts)

  const sessions = table('sessions', {
    columns: {
      id: text('id').primaryKey(),
      accountId: accountId(),
      deviceId: text('device_id').notNull(),
      deviceName: text('device_name').notNull(),
      deviceType: text('device_type').notNull(),
      createdAt: time('created_at').notNull(),
      lastUsedAt: time('last_used_at').notNull(),
      expiresAt: time('expires_at').notNull(),
      /** Which of Bitwarden's clients it is of, as that names itself; null for a session of a native account. */
      clientId: text('client_id'),
    },
    keys: (table) => [
      index('sessions_by_account').on(table.accountId),
      index('sessions_by_expiry').on(table.expiresAt),
    ],
    backup: { leftOut: 'one that was ended since would live again' },
    expires: { after: 'expiresAt', every: 'hour' },
  })

  /** The refresh token of each living session, and those that were replaced within the last minute. */
  const refreshTokens = table('refresh_tokens', {
    columns: {
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
    keys: (table) => [
      index('refresh_tokens_by_session').on(table.sessionId),
      index('refresh_tokens_by_family').on(table.familyHash),
    ],
    backup: { leftOut: 'they belong to sessions' },
    expires: { elsewhere: 'each goes with its session, or soon after it was replaced' },
  })

  /**
   * What an account asks for beside the password: an authenticator app (TOTP), a passkey or security key (WebAuthn), or, for an account
   * of Bitwarden's apps, a code by mail.
   */
  const secondFactors = table('second_factors', {
    columns: {
      id: text('id').primaryKey(),
      accountId: accountId(),
      type: text('type').notNull().$type<'totp' | 'webauthn' | 'email'>(),
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
      /** WebAuthn of an account of Bitwarden's apps: the number under which the web vault lists it. */
      slot: whole('slot'),
      /** Where codes are mailed to. */
      email: text('email'),
    },
    keys: (table) => [index('second_factors_by_account').on(table.accountId)],
    backup: 'kept',
    expires: { after: 'createdAt', keptFor: factorsWaitForMs, whileNull: 'confirmedAt', every: 'hour' },
  })

  /** An account's unused recovery codes: deleting a row uses the code. */
  const recoveryCodes = table('recovery_codes', {
    columns: { accountId: accountId(), hash: bytes('hash').notNull() },
    keys: (table) => [primaryKey({ columns: [table.accountId, table.hash] })],
    // Also those that were used since: each still needs the password, and an owner without any could be locked out.
    backup: 'kept',
    expires: 'never',
  })

  /** Personal access tokens: what a script has in place of a session. */
  const personalTokens = table('personal_tokens', {
    columns: {
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
    keys: (table) => [
      index('personal_tokens_by_account').on(table.accountId),
      index('personal_tokens_by_vault').on(table.vaultId),
    ],
    backup: { settled: 'endAllTokens' },
    expires: { after: 'expiresAt', every: 'hour' },
  })

  return { sessions, refreshTokens, secondFactors, recoveryCodes, personalTokens }
}
