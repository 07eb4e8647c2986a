// An account whose key is in memory: its vaults, its sessions, its password, its end.
import { Account, SessionList, type SessionSummary } from '../contract/accounts.ts'
import { VaultList, Vault as VaultShape } from '../contract/vaults.ts'
import { encodeBase64url } from './base64url.ts'
import { accountKeyContext, vaultDataContext, vaultKeyContext } from './context.ts'
import { open, seal } from './envelope.ts'
import { encodeContent } from './item-content.ts'
import { deriveKeys, newKdf, newKey } from './keys.ts'
import { refuseDowngrade, refuseOther } from './refusals.ts'
import type { SessionStorage } from './session-storage.ts'
import type { Transport } from './transport.ts'
import { OpenVault } from './vault.ts'

export class UnlockedAccount {
  readonly accountId: string
  readonly #transport: Transport
  readonly #storage: SessionStorage
  readonly #accountKey: Uint8Array

  constructor(transport: Transport, storage: SessionStorage, accountId: string, accountKey: Uint8Array) {
    this.accountId = accountId
    this.#transport = transport
    this.#storage = storage
    this.#accountKey = accountKey
  }

  /** The account key itself, for a program that keeps it sealed in a way of its own. Never store it in clear. */
  exportKey(): Uint8Array {
    return this.#accountKey.slice()
  }

  /** The account as the server has it. */
  details(): Promise<Account> {
    return this.#transport.sendAuthorized(Account, { method: 'GET', path: '/api/v1/account' })
  }

  /** Every vault, opened. Throws OpenError where one is not this account's own. */
  async vaults(): Promise<OpenVault[]> {
    const { vaults } = await this.#transport.sendAuthorized(VaultList, {
      method: 'GET',
      path: '/api/v1/vaults',
    })
    return Promise.all(vaults.map((vault) => this.openVault(vault)))
  }

  async createVault(name: string): Promise<OpenVault> {
    const id = crypto.randomUUID()
    const vaultKey = newKey()
    const vault = await this.#transport.sendAuthorized(VaultShape, {
      method: 'POST',
      path: '/api/v1/vaults',
      body: {
        id,
        key: await seal(this.#accountKey, vaultKeyContext(this.accountId, id), vaultKey),
        data: await seal(vaultKey, vaultDataContext(id), encodeContent({ name })),
      },
    })
    refuseOther(vault, id)
    return this.openVault(vault)
  }

  /** Opens a vault as the server gave it, now or earlier. Throws OpenError where it is not this account's own. */
  async openVault(vault: VaultShape): Promise<OpenVault> {
    const key = await open(this.#accountKey, vaultKeyContext(this.accountId, vault.id), vault.key)
    return OpenVault.open(this.#transport, vault, key)
  }

  /** Changes the password: seals the account key anew and ends all other sessions. Throws `invalid-credentials`. */
  async changePassword(change: {
    current: string
    next: string
    kdf?: Parameters<typeof newKdf>[0]
  }): Promise<void> {
    const kdf = newKdf(change.kdf)
    const [current, next] = [await this.#proof(change.current), await deriveKeys(change.next, kdf)]
    const accountKey = await seal(next.wrapKey, accountKeyContext(this.accountId, kdf), this.#accountKey)
    await this.#transport.authorized({
      method: 'POST',
      path: '/api/v1/account/password',
      body: { current, kdf, authKey: encodeBase64url(next.authKey), accountKey },
      repeatable: false,
    })
    const state = await this.#storage.load()
    if (state) await this.#storage.save({ ...state, kdf, accountKey })
  }

  /** Deletes the account and everything in it from the server, for good. */
  async delete(password: string): Promise<void> {
    await this.#transport.authorized({
      method: 'DELETE',
      path: '/api/v1/account',
      body: await this.#proof(password),
    })
    await this.#storage.clear()
  }

  /** Proof of the password by the parameters that the account has on the server now. */
  async #proof(password: string) {
    const { kdf, method } = await this.details()
    const last = await this.#storage.load()
    if (last) refuseDowngrade(last, { kdf, method })
    const { authKey } = await deriveKeys(password, kdf)
    return { authKey: encodeBase64url(authKey) }
  }

  async sessions(): Promise<SessionSummary[]> {
    const { sessions } = await this.#transport.sendAuthorized(SessionList, {
      method: 'GET',
      path: '/api/v1/sessions',
    })
    return sessions
  }

  async endSession(id: string): Promise<void> {
    await this.#transport.authorized({ method: 'DELETE', path: `/api/v1/sessions/${id}` })
  }

  async endOtherSessions(): Promise<void> {
    await this.#transport.authorized({ method: 'DELETE', path: '/api/v1/sessions' })
  }
}
