// The SDK's entrance: a server, and the ways to an unlocked account.

import {
  Account,
  type AuthMethod,
  type Device,
  type KdfParameters,
  PreloginAnswer,
  Registered,
  Session,
} from '../contract/accounts.ts'
import { DeletionStarted } from '../contract/email.ts'
import { accountPaths, emailPaths, serverPaths, sessionPaths } from '../contract/paths.ts'
import { normalizeEmail } from '../contract/primitives.ts'
import { ServerInfo } from '../contract/server.ts'
import { accountKeyAssociatedData } from '../protocol/associated-data.ts'
import { open } from '../protocol/envelope.ts'
import { deriveKeys } from '../protocol/keys.ts'
import { RefusedError } from '../protocol/refused.ts'
import { UnlockedAccount } from './account.ts'
import { LoggedOutError, ProblemError, type SecondFactorChallenge } from './errors.ts'
import { type AcceptAuthKey, type LoginPin, pinOf, refuseDowngrade, refuseOlderAccountKey } from './pins.ts'
import { type AccountKey, choosePassword, forNewAccount, sealForDevice, withProof } from './proofs.ts'
import { type Registration, sealAccount } from './registration.ts'
import type { Fetch } from './request.ts'
import type { SecondFactorAnswer } from './second-factors.ts'
import {
  ended,
  isEnded,
  memorySessionStorage,
  type SessionState,
  type SessionStorage,
} from './session-storage.ts'
import { Shares } from './shares.ts'
import { serverUrl, Transport } from './transport.ts'

export interface LimpetOptions {
  /** Such as https://vault.example.com */
  readonly server: string
  /** How this installation is called in the owner's list of sessions; its id is chosen once and kept. */
  readonly device: Device
  /** Where the session is kept, and how accounts logged in before; in memory unless said otherwise. */
  readonly storage?: SessionStorage
  /**
   * Decides about logins by `authKey` that nothing in the storage vouches for: the first one of an account here, and one with
   * cheaper costs than last time. Without it they are refused, because a hostile server could guess the password from them.
   */
  readonly acceptAuthKey?: AcceptAuthKey
  /** Allows http to other machines. For tests inside a closed network. */
  readonly allowInsecure?: boolean
  readonly fetch?: Fetch
}

/**
 * Asks the person for what the account wants beside the password. It is asked again while the answer is wrong, with the error in
 * `refused`; throwing ends the login.
 */
export type AskSecondFactor = (
  challenge: SecondFactorChallenge,
  refused: ProblemError | undefined,
) => Promise<SecondFactorAnswer>

interface Login {
  readonly email: string
  readonly password: string
  /** Without it, an account with a second factor is a ProblemError (`second-factor-required`). */
  readonly secondFactor?: AskSecondFactor
}

interface LoggedInBy {
  readonly email: string
  readonly password: string
  readonly method: AuthMethod
  readonly kdf: KdfParameters
  readonly wrapKey: Uint8Array
}

/** An address that was chosen here is still to be known after a login with the one before. */
const keptNextEmail = (last: SessionState | undefined, { email }: LoggedInBy) =>
  last?.nextEmail !== undefined && last.nextEmail !== normalizeEmail(email)
    ? { nextEmail: last.nextEmail }
    : undefined

export class Limpet {
  /** One-time shares. They need the session only where the server wants an account for them. */
  readonly shares: Shares
  readonly #transport: Transport
  readonly #storage: SessionStorage
  readonly #device: Device
  readonly #acceptAuthKey: AcceptAuthKey | undefined

