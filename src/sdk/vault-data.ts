// A vault's own data, such as its name, and the vault as the server shows it (docs/protocol.md, "Vault data").
import type { VaultContent } from '../contract/content.ts'
import { pathTo, vaultPaths } from '../contract/paths.ts'
import { Vault } from '../contract/vaults.ts'
import { vaultDataAssociatedData } from '../protocol/associated-data.ts'
import { OpenError } from '../protocol/envelope.ts'
import { editsIn, encodeContent, readVaultContent, sameContent } from '../protocol/item-content.ts'
import { RefusedError } from '../protocol/refused.ts'
import { OlderVaultError, ProblemError } from './errors.ts'
import { findVault } from './pages.ts'
import { refuseOther } from './refusals.ts'
import { ifMatch } from './request.ts'
import { countsOn } from './rollback.ts'
import type { Transport } from './transport.ts'
import type { SealedData, VaultKeys } from './vault-keys.ts'

/** How often a rename is tried again while items are being written, or the key is being changed. */
const renameTries = 10

const vaultIn = (error: unknown): Vault | undefined =>
  error instanceof ProblemError ? Vault.safeParse(error.current).data : undefined

const openData = (
  keys: VaultKeys,
  { id, data, dataKeyVersion }: Pick<Vault, 'id' | 'data' | 'dataKeyVersion'>,
): Promise<Uint8Array> => keys.open(dataKeyVersion, vaultDataAssociatedData(id), data)

export class VaultData {
  readonly #transport: Transport
  readonly #keys: VaultKeys
  #vault: Vault
  #content: VaultContent
  #edits: number
  #refreshing: Promise<void> | undefined

  private constructor(
    { transport, vault, keys }: { transport: Transport; vault: Vault; keys: VaultKeys },
    { content, edits }: { content: VaultContent; edits: number },
  ) {
    this.#transport = transport
    this.#keys = keys
    this.#vault = vault
    this.#content = content
    this.#edits = edits
  }

  /** Throws OpenError where the data is not sealed with the vault's keys, and ContentError where it is malformed. */
  static async open(transport: Transport, vault: Vault, keys: VaultKeys): Promise<VaultData> {
    return new VaultData({ transport, vault, keys }, readVaultContent(await openData(keys, vault)))
  }

  /** Without the counter. */
  get content(): VaultContent {
    return this.#content
  }

  /** The vault as the server gave it when it was last looked at. */
  get sealed(): Vault {
    return this.#vault
  }

  /** Looks at the vault again: its keys, and its own data. Throws as `open` does, and RefusedError where they go back. */
  async refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #refresh(): Promise<void> {
    const [vault] = await Promise.all([
      findVault(this.#transport, this.#vault.id),
      this.#keys.requireNewest(),
    ])
    await this.take(vault)
  }

  /** Takes the vault as the server showed it just now. Throws as `refresh` does. */
  async take(vault: Vault): Promise<void> {
    refuseOther(vault, this.#vault.id)
    await this.#keys.take(vault)
    if (vault.revision < this.#vault.revision) return
    if (vault.data !== this.#vault.data) {
      const { content, edits } = readVaultContent(await openData(this.#keys, vault))
      if (!countsOn(this.#edits, edits)) throw new OlderVaultError()
      this.#content = content
      this.#edits = edits
    }
    this.#vault = vault
  }

  /**
   * Renames the vault, keeping whatever else its data holds. Throws ProblemError `revision-conflict` if its data was replaced
   * in the meantime; that items were written, which raises its revision too, is no conflict, nor is a change of its key.
   */
  async rename(name: string): Promise<void> {
    await this.#replaceContent({ ...this.#content, name }, this.#edits + 1)
  }

  /**
   * Writes data that this vault had over what the server shows. It counts on from both. Throws as `rename` does.
   * @param known the data of before, which was of this vault too
   */
  async putBack(known: Pick<Vault, 'data' | 'dataKeyVersion'>): Promise<void> {
    const { content, edits } = readVaultContent(await openData(this.#keys, { ...this.#vault, ...known }))
    await this.#replaceContent(content, Math.max(edits, this.#edits) + 1)
  }

  /** Seals the data under the newest key, if it is not yet. Throws as `rename` does. */
  async reseal(): Promise<void> {
    if (this.#vault.dataKeyVersion < this.#keys.newest)
      await this.#replaceContent(this.#content, this.#edits + 1)
  }

  /**
   * Refuses the data that the server gave of this vault if it is older than what was known of it. Throws OlderVaultError.
   * @param known the data of before, which was of this vault too
   */
  async refuseOlder({ data, dataKeyVersion }: Pick<Vault, 'data' | 'dataKeyVersion'>): Promise<void> {
    if (data === this.#vault.data) return
    let before: number
    try {
      before = editsIn(await openData(this.#keys, { id: this.#vault.id, data, dataKeyVersion }))
    } catch (error) {
      // Under a key of before, which opens no more since the account key was changed, there is nothing to compare with.
      if (error instanceof OpenError && dataKeyVersion < this.#keys.newest) return
      throw error
    }
    if (!countsOn(before, this.#edits)) throw new OlderVaultError()
  }

  async #replaceContent(content: VaultContent, edits: number): Promise<void> {
    for (let tries = 0, count = edits; ; tries++) {
      const plaintext = encodeContent(content, count)
      const sealed = await this.#keys.seal(vaultDataAssociatedData(this.#vault.id), plaintext)
      try {
        await this.#replace(sealed)
        this.#content = content
        this.#edits = count
        return
      } catch (error) {
        const current = vaultIn(error)
        if (!current || tries === renameTries) throw error
        refuseOther(current, this.#vault.id)
        await this.#keys.take(current)
        if (current.data !== this.#vault.data) {
          // Only what another client sealed under the next key is no conflict.
          if (current.dataKeyVersion <= this.#vault.dataKeyVersion) throw error
          const shown = readVaultContent(await openData(this.#keys, current)).content
          const isDone = sameContent(shown, content)
          if (!isDone && !sameContent(shown, this.#content)) throw error
          await this.take(current)
          if (isDone) return
        } else this.#vault = current
        count = Math.max(count, this.#edits + 1)
      }
    }
  }

  async #replace(sealed: SealedData): Promise<void> {
    const vault = await this.#transport
      .sendAuthorized(Vault, {
        method: 'PUT',
        path: pathTo(vaultPaths.vault, { vaultId: this.#vault.id }),
        headers: ifMatch(this.#vault.revision),
        body: sealed,
      })
      .catch((error: unknown) => {
        // The very same data is this write's own, whose answer was lost.
        const current = vaultIn(error)
        if (current?.data === sealed.data) return current
        throw error
      })
    refuseOther(vault, this.#vault.id)
    await this.#keys.take(vault)
    if (vault.data !== sealed.data)
      throw new RefusedError('The server answered with another vault than was written.')
    this.#vault = vault
  }
}
