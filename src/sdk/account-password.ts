// The password of an account whose key is in memory: proved anew, changed, and what this device keeps for unlocking and logging in.
import { type Account, AccountKeyChanged, type PasswordProof } from '../contract/accounts.ts'
import { accountPaths } from '../contract/paths.ts'
import { PasswordChanged } from '../contract/tokens.ts'
import { RefusedError } from '../protocol/refused.ts'
import type { HeldAccountKey } from './account-key.ts'
import { NetworkError, ProblemError } from './errors.ts'
import { listVaults } from './pages.ts'
import { pinOf, refuseDowngrade } from './pins.ts'
import { choosePassword, forThisAccount, type MethodChoice, sealForDevice, withProof } from './proofs.ts'
import type { SessionState, SessionStorage } from './session-storage.ts'
import type { Transport } from './transport.ts'
import type { SealedVaultKey } from './vault-keys.ts'

/** How often a change of the account key begins anew, because vaults were changed meanwhile. */
const keyChangeTries = 5

/** The account that holds the key. */
interface KeyHolder {
  /** Replaced when the key is changed here. */
  key: HeldAccountKey
  /** The account as the server has it. */
  details(): Promise<Account>
}

/** A password that is to replace one, and how it is proved from now on. */
export type PasswordChange = {
  readonly current: string
  readonly next: string
  /** Whether the personal access tokens stay. */
  readonly keepTokens?: boolean
} & MethodChoice

export class AccountPassword {
  readonly #transport: Transport
  readonly #storage: SessionStorage
  readonly #holder: KeyHolder

  constructor(transport: Transport, storage: SessionStorage, holder: KeyHolder) {
    this.#transport = transport
    this.#storage = storage
    this.#holder = holder
  }

  /** Does what needs a fresh proof of the password. */
  async prove<T>(password: string, use: (proof: PasswordProof) => Promise<T>): Promise<T> {
    return withProof(this.#transport, await this.#toProve(password), ({ proof }) => use(proof))
  }

  /** What proving the password takes, as the account is on the server now. */
  async #toProve(password: string) {
    const { email, kdf, method, accountKeyVersion } = await this.#holder.details()
    const last = await this.#storage.load()
    if (last) {
      const pin = (await this.#storage.pins.load(last.server, last.email)) ?? pinOf(last, last)
      await refuseDowngrade(pin, { email, kdf, method })
      if (last.email !== email) await this.#takeNextEmail(last, email)
    }
    return { email, password, kdf, method, accountKeyVersion }
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

  /**
   * Changes the password: seals the account key anew, ends all other sessions, and with them the personal access tokens unless
   * they are to be kept. The method stays as it is unless another one is chosen. Throws `invalid-credentials`.
   * @returns which tokens ended, and which there still are
   */
  async change({ current, next, keepTokens = false, ...choice }: PasswordChange): Promise<PasswordChanged> {
    const account = await this.#toProve(current)
    this.#holder.key.requireNewest(account)
    const wanted =
      choice.method === undefined && account.method === 'authKey' ? ({ method: 'authKey' } as const) : choice
    const { kdf, method, verifier, wrapKey } = await choosePassword(
      forThisAccount(this.#transport),
      account.email,
      next,
      wanted,
    )
    const accountKey = await this.#holder.key.sealedBy(wrapKey, kdf)
    const changed = await withProof(this.#transport, account, ({ proof }) =>
      this.#transport.sendAuthorized(PasswordChanged, {
        method: 'POST',
        path: accountPaths.password,
        body: {
          current: proof,
          kdf,
          ...verifier,
          accountKey,
          ...this.#holder.key.versionToSend,
          keepTokens,
        },
        repeatable: false,
      }),
    )
    await this.#remember({ password: next, method, kdf, accountKey })
    return changed
  }

  /** Keeps what unlocking and the next login need, after the password or the account key was changed here. */
  async #remember({
    password,
    method,
    kdf,
    accountKey,
  }: Pick<SessionState, 'method' | 'kdf' | 'accountKey'> & { password: string }): Promise<void> {
    const accountKeyVersion = this.#holder.key.version
    const forUnlocking =
      method === 'opaque'
        ? await sealForDevice(password, this.#holder.key.accountId, this.#holder.key.key)
        : { kdf, accountKey }
    const state = await this.#storage.load()
    if (!state) return
    await this.#storage.save({ ...state, method, ...forUnlocking, accountKeyVersion })
    await this.#storage.pins.save(pinOf(state, { method, kdf, accountKeyVersion }))
  }

  /**
   * Replaces the account key, and seals the key of every vault anew under it, in one request. Throws `invalid-credentials`,
   * AccountKeyChangedError, and OpenError for a vault whose key does not open.
   */
  async changeKey(password: string): Promise<void> {
    const old = this.#holder.key
    const next = old.next()
    for (let tries = 0; ; tries++) {
      const account = await this.#toProve(password)
      old.requireNewest(account)
      try {
        const accountKey = await withProof(this.#transport, account, async ({ proof, wrapKey }) => {
          const sealed = await next.sealedBy(wrapKey, account.kdf)
          await this.#sendKey(proof, sealed, next)
          return sealed
        })
        this.#holder.key = next
        await this.#remember({ ...account, password, accountKey })
        return
      } catch (error) {
        const isOther = error instanceof ProblemError && error.code === 'key-changed'
        // A vault was made, deleted, or got another key in the meantime.
        if (!isOther || error.accountKeyVersion !== old.version || tries === keyChangeTries)
          throw old.changedElsewhere(error)
      }
    }
  }

  async #sendKey(current: PasswordProof, accountKey: string, next: HeldAccountKey): Promise<void> {
    const sealed = await listVaults(this.#transport)
    const vaults = await Promise.all(
      sealed.map(async ({ id, key, keyVersion, rotation }) => {
        const again = async (vaultKey: SealedVaultKey) => {
          const bytes = await this.#holder.key.openVaultKey(id, vaultKey)
          return next.sealVaultKey(id, { bytes, keyVersion: vaultKey.keyVersion })
        }
        return {
          id,
          keyVersion,
          key: await again({ key, keyVersion }),
          ...(rotation && { nextKey: await again(rotation) }),
        }
      }),
    )
    try {
      await this.#transport.sendAuthorized(AccountKeyChanged, {
        method: 'POST',
        path: accountPaths.key,
        body: { current, accountKey, accountKeyVersion: next.version, vaults },
        repeatable: false,
      })
    } catch (error) {
      // Without an answer it may have been done: then the account has this very envelope.
      if (!(error instanceof NetworkError)) throw error
      const now = await this.#holder.details()
      if (now.accountKey !== accountKey) throw error
    }
  }

  /** Notes an address that this account may have from now on, besides the one that it had. */
  async noteNextEmail(nextEmail: string): Promise<void> {
    const state = await this.#storage.load()
    if (!state) return
    await this.#storage.save({ ...state, nextEmail })
    const pin = (await this.#storage.pins.load(state.server, state.email)) ?? pinOf(state, state)
    await this.#storage.pins.save({ ...pin, email: nextEmail })
  }
}