  /** Throws a TypeError where the server's URL must not be used. */
  constructor({
    server,
    device,
    storage = memorySessionStorage(),
    acceptAuthKey,
    allowInsecure = false,
    fetch,
  }: LimpetOptions) {
    this.#storage = storage
    this.#device = device
    this.#acceptAuthKey = acceptAuthKey
    this.#transport = new Transport(serverUrl(server, allowInsecure), storage, fetch)
    this.shares = new Shares(this.#transport)
  }

  /** Version, policies and limits of the server. */
  serverInfo(): Promise<ServerInfo> {
    return this.#transport.send(ServerInfo, { method: 'GET', path: serverPaths.server })
  }

  /** Makes an account with its first vault; logging in is the next step. Throws ProblemError (`email-taken`, `invalid-invite`, …). */
  async register(registration: Registration): Promise<Registered> {
    const { email, password } = registration
    const chosen = await choosePassword(forNewAccount(this.#transport, email), email, password, registration)
    const { body } = await sealAccount(registration, chosen)
    const registered = await this.#transport.send(Registered, {
      method: 'POST',
      path: accountPaths.register,
      body,
      repeatable: false,
    })
    await this.#pin(email, chosen, { isUnused: true })
    return registered
  }

  /** Confirms an e-mail address. Throws ProblemError (`invalid-confirmation`). @param token what stands after "#" in the link */
  async confirmEmail(token: string): Promise<void> {
    await this.#transport.anonymous({ method: 'POST', path: emailPaths.confirm, body: { token } })
  }

  /** Has the confirmation sent once more, if there is something to confirm. Throws ProblemError (`email-off`). */
  async resendConfirmation(email: string): Promise<void> {
    await this.#transport.anonymous({ method: 'POST', path: emailPaths.resend, body: { email } })
  }

  /**
   * Has a link sent to the address that deletes its account, if it is the confirmed one of an account: for an owner who has lost the
   * password. Throws ProblemError (`email-off`, `account-deletion-off`).
   */
  async askForDeletion(email: string): Promise<void> {
    await this.#transport.anonymous({ method: 'POST', path: emailPaths.deletion, body: { email } })
  }

  /**
   * Has the account of a link deleted after the server's waiting time, unless its owner logs in before. Throws ProblemError
   * (`invalid-confirmation`, `account-deletion-off`).
   * @param token what stands after "#" in the link
   */
  startDeletion(token: string): Promise<DeletionStarted> {
    return this.#transport.send(DeletionStarted, {
      method: 'POST',
      path: emailPaths.confirmDeletion,
      body: { token },
    })
  }

  /** Keeps the account of a link, which was to be deleted. Throws ProblemError (`invalid-confirmation`). */
  async cancelDeletion(token: string): Promise<void> {
    await this.#transport.anonymous({ method: 'POST', path: emailPaths.cancelDeletion, body: { token } })
  }

  /** Has the password hint sent to the address, if it is the confirmed one of an account. Throws ProblemError (`email-off`). */
  async sendHint(email: string): Promise<void> {
    await this.#transport.anonymous({ method: 'POST', path: emailPaths.hint, body: { email } })
  }

  /**
   * Logs in and unlocks, by the method that the account has. With OPAQUE the server gets to see nothing that the password could
   * be guessed from; with authKey a key derived from it. Throws ProblemError (`invalid-credentials`), KdfRefusedError,
   * RefusedError for a weaker way than last time and for one by `authKey` that `acceptAuthKey` does not accept, UnconfirmedError in their
   * place for an account that was registered here and may wait for its confirmation, OpenError where the server's account key is not the one that this
   * password sealed, and whatever `secondFactor` throws.
   */
  async login({ email, password, secondFactor }: Login): Promise<UnlockedAccount> {
    const { kdf, method } = await this.#transport.send(PreloginAnswer, {
      method: 'POST',
      path: sessionPaths.prelogin,
      body: { email },
    })
    const last = await this.#lastLogin(email)
    const pin = (await this.#pinned(email)) ?? (last && pinOf(last, last))
    await refuseDowngrade(pin, { email, kdf, method }, this.#acceptAuthKey)
    const by = { email, password, method, kdf }
    const { session, wrapKey } = await this.#proveLogin(by, secondFactor)
    refuseOlderAccountKey(pin, session.account.accountKeyVersion)
    return this.#begin(session, last, { ...by, wrapKey })
  }

  /** Proves the password, and again with the second factor where that is asked for: a proof is for one request. */
  async #proveLogin(by: Omit<LoggedInBy, 'wrapKey'>, ask: AskSecondFactor | undefined) {
    const prove = (secondFactor?: SecondFactorAnswer) =>
      withProof(this.#transport, by, async ({ proof, wrapKey }) => ({
        wrapKey,
        session: await this.#transport.send(Session, {
          method: 'POST',
          path: sessionPaths.login,
          body: { email: by.email, ...proof, device: this.#device, ...(secondFactor && { secondFactor }) },
          // A code works once: where the answer was lost it must not be tried again, and is then said to be wrong.
          repeatable: secondFactor === undefined,
        }),
      }))
    let given: SecondFactorAnswer | undefined
    for (;;) {
      try {
        return await prove(given)
      } catch (error) {
        if (!ask || !(error instanceof ProblemError) || !error.secondFactor) throw error
        given = await ask(error.secondFactor, error.code === 'invalid-second-factor' ? error : undefined)
      }
    }
  }

  /** Unlocks a new session and keeps it, in place of the one before. */
  async #begin(session: Session, last: SessionState | undefined, by: LoggedInBy): Promise<UnlockedAccount> {
    const { id, accountKey, accountKeyVersion: version } = session.account
    const { password, method, kdf, wrapKey } = by
    if (last && last.accountId !== id)
      throw new RefusedError('The server answered with another account than last time under this address.')
    const state = { ...this.#stateOf(session, by), ...keptNextEmail(last, by) }
    // The session before this one would stay on the server, and no client could end it.
    await this.#endQuietly()
    let opened: AccountKey
    try {
      opened = { bytes: await open(wrapKey, accountKeyAssociatedData(id, kdf, version), accountKey), version }
    } catch (error) {
      await this.#storage.save(state)
      await this.#endQuietly()
      if (last) await this.#storage.save(ended(last))
      throw error
    }
    const forUnlocking = method === 'opaque' ? await sealForDevice(password, id, opened) : undefined
    await this.#storage.save({ ...state, ...forUnlocking })
    await this.#pin(by.email, { ...by, accountKeyVersion: version })
    return this.#account(id, opened, true)
  }

  #stateOf({ account, sessionId, accessToken, refreshToken }: Session, by: LoggedInBy): SessionState {
    return {
      server: this.#transport.server,
      accountId: account.id,
      // Not the server's spelling: by it the next login knows what to compare with.
      email: normalizeEmail(by.email),
      sessionId,
      accessToken,
      refreshToken,
      kdf: by.kdf,
      accountKey: account.accountKey,
      accountKeyVersion: account.accountKeyVersion,
      method: by.method,
    }
  }

  #pinned(email: string): Promise<LoginPin | undefined> {
    return this.#storage.pins.load(this.#transport.server, normalizeEmail(email))
  }

  #pin(
    email: string,
    by: Pick<LoggedInBy, 'method' | 'kdf'> & { accountKeyVersion?: number },
    state: Pick<LoginPin, 'isUnused'> = {},
  ): Promise<void> {
    const who = { server: this.#transport.server, email: normalizeEmail(email) }
    return this.#storage.pins.save({ ...pinOf(who, by), ...state })
  }

  /**
   * Forgets how an account logged in here before, so that its next login counts as the first. For an owner who chose a weaker
   * way on another device; a program must not call it because a server said so.
   */
  async forgetPin(email: string): Promise<void> {
    const last = await this.#lastLogin(email)
    if (last) await this.#storage.clear()
    await this.#storage.pins.remove(this.#transport.server, normalizeEmail(email))
  }

  /** What this program knows of an account from its last login, if that was here. */
  async #lastLogin(email: string): Promise<SessionState | undefined> {
    const last = await this.#storage.load()
    const isOf = last && [last.email, last.nextEmail].includes(normalizeEmail(email))
    return isOf && last.server === this.#transport.server ? last : undefined
  }

  /** The account of the stored session as the server has it now, which takes no password. Throws LoggedOutError. */
  async account(): Promise<Account> {
    await this.#session()
    return this.#transport.sendAuthorized(Account, { method: 'GET', path: accountPaths.account })
  }

  /** Unlocks the account of the stored session with the password, without asking the server. Throws OpenError. */
  async unlock(password: string): Promise<UnlockedAccount> {
    const { accountId, kdf, accountKey, accountKeyVersion: version = 1 } = await this.#session()
    const { wrapKey } = await deriveKeys(password, kdf)
    const bytes = await open(wrapKey, accountKeyAssociatedData(accountId, kdf, version), accountKey)
    return this.#account(accountId, { bytes, version })
  }

  /**
   * Unlocks with an account key that the program kept sealed in a way of its own.
   * @param accountKeyVersion which one it is: `UnlockedAccount.accountKeyVersion` of when it was exported
   */
  async unlockWith(accountKey: Uint8Array, accountKeyVersion = 1): Promise<UnlockedAccount> {
    const { accountId } = await this.#session()
    return this.#account(accountId, { bytes: accountKey, version: accountKeyVersion })
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
      await this.#transport.authorized({ method: 'POST', path: sessionPaths.logout })
    } catch (error) {
      if (!(error instanceof LoggedOutError)) throw error
    }
    await this.#storage.clear()
  }

  async #session() {
    const state = await this.#storage.load()
    if (state && isEnded(state)) throw new LoggedOutError('The session has ended. Log in again.')
    if (!state || state.server !== this.#transport.server)
      throw new LoggedOutError('There is no session with this server. Log in first.')
    return state
  }

  #account(accountId: string, accountKey: AccountKey, isNewest = false) {
    return new UnlockedAccount(this.#transport, this.#storage, { accountId, accountKey, isNewest })
  }
}
