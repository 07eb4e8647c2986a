// The keys of one vault: the present one, the one that is to follow while the key is being changed, and those of before that this client
// still has (docs/protocol.md, "Changing keys").
import type { Vault } from '../contract/vaults.ts'
import type { AssociatedData } from '../protocol/associated-data.ts'
import { OpenError, open, seal } from '../protocol/envelope.ts'
import { RefusedError } from '../protocol/refused.ts'

/** How a client gets from what a server gives to a vault's key. */
export interface KeyOpener {
  /** Opens a vault's key in the context of this version. Throws OpenError. */
  open(sealed: string, keyVersion: number): Promise<Uint8Array>
  /**
   * Called before a vault is asked for again: throws where its key could not be opened. Not asked once it did not open: a server must
   * not learn what does.
   */
  requireNewest(): Promise<void>
}

/** A vault's key as the server gave it. */
export interface SealedVaultKey {
  readonly keyVersion: number
  readonly key: string
}

/** What was sealed, and with which of the vault's keys; to be spread into a request. Without a version it is the first one. */
export interface SealedData {
  readonly data: string
  readonly keyVersion?: number
}

interface HeldKey {
  readonly bytes: Uint8Array
  readonly sealed: string
}

const equalKeys = (left: Uint8Array, right: Uint8Array) =>
  left.length === right.length && left.every((byte, at) => byte === right[at])

const olderKey = () =>
  new RefusedError(
    'The server shows a vault with an older key than before. It was restored from a backup, or it is not honest. Nothing was written.',
  )

const otherKey = () =>
  new RefusedError(
    'The server shows another key of a vault than before, under the same version. It is not honest. Nothing was written.',
  )

/** Under which key something lies: what was sealed before there were versions lies under the first one. */
export const keyVersionOf = ({ keyVersion = 1 }: { readonly keyVersion?: number | undefined }) => keyVersion

/** As requests take it: the first version is left out, so that servers without versions take it too. */
const versionToSend = (keyVersion: number) => (keyVersion === 1 ? undefined : { keyVersion })

export class VaultKeys {
  readonly #opener: KeyOpener
  /** By version, as the server gave them. */
  readonly #held = new Map<number, HeldKey>()
  /** By version, from an earlier run. One can differ from that of the server: after a restored backup there are two histories. */
  readonly #recalled = new Map<number, HeldKey>()
  #writing = 0
  /** The version below which the server must not go. */
  #floor = 0
  #revision = 0

  private constructor(opener: KeyOpener) {
    this.#opener = opener
  }

  /** The keys of a vault as the server gave it. Throws OpenError. */
  static async of(vault: Vault, opener: KeyOpener): Promise<VaultKeys> {
    const keys = new VaultKeys(opener)
    await keys.take(vault)
    return keys
  }

  /** The newest version that opened: what is written is sealed under it. */
  get newest(): number {
    return this.#writing
  }

  /** The key of a version, 32 bytes. Throws OpenError for one that this client does not have. */
  bytesOf(keyVersion: number): Uint8Array {
    const held = this.#held.get(keyVersion) ?? this.#recalled.get(keyVersion)
    if (!held) throw new OpenError()
    return held.bytes
  }

