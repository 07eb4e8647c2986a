// Personal access tokens: made by an account for a script, and what the script does with one (docs/protocol.md).

import type { PasswordProof } from '../contract/accounts.ts'
import { pathTo, tokenPaths } from '../contract/paths.ts'
import {
  CreatedToken,
  CurrentToken,
  PersonalToken,
  TokenList,
  type TokenScope,
  type TokenSummary,
} from '../contract/tokens.ts'
import type { Vault } from '../contract/vaults.ts'
import { tokenVaultKeyAssociatedData } from '../protocol/associated-data.ts'
import { decodeBase64url, encodeBase64url } from '../protocol/base64url.ts'
import { OpenError, open, seal } from '../protocol/envelope.ts'
import { hkdfSha256 } from '../protocol/hkdf.ts'
import { platformRandom, type Random, takeRandom } from '../protocol/random.ts'
import { RefusedError } from '../protocol/refused.ts'
import { listVaults } from './pages.ts'
import type { Fetch } from './request.ts'
import { memorySessionStorage } from './session-storage.ts'
import { Shares } from './shares.ts'
import { serverUrl, Transport } from './transport.ts'
import { OpenVault } from './vault.ts'
import type { SealedVaultKey } from './vault-keys.ts'
import { type WatchEvent, type WatchOptions, watch } from './watch.ts'

const secretBytes = 32
const keyBytes = 32
const tokenInfo = 'limpet/v1/token'
const noSalt = new Uint8Array(0)

/** Something is not a token as it was given to its bearer, or cannot do what it is asked for. Nothing was sent. */
export class TokenError extends Error {
  override readonly name = 'TokenError'
}

/** Which key a vault's key is sealed under for a token's bearer: HKDF-SHA-256 of the bearer's own 32 bytes. */
export const deriveTokenKey = (secret: Uint8Array): Promise<Uint8Array> =>
  hkdfSha256(secret, noSalt, tokenInfo, keyBytes)

/** The two halves of what a bearer is given: `lmp_…`, and behind a dot what the server never gets. */
export interface BearerToken {
  readonly token: string
  /** 32 bytes; undefined for a token that decrypts nothing. */
  readonly secret: Uint8Array | undefined
}

/** Takes a bearer's text apart. Throws TokenError, without the text. */
export function parseBearerToken(text: string): BearerToken {
  const [token = '', encoded, ...more] = text.trim().split('.')
  const refused = new TokenError(
    'The token is not whole: it is "lmp_" and 43 characters, and with a key a dot and 43 more',
  )
  if (!PersonalToken.safeParse(token).success || more.length > 0) throw refused
  if (encoded === undefined) return { token, secret: undefined }
  try {
    const secret = decodeBase64url(encoded)
    if (secret.length === secretBytes) return { token, secret }
  } catch {
    // Said below.
  }
  throw refused
}

export interface NewToken {
  /** What its owner knows it by; the server can read it. */
  readonly name: string
  /** `write` includes `read`. */
  readonly scopes: readonly TokenScope[]
  /** The one vault that it sees, and whose key its bearer gets; without it all of them, as ciphertext. */
  readonly vault?: { readonly sealed: Vault }
  readonly expiresAt?: Date
  /** The master password. An open session alone cannot make a token that outlives it. */
  readonly password: string
}

export interface MadeToken extends TokenSummary {
  /** All that a script needs. It cannot be shown again. */
  readonly bearerToken: string
}

/** The account that makes tokens. */
interface Owner {
  readonly accountId: string
  readonly openVaultKey: (vaultId: string, sealed: SealedVaultKey) => Promise<Uint8Array>
  readonly prove: <T>(password: string, use: (proof: PasswordProof) => Promise<T>) => Promise<T>
}

/** The personal access tokens of an account. */
export class Tokens {
  readonly #transport: Transport
  readonly #accountId: string
  readonly #openVaultKey: Owner['openVaultKey']
  readonly #prove: Owner['prove']

  constructor(transport: Transport, { accountId, openVaultKey, prove }: Owner) {
    this.#transport = transport
    this.#accountId = accountId
    this.#openVaultKey = openVaultKey
    this.#prove = prove
  }

  async list(): Promise<TokenSummary[]> {
    return (await this.#transport.sendAuthorized(TokenList, { method: 'GET', path: tokenPaths.tokens }))
      .tokens
  }

  /** Makes a token. Throws ProblemError (`invalid-credentials` for a wrong password), and OpenError where the vault is not this account's own. */
  async create(
    { name, scopes, vault, expiresAt, password }: NewToken,
    random: Random = platformRandom,
  ): Promise<MadeToken> {
    const sealedFor = vault && (await this.#sealFor(vault.sealed, takeRandom(random, secretBytes)))
    const { token, ...summary } = await this.#prove(password, (proof) =>
      this.#transport.sendAuthorized(CreatedToken, {
        method: 'POST',
        path: tokenPaths.tokens,
        body: {
          ...proof,
          name,
          scopes,
          ...sealedFor?.body,
          ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
        },
        // A second one would stay without a user who knows of it.
        repeatable: false,
      }),
    )
    return { ...summary, bearerToken: sealedFor ? `${token}.${encodeBase64url(sealedFor.secret)}` : token }
  }

  /** A vault's key, sealed for the holder of the secret. */
  async #sealFor(vault: Vault, secret: Uint8Array) {
    const { id: vaultId, keyVersion } = vault
    const opened = await this.#openVaultKey(vaultId, vault)
    const associatedData = tokenVaultKeyAssociatedData(this.#accountId, vaultId, keyVersion)
    const vaultKey = await seal(await deriveTokenKey(secret), associatedData, opened)
    return {
      secret,
      body: { vaultId, vaultKey, ...(keyVersion > 1 && { keyVersion }) },
    }
  }

  /** Ends a token, everywhere within a second. Throws ProblemError `not-found`. */
  async revoke(id: string): Promise<void> {
    await this.#transport.authorized({ method: 'DELETE', path: pathTo(tokenPaths.token, { tokenId: id }) })
  }
}

