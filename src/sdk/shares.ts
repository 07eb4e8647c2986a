// One-time shares: made for a link, looked at, opened, taken back (docs/protocol.md, "One-time shares").

import { pathTo, sharePaths } from '../contract/paths.ts'
import { CreatedShare, RevealedShare, ShareReceipt } from '../contract/shares.ts'
import { claimBytes, largestSecretBytes } from '../contract/sizes.ts'
import { encodeBase64url } from '../protocol/base64url.ts'
import { decryptFernet, encryptFernet } from '../protocol/fernet.ts'
import { refuseUnassigned } from '../protocol/password.ts'
import { platformRandom, takeRandom } from '../protocol/random.ts'
import { RefusedError } from '../protocol/refused.ts'
import {
  formatShareLink,
  newShareKey,
  parseShareLink,
  type ShareLink,
  shareKeys,
} from '../protocol/share-link.ts'
import { ProblemError } from './errors.ts'
import type { Fetch } from './request.ts'
import { memorySessionStorage } from './session-storage.ts'
import { serverUrl, Transport } from './transport.ts'

/** How a server is reached without an account. */
export interface ShareConnection {
  /** Allows http to other machines. For tests inside a closed network. */
  readonly allowInsecure?: boolean
  readonly fetch?: Fetch
}

const transportTo = (server: string, { allowInsecure = false, fetch }: ShareConnection) =>
  new Transport(serverUrl(server, allowInsecure), memorySessionStorage(), fetch)

/** A secret is empty or too large for a share; nothing was sent. */
export class SecretRefusedError extends Error {
  override readonly name = 'SecretRefusedError'
}

function requireShareable(secret: Uint8Array) {
  if (secret.length === 0) throw new SecretRefusedError('There is nothing to share: the secret is empty')
  if (secret.length > largestSecretBytes)
    throw new SecretRefusedError(
      `The secret is too large for a share, which holds ${largestSecretBytes.toLocaleString('en')} bytes at the most`,
    )
}

export interface NewShare {
  /** Text is shared as UTF-8. */
  readonly secret: Uint8Array | string
  /** Seconds that it lives, within `shareTtl`; a week unless said otherwise. */
  readonly ttl?: number
  /** What readers have to know beside the link. */
  readonly passphrase?: string
}

export interface MadeShare {
  /** Its holder can read the secret, once. */
  readonly link: string
  readonly id: string
  readonly expiresAt: string
  /** For `receipt` and `revoke`; the server does not give it again. */
  readonly manageToken: string
}

/**
 * The link as its readers get it. Refuses one under which they would not find this share, or over http: an attacker on the way
 * could give them a page of their own, to which they bring the key.
 *
 * @param server how it was reached for this, which is good enough for its readers too
 */
function linkTo({ id, links }: CreatedShare, key: string, server: string): string {
  const view = links.find(({ rel }) => rel === 'web-view')
  const link = `${view?.href}#${key}`
  try {
    const read = parseShareLink(link)
    serverUrl(read.server, read.server === server)
    if (view && read.id === id) return formatShareLink(read)
  } catch {
    // Said below.
  }
  throw new RefusedError('The server answered with a link that does not lead to the share over https.')
}

