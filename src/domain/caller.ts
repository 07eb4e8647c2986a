// Who sends a request.
import type { TokenScope } from '../contract/tokens.ts'
import { Failure, notFound } from './failure.ts'

/** The sender of a good access token of a living session. */
export interface Caller {
  readonly accountId: string
  readonly sessionId: string
}

/** The sender of a living personal access token. */
export interface TokenHolder {
  readonly accountId: string
  readonly tokenId: string
  readonly scopes: readonly TokenScope[]
  /** The one vault that it sees; null for all. */
  readonly vaultId: string | null
}

/** The session or the personal access token that lets a caller in, by its id. */
export interface Access {
  readonly kind: 'session' | 'token'
  readonly id: string
}

/**
 * A caller who works with vaults: all of an account's with a session, perhaps one alone with a personal access token. Queries get
 * the account for the vault that they are about and in no other way, so that none forgets what a token is not to see.
 */
export class VaultCaller {
  readonly #accountId: string
  readonly #onlyVaultId: string | null
  readonly #mayPurge: boolean
  /** What lets the caller in. */
  readonly access: Access

  private constructor(
    accountId: string,
    onlyVaultId: string | null,
    { mayPurge, access }: { mayPurge: boolean; access: Access },
  ) {
    this.#accountId = accountId
    this.#onlyVaultId = onlyVaultId
    this.#mayPurge = mayPurge
    this.access = access
  }

  static bySession({ accountId, sessionId }: Caller): VaultCaller {
    return new VaultCaller(accountId, null, { mayPurge: true, access: { kind: 'session', id: sessionId } })
  }

  /** The operator, who does for an owner what the owner's apps cannot. */
  static forOwner(accountId: string): VaultCaller {
    return new VaultCaller(accountId, null, { mayPurge: false, access: { kind: 'session', id: '' } })
  }

  static byToken({ accountId, tokenId, vaultId }: TokenHolder): VaultCaller {
    return new VaultCaller(accountId, vaultId, { mayPurge: false, access: { kind: 'token', id: tokenId } })
  }

  /** Throws `insufficient-scope` for a token: one that leaks must not destroy what no history brings back. */
  requireMayPurge(): void {
    if (!this.#mayPurge)
      throw new Failure(
        'insufficient-scope',
        'A personal access token moves items to the trash. Deleting them for good takes a session.',
      )
  }

  /** Throws `insufficient-scope` for a token: a reseal keeps no version of what it replaces. */
  requireMayReseal(): void {
    if (!this.#mayPurge)
      throw new Failure('insufficient-scope', 'Changing the key of a vault takes a session.')
  }

  /** What a query about one vault has to ask for; throws `not-found` for a vault that is out of the caller's reach. */
  owned(vaultId: string): { accountId: string; vaultId: string } {
    if (this.#onlyVaultId !== null && this.#onlyVaultId !== vaultId) throw notFound()
    return { accountId: this.#accountId, vaultId }
  }

  /** What a list of vaults has to ask for: those of an account, or one alone. `onlyVaultId` is null for all. */
  reach(): { accountId: string; onlyVaultId: string | null } {
    return { accountId: this.#accountId, onlyVaultId: this.#onlyVaultId }
  }
}

/** The same, and where the request came from: for the owner's security log, and for nothing else. */
export interface SessionCaller extends Caller {
  readonly address: string
}

/** A caller of whom nothing is known but the address. */
export interface Visitor {
  readonly address: string
}

/** The sender of something that may be the manage token of a share. */
export interface ShareManager {
  readonly tokenHash: Uint8Array
  readonly address: string
}