/** Sends a personal access token in place of a session's; there is nothing to renew. */
class TokenTransport extends Transport {
  readonly #token: string

  constructor(server: string, token: string, fetch?: Fetch) {
    super(server, memorySessionStorage(), fetch)
    this.#token = token
  }

  protected override withAccess<T>(send: (accessToken: string) => Promise<T>): Promise<T> {
    return send(this.#token)
  }
}

export interface TokenOptions {
  /** Such as https://vault.example.com */
  readonly server: string
  /** What `limpet token create` printed. Its second half stays here. */
  readonly bearerToken: string
  /** Allows http to other machines. For tests inside a closed network. */
  readonly allowInsecure?: boolean
  readonly fetch?: Fetch
}

/** A script's way in: a token in place of an account. */
export class TokenClient {
  /** One-time shares; where the server wants an account for them, the token needs the scope `shares`. */
  readonly shares: Shares
  readonly #transport: TokenTransport
  readonly #secret: Uint8Array | undefined

  /** Throws TokenError, and a TypeError where the server's URL must not be used. */
  constructor({ server, bearerToken, allowInsecure = false, fetch }: TokenOptions) {
    const { token, secret } = parseBearerToken(bearerToken)
    this.#transport = new TokenTransport(serverUrl(server, allowInsecure), token, fetch)
    this.#secret = secret
    this.shares = new Shares(this.#transport)
  }

  /** What the token may do. Throws ProblemError `not-authenticated` where it has ended. */
  details(): Promise<CurrentToken> {
    return this.#transport.sendAuthorized(CurrentToken, { method: 'GET', path: tokenPaths.current })
  }

  /**
   * Opens what the token was made for. Throws TokenError for one without a key, OpenError where what the server gave is not
   * what the key was sealed for, and ProblemError.
   */
  async open(): Promise<TokenAccess> {
    if (!this.#secret) throw new TokenError('The token has no key behind a dot, so that it decrypts nothing')
    const details = await this.details()
    const { accountId, vaultId, vaultKey, keyVersion } = details
    if (vaultId === null || vaultKey === null)
      throw new RefusedError('The server says that the token has no vault, and the token says that it has.')
    const associatedData = tokenVaultKeyAssociatedData(accountId, vaultId, keyVersion)
    const key = await open(await deriveTokenKey(this.#secret), associatedData, vaultKey)
    return new TokenAccess(this.#transport, details, vaultId, key)
  }
}

/** The one vault of a token, with its key in memory. */
export class TokenAccess {
  readonly accountId: string
  readonly scopes: readonly TokenScope[]
  readonly #transport: Transport
  readonly #vaultId: string
  readonly #keyVersion: number
  readonly #key: Uint8Array

  constructor(transport: Transport, details: CurrentToken, vaultId: string, key: Uint8Array) {
    this.accountId = details.accountId
    this.scopes = details.scopes
    this.#transport = transport
    this.#vaultId = vaultId
    this.#keyVersion = details.keyVersion
    this.#key = key
  }

  /**
   * The vault as it is now. Throws OpenError where its data is not sealed with its key.
   * @param signal gives it up, with its reason
   */
  async vault(signal?: AbortSignal): Promise<OpenVault> {
    const vaults = await listVaults(this.#transport, signal)
    const vault = vaults.find(({ id }) => id === this.#vaultId)
    if (!vault) throw new RefusedError('The server does not show the vault that the token is for.')
    return this.openVault(vault)
  }

  /** Every vault that there is for it, as `UnlockedAccount.vaults` has them: the one. */
  async vaults(signal?: AbortSignal): Promise<OpenVault[]> {
    return [await this.vault(signal)]
  }

  /**
   * Keeps a replica of the vault up to date, as `UnlockedAccount.watch` does.
   * @throws ProblemError `not-authenticated` once the token has ended
   */
  watch(options: WatchOptions = {}): AsyncGenerator<WatchEvent, void, undefined> {
    return watch(this.#transport, this, options)
  }

  /** Opens the vault as the server gave it, now or earlier. */
  async openVault(vault: Vault): Promise<OpenVault> {
    if (vault.id !== this.#vaultId)
      throw new RefusedError('The server showed another vault than that of the token.')
    return OpenVault.open(this.#transport, vault, {
      // The bearer has one key, and it is not sealed for the bearer in what the account has of the vault.
      open: async (_sealed, keyVersion) => {
        if (keyVersion !== this.#keyVersion) throw new OpenError()
        return this.#key
      },
      requireNewest: async () => {},
    })
  }
}
