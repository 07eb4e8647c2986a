// An account whose key is in memory: its vaults, its sessions, its password, its end.

import {
  Account,
  type AccountEvent,
  AccountEventList,
  type PasswordProof,
  SessionList,
  type SessionSummary,
} from '../contract/accounts.ts'
import { accountPaths, pathTo, rotationPaths, sessionPaths, vaultPaths } from '../contract/paths.ts'
import { normalizeEmail } from '../contract/primitives.ts'
import { RotationBegun } from '../contract/rotation.ts'
import type { PasswordChanged, TokenSummary } from '../contract/tokens.ts'
import { Vault as VaultShape } from '../contract/vaults.ts'
import { vaultDataAssociatedData } from '../protocol/associated-data.ts'
import { seal } from '../protocol/envelope.ts'
import { encodeContent } from '../protocol/item-content.ts'
import { newKey } from '../protocol/keys.ts'
import { RefusedError } from '../protocol/refused.ts'
import { HeldAccountKey } from './account-key.ts'
import { AccountPassword, type PasswordChange } from './account-password.ts'
import { NetworkError, ProblemError } from './errors.ts'
import { KeptShares } from './kept-shares.ts'
import { findVault, listVaults } from './pages.ts'
import type { AccountKey } from './proofs.ts'
import { refuseOther } from './refusals.ts'
import { Replica } from './replica.ts'
import { ifMatch } from './request.ts'
import { Rotation, type RotationOptions, type RotationResult } from './rotation.ts'
import { SecondFactors } from './second-factors.ts'
import type { SessionStorage } from './session-storage.ts'
import { Tokens } from './tokens.ts'
import type { Transport } from './transport.ts'
import { OpenVault } from './vault.ts'
import { type WatchEvent, type WatchOptions, watch } from './watch.ts'

export class UnlockedAccount {
  readonly accountId: string
  /** Its personal access tokens, for scripts. */
  readonly tokens: Tokens
  /** What its logins ask for beside the password. */
  readonly secondFactors: SecondFactors
  readonly #transport: Transport
  readonly #storage: SessionStorage
  /** The account key, which `AccountPassword` replaces when it is changed here. */
  readonly #held: { readonly key: HeldAccountKey }
  readonly #password: AccountPassword
  /** Whether the account key was compared with the server's: after a login it is the newest one. */
  #isCompared: boolean
  /** The sealed keys of the vaults that were listed last; undefined before the first list. */
  #listedKeys: ReadonlySet<string> | undefined

  /** @param isNewest whether the server has just given the account key */
  constructor(
    transport: Transport,
    storage: SessionStorage,
    { accountId, accountKey, isNewest }: { accountId: string; accountKey: AccountKey; isNewest: boolean },
  ) {
    this.#isCompared = isNewest
    this.accountId = accountId
    this.#transport = transport
    this.#storage = storage
    const holder = { key: new HeldAccountKey(accountId, accountKey), details: () => this.details() }
    this.#held = holder
    this.#password = new AccountPassword(transport, storage, holder)
    const prove = <T>(password: string, use: (proof: PasswordProof) => Promise<T>) =>
      this.#password.prove(password, use)
    this.tokens = new Tokens(transport, {
      accountId,
      openVaultKey: (vaultId, sealed) => this.#key.openVaultKey(vaultId, sealed),
      prove,
    })
    this.secondFactors = new SecondFactors(transport, prove)
  }

