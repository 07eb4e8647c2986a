// The key of an account, in memory: what it opens and seals.
import type { Account, KdfParameters } from '../contract/accounts.ts'
import { accountKeyAssociatedData, vaultKeyAssociatedData } from '../protocol/associated-data.ts'
import { open, seal } from '../protocol/envelope.ts'
import { newKey } from '../protocol/keys.ts'
import { AccountKeyChangedError, ProblemError } from './errors.ts'
import type { AccountKey } from './proofs.ts'
import type { SealedVaultKey } from './vault-keys.ts'

export class HeldAccountKey {
  readonly accountId: string
  readonly #key: AccountKey

  constructor(accountId: string, key: AccountKey) {
    this.accountId = accountId
    this.#key = key
  }

  /** A new key of the same account, which follows this one. */
  next(): HeldAccountKey {
    return new HeldAccountKey(this.accountId, { bytes: newKey(), version: this.version + 1 })
  }

  /** The key itself, which is not to be changed, and its version. */
  get key(): AccountKey {
    return this.#key
  }

  /** Which account key it is: 1, and one more after each change. */
  get version(): number {
    return this.#key.version
  }

  /** As requests take it: the first version is left out, so that servers without versions take it too. */
  get versionToSend() {
    return this.version === 1 ? undefined : { accountKeyVersion: this.version }
  }

  /** Throws OpenError. */
  openVaultKey(vaultId: string, { key, keyVersion }: SealedVaultKey): Promise<Uint8Array> {
    return open(this.#key.bytes, vaultKeyAssociatedData(this.accountId, vaultId, keyVersion), key)
  }

  sealVaultKey(
    vaultId: string,
    { bytes, keyVersion }: { bytes: Uint8Array; keyVersion: number },
  ): Promise<string> {
    return seal(this.#key.bytes, vaultKeyAssociatedData(this.accountId, vaultId, keyVersion), bytes)
  }

  /** Seals it with a key of the password. @param kdf how that was derived */
  sealedBy(wrapKey: Uint8Array, kdf: KdfParameters): Promise<string> {
    return seal(wrapKey, accountKeyAssociatedData(this.accountId, kdf, this.version), this.#key.bytes)
  }

  /** Throws AccountKeyChangedError if the account has a newer key than this one. */
  requireNewest({ accountKeyVersion }: Pick<Account, 'accountKeyVersion'>): void {
    if (accountKeyVersion > this.version) throw new AccountKeyChangedError()
  }

  /** What a server says of an account key that another device changed, in the words for it; every other error as it is. */
  changedElsewhere(error: unknown): unknown {
    return error instanceof ProblemError && (error.accountKeyVersion ?? this.version) !== this.version
      ? new AccountKeyChangedError()
      : error
  }
}