  /**
   * Takes the keys of the vault as the server shows it. The next key is taken if it opens; otherwise nothing is sealed under it.
   *
   * @throws RefusedError for an older key than before, and for another one under the same version
   * @throws OpenError for a present key that does not open
   */
  async take(vault: Vault): Promise<void> {
    // Answers to requests that were under way together come in any order.
    if (vault.revision < this.#revision) return
    const { key, keyVersion, rotation } = vault
    const next = rotation && rotation.keyVersion === keyVersion + 1 ? rotation : undefined
    if ((next?.keyVersion ?? keyVersion) < this.#floor) throw olderKey()
    await this.#hold({ key, keyVersion })
    const hasNext = next !== undefined && (await this.#holdIfItOpens(next))
    const writing = hasNext ? next.keyVersion : keyVersion
    if (writing < this.#floor) throw olderKey()
    this.#writing = writing
    this.#floor = writing
    this.#revision = vault.revision
  }

  async #hold({ key, keyVersion }: SealedVaultKey): Promise<void> {
    const held = this.#held.get(keyVersion)
    if (held?.sealed === key) return
    const bytes = await this.#opener.open(key, keyVersion)
    // Sealed anew when the account key changed, it still has to be the same one.
    if (held && !equalKeys(held.bytes, bytes)) throw otherKey()
    this.#held.set(keyVersion, { bytes, sealed: key })
  }

  async #holdIfItOpens(next: SealedVaultKey): Promise<boolean> {
    try {
      await this.#hold(next)
      return true
    } catch (error) {
      if (error instanceof OpenError) return false
      throw error
    }
  }

  /** Throws where the keys of the server could not be opened, because the account key was changed elsewhere. */
  requireNewest(): Promise<void> {
    return this.#opener.requireNewest()
  }

  /** Takes keys from an earlier run, to open what lies under them; those that do not open any more are passed over. */
  async recall(keys: readonly SealedVaultKey[]): Promise<void> {
    for (const { key, keyVersion } of keys) {
      if (this.#recalled.get(keyVersion)?.sealed === key) continue
      try {
        const bytes = await this.#opener.open(key, keyVersion)
        this.#recalled.set(keyVersion, { bytes, sealed: key })
      } catch (error) {
        if (!(error instanceof OpenError)) throw error
      }
    }
  }

  /** After a resync, of which the person was told: the server may have older keys, or others. Those of before still open. */
  startOver(): void {
    for (const [keyVersion, key] of this.#held) this.#recalled.set(keyVersion, key)
    this.#held.clear()
    this.#floor = 0
    this.#revision = 0
  }

  /** Refuses keys of the server that are older than those that were recalled, or differ from them. Throws RefusedError. @param newest of the earlier run */
  refuseOlder(newest: number): void {
    if (this.#writing < newest) throw olderKey()
    for (const [keyVersion, { bytes }] of this.#recalled) {
      const held = this.#held.get(keyVersion)
      if (held && !equalKeys(held.bytes, bytes)) throw otherKey()
    }
  }

  /** Those of lower versions than this one, newest first. */
  before(keyVersion: number): { readonly key: Uint8Array; readonly keyVersion: number }[] {
    return [...this.#recalled, ...this.#held]
      .flatMap(([version, { bytes }]) => (version < keyVersion ? [{ key: bytes, keyVersion: version }] : []))
      .toSorted((left, right) => right.keyVersion - left.keyVersion)
  }

  /** All of them, as they were given: for a later run. */
  get all(): SealedVaultKey[] {
    const all = new Map([...this.#recalled, ...this.#held])
    return [...all].map(([keyVersion, { sealed }]) => ({ keyVersion, key: sealed }))
  }

  /** Seals with the newest key. */
  async seal(associatedData: AssociatedData, plaintext: Uint8Array): Promise<SealedData> {
    const keyVersion = this.#writing
    const data = await seal(this.bytesOf(keyVersion), associatedData, plaintext)
    return { data, ...versionToSend(keyVersion) }
  }

  /** Opens with the key of this version. Throws OpenError, also if this client does not have that key. */
  async open(keyVersion: number, associatedData: AssociatedData, sealed: string): Promise<Uint8Array> {
    const [held, recalled] = [this.#held.get(keyVersion), this.#recalled.get(keyVersion)]
    const differs = held && recalled && !equalKeys(held.bytes, recalled.bytes)
    try {
      return await open(this.bytesOf(keyVersion), associatedData, sealed)
    } catch (error) {
      if (differs && error instanceof OpenError) return open(recalled.bytes, associatedData, sealed)
      throw error
    }
  }
}