  get #key(): HeldAccountKey {
    return this.#held.key
  }

  /** The account key itself, for a program that keeps it sealed in a way of its own. Never store it in clear. */
  exportKey(): Uint8Array {
    return this.#key.key.bytes.slice()
  }

  /** Which account key it is: 1, and one more after each change. */
  get accountKeyVersion(): number {
    return this.#key.version
  }

  /** The account as the server has it. @param signal gives it up, with its reason */
  details(signal?: AbortSignal): Promise<Account> {
    return this.#transport.sendAuthorized(Account, { method: 'GET', path: accountPaths.account, signal })
  }

  /**
   * Every vault, opened. Throws OpenError where one is not this account's own, and AccountKeyChangedError.
   * @param signal gives it up, with its reason
   */
  async vaults(signal?: AbortSignal): Promise<OpenVault[]> {
    const vaults = await listVaults(this.#transport, signal)
    // After the list, which is then of no newer account key; and before anything is opened: a server must not learn from a question
    // whether a vault opened.
    const hasNewKey = vaults.some(({ key }) => this.#listedKeys?.has(key) === false)
    if (!this.#isCompared || hasNewKey) this.#key.requireNewest(await this.details(signal))
    this.#isCompared = true
    this.#listedKeys = new Set(vaults.map(({ key }) => key))
    return Promise.all(vaults.map((vault) => this.openVault(vault)))
  }

  /**
   * Keeps replicas up to date for as long as the loop over it runs, and says what came: a change on another device is here within a
   * moment. Begins with every vault as it is now.
   * @throws LoggedOutError once the session has ended, RefusedError as `Replica.pull` does, and OpenError and AccountKeyChangedError as
   *   `vaults` does
   */
  watch(options: WatchOptions = {}): AsyncGenerator<WatchEvent, void, undefined> {
    const source = {
      vaults: (signal?: AbortSignal) => this.vaults(signal),
      accountMayHaveChanged: () => {
        this.#isCompared = false
      },
    }
    return watch(this.#transport, source, options)
  }

  async createVault(name: string): Promise<OpenVault> {
    const id = crypto.randomUUID()
    const vaultKey = newKey()
    const vault = await this.#transport
      .sendAuthorized(VaultShape, {
        method: 'POST',
        path: vaultPaths.vaults,
        body: {
          id,
          key: await this.#key.sealVaultKey(id, { bytes: vaultKey, keyVersion: 1 }),
          data: await seal(vaultKey, vaultDataAssociatedData(id), encodeContent({ name }, 1)),
          ...this.#key.versionToSend,
        },
      })
      .catch((error: unknown) => {
        throw this.#key.changedElsewhere(error)
      })
    refuseOther(vault, id)
    return this.openVault(vault)
  }

  /**
   * Opens a vault as the server gave it, now or earlier. Throws OpenError where it is not this account's own, or lies under an account
   * key of another version.
   */
  async openVault(vault: VaultShape): Promise<OpenVault> {
    return OpenVault.open(this.#transport, vault, {
      open: (key, keyVersion) => this.#key.openVaultKey(vault.id, { key, keyVersion }),
      requireNewest: async () => this.#key.requireNewest(await this.details()),
    })
  }

  /**
   * Changes the key of a vault: begins it, or goes on with a change that was begun, here or on another device; seals everything anew,
   * and finishes. Until then both keys open what is under them, and everybody goes on reading and writing. A call that breaks off
   * loses nothing; the next one goes on. The personal access tokens for the vault end when it begins.
   *
   * @throws UnreadableError if something does not open, `invalid-credentials`, AccountKeyChangedError, RefusedError where the server shows
   * something else than `replica` has, and what `signal` was aborted with
   */
  async rotateVaultKey(vaultId: string, options: RotationOptions): Promise<RotationResult> {
    this.#key.requireNewest(await this.details())
    const vault = await this.openVault(await findVault(this.#transport, vaultId))
    const replica = options.replica ?? new Replica()
    // Compared with what is here before anything is sealed for what the server shows.
    await replica.pull(vault)
    const begun = vault.sealed.rotation ? undefined : await this.#beginRotation(vault, options)
    const { rotation } = vault.sealed
    const versions = rotation?.versions ?? options.versions ?? 'keep'
    // Another client was so quick that it has finished.
    if (!rotation) return { vault, resumed: true, versions, endedTokens: [], dropped: [] }
    if (vault.keys.newest !== rotation.keyVersion)
      throw new RefusedError(
        'The server shows a next key for the vault that does not open with the account key. Nothing was sealed under it.',
      )
    const dropped = await new Rotation(this.#transport, vault, replica, options).run()
    return { vault, resumed: begun === undefined, versions, endedTokens: begun ?? [], dropped }
  }

  /** @returns the tokens that ended, or undefined if another client had begun a change */
  async #beginRotation(
    vault: OpenVault,
    { password, versions = 'keep' }: RotationOptions,
  ): Promise<readonly TokenSummary[] | undefined> {
    const keyVersion = vault.sealed.keyVersion + 1
    const key = await this.#key.sealVaultKey(vault.id, { bytes: newKey(), keyVersion })
    const begin = () =>
      this.#password.prove(password, (proof) =>
        this.#transport.sendAuthorized(RotationBegun, {
          method: 'POST',
          path: pathTo(rotationPaths.rotation, { vaultId: vault.id }),
          body: { ...proof, key, keyVersion, versions, ...this.#key.versionToSend },
          repeatable: false,
        }),
      )
    const tokens = (await this.tokens.list()).filter((token) => token.vaultId === vault.id)
    try {
      // Without an answer it may have been done: the same key again is answered as the first time.
      const begun = await begin().catch((error: unknown) => {
        if (!(error instanceof NetworkError)) throw error
        return begin()
      })
      await vault.data.take(begun.vault)
      const left = new Set((await this.tokens.list()).map(({ id }) => id))
      return tokens.filter(({ id }) => !left.has(id))
    } catch (error) {
      const code = error instanceof ProblemError ? error.code : undefined
      const isBegun = code === 'rotation-under-way' || code === 'key-changed'
      if (!isBegun) throw error
      await vault.refresh()
      if (!vault.sealed.rotation && vault.sealed.keyVersion < keyVersion)
        throw this.#key.changedElsewhere(error)
      return undefined
    }
  }

  /**
   * Deletes a vault with everything in it from the server, for good. Throws `invalid-credentials`, `not-found`, `revision-conflict`.
   * @param options `revision`: only if nothing was written in it since
   */
  async deleteVault(
    vaultId: string,
    password: string,
    { revision }: { revision?: number } = {},
  ): Promise<void> {
    await this.#password.prove(password, (body) =>
      this.#transport.authorized({
        method: 'DELETE',
        path: pathTo(vaultPaths.vault, { vaultId }),
        headers: ifMatch(revision),
        body,
      }),
    )
  }

  /**
   * Changes the password: seals the account key anew, ends all other sessions, and with them the personal access tokens unless
   * they are to be kept. The method stays as it is unless another one is chosen. Throws `invalid-credentials`.
   * @returns which tokens ended, and which there still are
   */
  changePassword(change: PasswordChange): Promise<PasswordChanged> {
    return this.#password.change(change)
  }

  /**
   * Replaces the account key, and seals the key of every vault anew under it, in one request: the old one opens nothing
   * that is sealed from then on. Password, sessions and personal access tokens stay. Other devices have to log in again.
   * Throws `invalid-credentials`, AccountKeyChangedError, and OpenError for a vault whose key does not open.
   */
  changeAccountKey({ password }: { password: string }): Promise<void> {
    return this.#password.changeKey(password)
  }

  /**
   * Gives the account another e-mail address. Where the server sends mail, the account has it once the link in the mail to the new
   * address was opened; where it sends none, at once. Throws ProblemError (`invalid-credentials`, `email-taken`).
   * @returns whether the new address has to be confirmed first
   */
  async changeEmail(password: string, email: string): Promise<{ isConfirmationNeeded: boolean }> {
    const next = normalizeEmail(email)
    // Noted before: a change that is made is to be known here even where its answer was lost.
    await this.#password.noteNextEmail(next)
    const { status } = await this.#password.prove(password, (current) =>
      this.#transport.authorized({
        method: 'POST',
        path: accountPaths.email,
        body: { current, email: next },
        repeatable: false,
      }),
    )
    return { isConfirmationNeeded: status === 202 }
  }

  /** Replaces the password hint, which the server can read and mails to the confirmed address; null removes it. Throws `invalid-credentials`. */
  async setHint(password: string, hint: string | null): Promise<void> {
    await this.#password.prove(password, (current) =>
      this.#transport.authorized({ method: 'PUT', path: accountPaths.hint, body: { current, hint } }),
    )
  }

  /** Keeps the account, if it is to be deleted because its mailbox asked for that (`details().deletesAt`). */
  async cancelDeletion(): Promise<void> {
    await this.#transport.authorized({ method: 'DELETE', path: accountPaths.deletion })
  }

  /** Deletes the account and everything in it from the server, for good. */
  async delete(password: string): Promise<void> {
    await this.#password.prove(password, (body) =>
      this.#transport.authorized({ method: 'DELETE', path: accountPaths.account, body }),
    )
    const state = await this.#storage.load()
    await this.#storage.clear()
    // The next registration of the address chooses anew.
    if (state) await this.#storage.pins.remove(state.server, state.email)
  }

  async sessions(): Promise<SessionSummary[]> {
    const { sessions } = await this.#transport.sendAuthorized(SessionList, {
      method: 'GET',
      path: sessionPaths.sessions,
    })
    return sessions
  }

  /** The one-time links that this account made on any device, with what takes them back. Throws as `vaults` does. */
  async keptShares(): Promise<KeptShares> {
    return new KeptShares(await this.vaults())
  }

  /** The account's security log of the last 90 days, newest first. */
  async events(): Promise<AccountEvent[]> {
    const { events } = await this.#transport.sendAuthorized(AccountEventList, {
      method: 'GET',
      path: accountPaths.events,
    })
    return events
  }

  async endSession(id: string): Promise<void> {
    await this.#transport.authorized({
      method: 'DELETE',
      path: pathTo(sessionPaths.session, { sessionId: id }),
    })
  }

  async endOtherSessions(): Promise<void> {
    await this.#transport.authorized({ method: 'DELETE', path: sessionPaths.sessions })
  }
}
