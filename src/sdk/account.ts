// An account whose key is in memory: its vaults, its sessions, its password, its end.

import {
  Account,
  type AccountEvent,
  AccountEventList,
  type PasswordProof,
  SessionList,
  type SessionSummary,
} from '../contract/accounts.ts'
import { accountPaths, pathTo, sessionPaths, vaultPaths } from '../contract/paths.ts'
import { normalizeEmail } from '../contract/primitives.ts'
import { PasswordChanged } from '../contract/tokens.ts'
import { VaultList, Vault as VaultShape } from '../contract/vaults.ts'
import {
  accountKeyAssociatedData,
  vaultDataAssociatedData,
  vaultKeyAssociatedData,
} from '../protocol/associated-data.ts'
import { open, seal } from '../protocol/envelope.ts'
import { encodeContent } from '../protocol/item-content.ts'
import { newKey } from '../protocol/keys.ts'
import { RefusedError } from '../protocol/refused.ts'
import { readPages } from './pages.ts'
import { pinOf, refuseDowngrade } from './pins.ts'
import { choosePassword, forThisAccount, type MethodChoice, sealForDevice, withProof } from './proofs.ts'
import { refuseOther } from './refusals.ts'
import { SecondFactors } from './second-factors.ts'
import type { SessionState, SessionStorage } from './session-storage.ts'
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
  readonly #accountKey: Uint8Array

  constructor(transport: Transport, storage: SessionStorage, accountId: string, accountKey: Uint8Array) {
    this.accountId = accountId
    this.#transport = transport
    this.#storage = storage
    this.#accountKey = accountKey
    const prove = <T>(password: string, use: (proof: PasswordProof) => Promise<T>) =>
      this.#prove(password, use)
    this.tokens = new Tokens(transport, { accountId, accountKey, prove })
    this.secondFactors = new SecondFactors(transport, prove)
  }

  /** The account key itself, for a program that keeps it sealed in a way of its own. Never store it in clear. */
  exportKey(): Uint8Array {
    return this.#accountKey.slice()
  }

  /** The account as the server has it. */
  details(): Promise<Account> {
    return this.#transport.sendAuthorized(Account, { method: 'GET', path: accountPaths.account })
  }

  /**
   * Every vault, opened. Throws OpenError where one is not this account's own.
   * @param signal gives it up, with its reason
   */
  async vaults(signal?: AbortSignal): Promise<OpenVault[]> {
    const vaults = await readPages(this.#transport, {
      schema: VaultList,
      path: vaultPaths.vaults,
      rowsOf: (page) => page.vaults,
      signal,
    })
    return Promise.all(vaults.map((vault) => this.openVault(vault)))
  }

  /**
   * Keeps replicas up to date for as long as the loop over it runs, and says what came: a change on another device is here within a
   * moment. Begins with every vault as it is now.
   * @throws LoggedOutError once the session has ended, RefusedError as `Replica.pull` does, and OpenError as `vaults` does
   */
  watch(options: WatchOptions = {}): AsyncGenerator<WatchEvent, void, undefined> {
    return watch(this.#transport, this, options)
  }

  async createVault(name: string): Promise<OpenVault> {
    const id = crypto.randomUUID()
    const vaultKey = newKey()
    const vault = await this.#transport.sendAuthorized(VaultShape, {
      method: 'POST',
      path: vaultPaths.vaults,
      body: {
        id,
        key: await seal(this.#accountKey, vaultKeyAssociatedData(this.accountId, id), vaultKey),
        data: await seal(vaultKey, vaultDataAssociatedData(id), encodeContent({ name }, 1)),
      },
    })
    refuseOther(vault, id)
    return this.openVault(vault)
  }

  /** Opens a vault as the server gave it, now or earlier. Throws OpenError where it is not this account's own. */
  async openVault(vault: VaultShape): Promise<OpenVault> {
    const key = await open(this.#accountKey, vaultKeyAssociatedData(this.accountId, vault.id), vault.key)
    return OpenVault.open(this.#transport, vault, key)
  }

  /** Deletes a vault with everything in it from the server, for good. Throws `invalid-credentials`, `not-found`. */
  async deleteVault(vaultId: string, password: string): Promise<void> {
    await this.#prove(password, (body) =>
      this.#transport.authorized({ method: 'DELETE', path: pathTo(vaultPaths.vault, { vaultId }), body }),
    )
  }

  /**
   * Changes the password: seals the account key anew, ends all other sessions, and with them the personal access tokens unless
   * they are to be kept. The method stays as it is unless another one is chosen. Throws `invalid-credentials`.
   * @returns which tokens ended, and which there still are
   */
  async changePassword({
    current,
    next,
    keepTokens = false,
    ...choice
  }: { current: string; next: string; keepTokens?: boolean } & MethodChoice): Promise<PasswordChanged> {
    const account = await this.#toProve(current)
    const wanted =
      choice.method === undefined && account.method === 'authKey' ? ({ method: 'authKey' } as const) : choice
    const { kdf, method, verifier, wrapKey } = await choosePassword(
      forThisAccount(this.#transport),
      account.email,
      next,
      wanted,
    )
    const accountKey = await seal(wrapKey, accountKeyAssociatedData(this.accountId, kdf), this.#accountKey)
    const changed = await withProof(this.#transport, account, ({ proof }) =>
      this.#transport.sendAuthorized(PasswordChanged, {
        method: 'POST',
        path: accountPaths.password,
        body: { current: proof, kdf, ...verifier, accountKey, keepTokens },
        repeatable: false,
      }),
    )
    const forUnlocking =
      method === 'opaque' ? await sealForDevice(next, this.accountId, this.#accountKey) : { kdf, accountKey }
    const state = await this.#storage.load()
    if (!state) return changed
    await this.#storage.save({ ...state, method, ...forUnlocking })
    await this.#storage.pins.save(pinOf(state, { method, kdf }))
    return changed
  }

  /**
   * Gives the account another e-mail address. Where the server sends mail, the account has it once the link in the mail to the new
   * address was opened; where it sends none, at once. Throws ProblemError (`invalid-credentials`, `email-taken`).
   * @returns whether the new address has to be confirmed first
   */
  async changeEmail(password: string, email: string): Promise<{ isConfirmationNeeded: boolean }> {
    const next = normalizeEmail(email)
    // Noted before: a change that is made is to be known here even where its answer was lost.
    await this.#noteNextEmail(next)
    const { status } = await this.#prove(password, (current) =>
      this.#transport.authorized({
        method: 'POST',
        path: accountPaths.email,
        body: { current, email: next },
        repeatable: false,
      }),
    )
    return { isConfirmationNeeded: status === 202 }
  }

  /** Notes an address that this account may have from now on, besides the one that it had. */
  async #noteNextEmail(nextEmail: string): Promise<void> {
    const state = await this.#storage.load()
    if (!state) return
    await this.#storage.save({ ...state, nextEmail })
    const pin = (await this.#storage.pins.load(state.server, state.email)) ?? pinOf(state, state)
    await this.#storage.pins.save({ ...pin, email: nextEmail })
  }

  /** Replaces the password hint, which the server can read and mails to the confirmed address; null removes it. Throws `invalid-credentials`. */
  async setHint(password: string, hint: string | null): Promise<void> {
    await this.#prove(password, (current) =>
      this.#transport.authorized({ method: 'PUT', path: accountPaths.hint, body: { current, hint } }),
    )
  }

  /** Keeps the account, if it is to be deleted because its mailbox asked for that (`details().deletesAt`). */
  async cancelDeletion(): Promise<void> {
    await this.#transport.authorized({ method: 'DELETE', path: accountPaths.deletion })
  }

  /** Deletes the account and everything in it from the server, for good. */
  async delete(password: string): Promise<void> {
    await this.#prove(password, (body) =>
      this.#transport.authorized({ method: 'DELETE', path: accountPaths.account, body }),
    )
    const state = await this.#storage.load()
    await this.#storage.clear()
    // The next registration of the address chooses anew.
    if (state) await this.#storage.pins.remove(state.server, state.email)
  }

  /** Does what needs a fresh proof of the password. */
  async #prove<T>(password: string, use: (proof: PasswordProof) => Promise<T>): Promise<T> {
    return withProof(this.#transport, await this.#toProve(password), ({ proof }) => use(proof))
  }

  /** What proving the password takes, as the account is on the server now. */
  async #toProve(password: string) {
    const { email, kdf, method } = await this.details()
    const last = await this.#storage.load()
    if (last) {
      const pin = (await this.#storage.pins.load(last.server, last.email)) ?? pinOf(last, last)
      await refuseDowngrade(pin, { email, kdf, method })
      if (last.email !== email) await this.#takeNextEmail(last, email)
    }
    return { email, password, kdf, method }
  }

  /** Takes the address that was chosen here, and no other: by the address this device knows what to compare a login with. */
  async #takeNextEmail(last: SessionState, email: string): Promise<void> {
    if (last.nextEmail !== email)
      throw new RefusedError(
        'The server answered with another address than that of this account. If you changed it on another device, log out here and log in with it.',
      )
    const { nextEmail: _taken, ...state } = last
    await this.#storage.save({ ...state, email })
  }

  async sessions(): Promise<SessionSummary[]> {
    const { sessions } = await this.#transport.sendAuthorized(SessionList, {
      method: 'GET',
      path: sessionPaths.sessions,
    })
    return sessions
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
