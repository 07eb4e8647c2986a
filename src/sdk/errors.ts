// What calls of the SDK throw.
import type { Problem, ProblemCode } from '../contract/problems.ts'
import type { WebauthnOptions } from '../contract/second-factors.ts'
import type { Conflict, ItemState, Vault } from '../contract/vaults.ts'
import { RefusedError } from '../protocol/refused.ts'
import type { OpenItem } from './open-item.ts'

/** What a login asks for beside the password. */
export interface SecondFactorChallenge {
  /** `totp`, `webauthn`, `recovery-code`, or a newer server's. */
  readonly methods: string[]
  /** For `navigator.credentials.get()`, where `webauthn` is one of them. */
  readonly options?: WebauthnOptions
}

/** The server's answer was a problem (RFC 9457). Decide by `code`; the message is for people. */
export class ProblemError extends Error {
  override name = 'ProblemError'
  /** One of the catalogue, or a newer server's. */
  readonly code: ProblemCode | (string & {})
  readonly status: number
  readonly requestId: string
  /** With `revision-conflict`, `key-changed` and `rotation-under-way`: what stands there now. */
  readonly current: ItemState | Vault | undefined
  /** With `revision-conflict` of a batch. */
  readonly conflicts: Conflict[]
  /** With `key-changed` that is about the account key: which one the account has. */
  readonly accountKeyVersion: number | undefined
  /** With `malformed-request`. */
  readonly errors: { path: string; message: string }[]
  /** With `second-factor-required` and `invalid-second-factor`: what proves it, and what the platform's WebAuthn is to be given. */
  readonly secondFactor: SecondFactorChallenge | undefined
  /** With `upload-offset`: how much of the file is there. */
  readonly receivedBytes: number | undefined
  /** With `attachment-missing`: ids of files that are not there. */
  readonly attachments: string[]
  /** With `wrong-proof`: whether the share has a passphrase. */
  readonly passphrase: boolean | undefined
  /** With `share-consumed`. */
  readonly readAt: string | undefined
  /** With `share-expired`. */
  readonly expiresAt: string | undefined
  /** With `share-revoked`. */
  readonly revokedAt: string | undefined
  /** Seconds that the server asks to wait before another try; 0 if it does not say. */
  readonly retryAfter: number

  constructor(problem: Problem, retryAfter = 0) {
    super(problem.detail || problem.title)
    this.code = problem.code
    this.status = problem.status
    this.requestId = problem.requestId
    this.current = problem.current
    this.conflicts = problem.conflicts ?? []
    this.accountKeyVersion = problem.accountKeyVersion
    this.errors = problem.errors ?? []
    this.secondFactor = problem.methods && {
      methods: problem.methods,
      ...(problem.options && { options: problem.options }),
    }
    this.receivedBytes = problem.receivedBytes
    this.attachments = problem.attachments ?? []
    this.passphrase = problem.passphrase
    this.readAt = problem.readAt
    this.expiresAt = problem.expiresAt
    this.revokedAt = problem.revokedAt
    this.retryAfter = retryAfter
  }
}

/** No answer came, or none that is Limpet's. A write may have happened; repeating it is safe. */
export class NetworkError extends Error {
  override name = 'NetworkError'
  /** The URL of a server of which nothing came. `cause` is then what `fetch` rejected with, or a `TimeoutError` after silence. */
  readonly server: string | undefined

  constructor(message?: string, { server, ...options }: ErrorOptions & { readonly server?: string } = {}) {
    super(message, options)
    this.server = server
  }
}

/** There is no session, or it has ended. Log in again. */
export class LoggedOutError extends Error {
  override name = 'LoggedOutError'
}

/**
 * The server describes an account that was registered on this device otherwise than it was registered. An honest server does so while
 * the address is not confirmed: there is no account yet, and of every address without one it says something credible.
 */
export class UnconfirmedError extends RefusedError {
  override name = 'UnconfirmedError'

  constructor() {
    super(
      'The server does not describe the account as it was registered here. An honest one does so until the address is confirmed: open the link in the mail first. Nothing was sent to it.',
    )
  }
}

/** The server shows older data of a vault itself, such as its name: `Replica.acceptVault` or `putVaultBack` comes before the next pull. */
export class OlderVaultError extends RefusedError {
  override name = 'OlderVaultError'

  constructor() {
    super(
      "The server shows an older state of a vault's name as its newest one. It is not honest, or a client that does not count edits wrote to it. Nothing of it was taken over.",
    )
  }
}

/** The account key was changed on another device, so that the one here opens no vault any more. Log in again with the password. */
export class AccountKeyChangedError extends Error {
  override name = 'AccountKeyChangedError'

  constructor() {
    super(
      'The account key was changed on another device. Log in again with the password; the copies that are here stay.',
    )
  }
}

/** The cursor is of another history (a restored backup): `Replica.resync` is next. */
export class ResyncRequiredError extends Error {
  override name = 'ResyncRequiredError'
}

/** The write found something else than what it was to replace; nothing was written. */
export class ConflictError extends Error {
  override name = 'ConflictError'
  /** The item as it is now, or undefined where it was deleted for good. */
  readonly current: OpenItem | undefined
  /** The revision to build on: that of the item, or of what is left of it. */
  readonly revision: number
  /** Of the key that seals it now. */
  readonly keyVersion: number

  constructor(revision: number, current: OpenItem | undefined, keyVersion: number) {
    super(current ? 'The item was changed in the meantime' : 'The item was deleted for good in the meantime')
    this.revision = revision
    this.current = current
    this.keyVersion = keyVersion
  }
}

/** The item is of a kind that came later, and is kept as it is. */
export class UnknownKindError extends Error {
  override name = 'UnknownKindError'

  constructor() {
    super('This version does not know the kind of the item, and does not edit it')
  }
}
