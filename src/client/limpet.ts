// The SDK's entrance: a server, and the ways to an unlocked account.
import { type Device, PreloginAnswer, Registered, Session } from '../contract/accounts.ts'
import { normalizeEmail } from '../contract/primitives.ts'
import { ServerInfo } from '../contract/server.ts'
import { UnlockedAccount } from './account.ts'
import { encodeBase64url } from './base64url.ts'
import { accountKeyContext, vaultDataContext, vaultKeyContext } from './context.ts'
import { open, seal } from './envelope.ts'
import { LoggedOutError, RefusedError } from './errors.ts'
import { encodeContent } from './item-content.ts'
import { deriveKeys, newKdf, newKey } from './keys.ts'
import { refuseDowngrade } from './refusals.ts'
import {
  ended,
  isEnded,
  memorySessionStorage,
  type SessionState,
  type SessionStorage,
} from './session-storage.ts'
import { serverUrl, Transport } from './transport.ts'

export interface LimpetOptions {
  /** Such as https://vault.example.com */
  readonly server: string
  /** How this installation is called in the owner's list of sessions; its id is chosen once and kept. */
  readonly device: Device
  /** Where the session is kept; in memory unless said otherwise. */
  readonly storage?: SessionStorage
  /** Allows http to other machines. For tests inside a closed network. */
  readonly allowInsecure?: boolean
  readonly fetch?: typeof globalThis.fetch
}

/** The costs of the key derivation; `newKdf` adds the salt. */
type KdfCosts = Parameters<typeof newKdf>[0]

export interface Registration {
  readonly email: string
  readonly password: string
  readonly hint?: string
  readonly kdf?: KdfCosts
  /** What the first vault is called. */
  readonly vaultName?: string
}

/**
 * Makes everything that registration sends: keys and salt are fresh, and nothing in it opens anything without the password.
 * @returns the body of POST /register, and the keys that stay with the client
 */
export async function prepareRegistration({ email, password, hint, kdf: costs, vaultName }: Registration) {
  const kdf = newKdf(costs)
  const { authKey, wrapKey } = await deriveKeys(password, kdf)
  const [accountId, vaultId] = [crypto.randomUUID(), crypto.randomUUID()]
  const [accountKey, vaultKey] = [newKey(), newKey()]
  const vaultData = encodeContent({ name: vaultName ?? 'Personal' })
  const body = {
    accountId,
    email: normalizeEmail(email),
    kdf,
    authKey: encodeBase64url(authKey),
    accountKey: await seal(wrapKey, accountKeyContext(accountId, kdf), accountKey),
    vault: {
      id: vaultId,
      key: await seal(accountKey, vaultKeyContext(accountId, vaultId), vaultKey),
      data: await seal(vaultKey, vaultDataContext(vaultId), vaultData),
    },
    ...(hint !== undefined && { hint }),
  }
  return { body, accountKey, vaultKey }
}

export class Limpet {
  readonly #transport: Transport
  readonly #storage: SessionStorage
  readonly #device: Device

  /** Throws a TypeError where the server's URL must not be used. */
  constructor({
    server,
    device,
    storage = memorySessionStorage(),
    allowInsecure = false,
    fetch,
  }: LimpetOptions) {
    this.#storage = storage
    this.#device = device
    this.#transport = new Transport(serverUrl(server, allowInsecure), storage, fetch)
  }

  /** Version, policies and limits of the server. */
  serverInfo(): Promise<ServerInfo> {
    return this.#transport.send(ServerInfo, { method: 'GET', path: '/api/v1/server' })
  }

  /** Makes an account with its first vault; logging in is the next step. Throws ProblemError (`email-taken`, …). */
  async register(registration: Registration): Promise<Registered> {
    const { body } = await prepareRegistration(registration)
    return this.#transport.send(Registered, {
      method: 'POST',
      path: '/api/v1/register',
      body,
      repeatable: false,
    })
  }

  /**
   * Logs in and unlocks. The server gets to see a key derived from the password, never the password.
   * Throws ProblemError (`invalid-credentials`), KdfRefusedError, RefusedError for a weaker method than last time, and
   * OpenError where the server's account key is not the one that this password sealed.
   */
  async login({ email, password }: { email: string; password: string }): Promise<UnlockedAccount> {
    const { kdf, method } = await this.#transport.send(PreloginAnswer, {
      method: 'POST',
      path: '/api/v1/prelogin',
      body: { email },
    })
    const last = await this.#lastLogin(email)
    if (last) refuseDowngrade(last, { kdf, method })
    const { authKey, wrapKey } = await deriveKeys(password, kdf)
    const session = await this.#transport.send(Session, {
      method: 'POST',
      path: '/api/v1/login',
      body: { email, authKey: encodeBase64url(authKey), device: this.#device },
    })
    const { id, accountKey } = session.account
    if (last && last.accountId !== id)
      throw new RefusedError('The server answered with another account than last time under this address.')
    const state: SessionState = {
      server: this.#transport.server,
      accountId: id,
      // Not the server's spelling: by it the next login knows what to compare with.
      email: normalizeEmail(email),
      sessionId: session.sessionId,
      accessToken: session.accessToken,
      refreshToken: session.refreshToken,
      kdf,
      accountKey,
      method,
    }
    // The session before this one would stay on the server with nobody to end it.
    await this.#endQuietly()
    await this.#storage.save(state)
    let opened: Uint8Array
    try {
      opened = await open(wrapKey, accountKeyContext(id, kdf), accountKey)
    } catch (error) {
      await this.#endQuietly()
      if (last) await this.#storage.save(ended(last))
      throw error
    }
    return this.#account(id, opened)
  }

  /** What this program knows of an account from its last login, if that was here. */
  async #lastLogin(email: string): Promise<SessionState | undefined> {
    const last = await this.#storage.load()
    return last?.server === this.#transport.server && last.email === normalizeEmail(email) ? last : undefined
  }

  /** Unlocks the account of the stored session with the password, without asking the server. Throws OpenError. */
  async unlock(password: string): Promise<UnlockedAccount> {
    const { accountId, kdf, accountKey } = await this.#session()
    const { wrapKey } = await deriveKeys(password, kdf)
    return this.#account(accountId, await open(wrapKey, accountKeyContext(accountId, kdf), accountKey))
  }

  /** Unlocks with an account key that the program kept sealed in a way of its own. */
  async unlockWith(accountKey: Uint8Array): Promise<UnlockedAccount> {
    return this.#account((await this.#session()).accountId, accountKey)
  }

  /** Ends the stored session of this server, if there is one and the server answers. */
  async #endQuietly(): Promise<void> {
    const state = await this.#storage.load()
    if (state?.server !== this.#transport.server) return
    await this.logout().catch(() => this.#storage.clear())
  }

  /** Ends the session, here and on the server. Without one, nothing happens. */
  async logout(): Promise<void> {
    if (!(await this.#storage.load())) return
    try {
      await this.#transport.authorized({ method: 'POST', path: '/api/v1/logout' })
    } catch (error) {
      if (!(error instanceof LoggedOutError)) throw error
    }
    await this.#storage.clear()
  }

  async #session() {
    const state = await this.#storage.load()
    if (!state || isEnded(state) || state.server !== this.#transport.server)
      throw new LoggedOutError('There is no session with this server. Log in first.')
    return state
  }

  #account(accountId: string, accountKey: Uint8Array) {
    return new UnlockedAccount(this.#transport, this.#storage, accountId, accountKey)
  }
}