/** The one-time shares of a server. */
export class Shares {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /**
   * Encrypts a secret under a new key and leaves it with the server, which never gets to see either. Throws
   * SecretRefusedError, PasswordRefusedError, ProblemError (`shares-off`, …), and LoggedOutError where the server wants an
   * account for it and there is no session with it.
   */
  async create({ secret, ttl, passphrase }: NewShare): Promise<MadeShare> {
    const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret
    requireShareable(bytes)
    if (passphrase !== undefined) refuseUnassigned(passphrase, 'passphrase')
    const key = newShareKey()
    const { fernetKey, proof } = await shareKeys(key, passphrase)
    const created = await this.#post({
      ciphertext: await encryptFernet(fernetKey, bytes),
      proof,
      ...(ttl !== undefined && { ttl }),
      passphrase: passphrase !== undefined,
    })
    const { id, expiresAt, manageToken } = created
    return { link: linkTo(created, key, this.#transport.server), id, expiresAt, manageToken }
  }

  /** Without the session at first: a server that does not ask for an account does not learn who shares. */
  async #post(body: object): Promise<CreatedShare> {
    // Repeatable: where an answer was lost, what was made is under an unknown id, and expires.
    const request = { method: 'POST', path: sharePaths.shares, body } as const
    try {
      return await this.#transport.send(CreatedShare, request)
    } catch (error) {
      if (!(error instanceof ProblemError && error.code === 'not-authenticated')) throw error
    }
    return this.#transport.sendAuthorized(CreatedShare, request)
  }

  /** What became of a share. Throws ProblemError (`not-found`, …). */
  receipt({ id, manageToken }: Pick<MadeShare, 'id' | 'manageToken'>): Promise<ShareReceipt> {
    return this.#transport.send(ShareReceipt, {
      method: 'GET',
      path: pathTo(sharePaths.receipt, { shareId: id }),
      headers: { Authorization: `Bearer ${manageToken}` },
    })
  }

  /** Takes a share back: it cannot be read any more. Throws ProblemError (`share-consumed`, `not-found`, …). */
  async revoke({ id, manageToken }: Pick<MadeShare, 'id' | 'manageToken'>): Promise<void> {
    await this.#transport.anonymous({
      method: 'DELETE',
      path: pathTo(sharePaths.share, { shareId: id }),
      headers: { Authorization: `Bearer ${manageToken}` },
    })
  }
}

/** The shares of a server for readers without an account there; `Limpet.shares` are those of one who may. */
export const sharesOf = (server: string, connection: ShareConnection = {}): Shares =>
  new Shares(transportTo(server, connection))

export interface OpenedShare {
  readonly secret: Uint8Array
  /**
   * Tells the server that the secret has arrived, so that it forgets it at once; call it when the secret is where it should
   * be. Without it the server forgets after a minute, in which only the `ReceivedShare` that opened it can open it again.
   */
  acknowledge(): Promise<void>
}

/** A link that a reader got: a server, a share there, and its key, which is not sent anywhere. */
export class ReceivedShare {
  readonly #link: ShareLink
  readonly #transport: Transport
  /** One for all tries: whose answer was lost can ask again, and nobody else. */
  readonly #claim = encodeBase64url(takeRandom(platformRandom, claimBytes.max))

  /** Throws ShareLinkError, and a TypeError where the server that the link names must not be used. */
  constructor(link: string, connection: ShareConnection = {}) {
    this.#link = parseShareLink(link)
    this.#transport = transportTo(this.#link.server, connection)
  }

  /** The server that it is on. */
  get server(): string {
    return this.#transport.server
  }

  /** Whether it can be read, and needs a passphrase for that. Reads nothing and can be repeated. */
  async look(): Promise<{ readable: boolean; passphrase: boolean }> {
    try {
      const { headers } = await this.#transport.anonymous({
        method: 'HEAD',
        path: this.#path(sharePaths.share),
      })
      return { readable: true, passphrase: headers.get('Limpet-Passphrase') === 'required' }
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'not-found')
        return { readable: false, passphrase: false }
      throw error
    }
  }

  /**
   * Reads the secret: the server gives it once. Throws ProblemError (`wrong-proof`, which uses nothing up; `share-consumed`,
   * `share-expired`, `share-revoked`, `not-found`), PasswordRefusedError, and OpenError where the server gave something that
   * the link's key does not open.
   */
  async open(passphrase?: string): Promise<OpenedShare> {
    const { fernetKey, proof } = await shareKeys(this.#link.key, passphrase)
    const claim = this.#claim
    const { ciphertext } = await this.#transport.send(RevealedShare, {
      method: 'POST',
      path: this.#path(sharePaths.reveal),
      body: { proof, claim },
    })
    return {
      secret: await decryptFernet(fernetKey, ciphertext),
      acknowledge: async () => {
        await this.#transport.anonymous({
          method: 'POST',
          path: this.#path(sharePaths.acknowledge),
          body: { claim },
        })
      },
    }
  }

  #path(path: (typeof sharePaths)['share' | 'reveal' | 'acknowledge']) {
    return pathTo(path, { shareId: this.#link.id })
  }
}
