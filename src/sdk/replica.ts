// A local copy of a vault, sealed as the server has it, that follows the vault's changes.
import * as z from 'zod'
import type { AttachedFile } from '../contract/content.ts'
import { KeyVersion, Revision, Sealed, SealedKey } from '../contract/primitives.ts'
import { type Item, ItemState } from '../contract/vaults.ts'
import { OlderVaultError } from './errors.ts'
import { endlessList, ListLength } from './refusals.ts'
import { refuseRollback } from './rollback.ts'
import type { OpenVault } from './vault.ts'
import { keyVersionOf } from './vault-keys.ts'

/** What a program stores of a replica. It is ciphertext: without the vault's key it tells nothing but ids and times. */
export const ReplicaState = z.object({
  cursor: z.string().optional(),
  items: z.array(ItemState),
  /** States that the server shows and that were not taken over. */
  refused: z.array(ItemState).optional(),
  /** The vault's own data, as it was last seen. */
  vault: z
    .object({
      revision: Revision,
      data: Sealed,
      dataKeyVersion: KeyVersion.default(1),
      /** The newest key that was seen: the server must not go back behind it. */
      keyVersion: KeyVersion.default(1),
      /** The vault's keys as the server gave them: the newest one, and those that something here still lies under. */
      keys: z.array(z.object({ keyVersion: KeyVersion, key: SealedKey })).default([]),
    })
    .optional(),
})
export type ReplicaState = z.infer<typeof ReplicaState>

export interface PullResult {
  /** Ids of what changed, in the order of its revisions. */
  readonly changed: string[]
  /** Ids of all items of which the server shows a state that was not taken over, now or before: see `Replica.refused`. */
  readonly refused: string[]
}

const sizeOf = (state: ItemState) => ('data' in state ? state.data.length : (state.marker?.length ?? 0))

export class Replica {
  readonly #items: Map<string, ItemState>
  readonly #refused: Map<string, ItemState>
  #vault: ReplicaState['vault']
  #cursor: string | undefined

  /** @param state what an earlier one exported; nothing for a first pull */
  constructor({ cursor, items, refused = [], vault }: ReplicaState = { items: [] }) {
    this.#items = new Map(items.map((item) => [item.id, item]))
    this.#refused = new Map(refused.map((item) => [item.id, item]))
    this.#vault = vault
    this.#cursor = cursor
  }

  export(): ReplicaState {
    return {
      ...(this.#cursor !== undefined && { cursor: this.#cursor }),
      items: [...this.#items.values()],
      ...(this.#refused.size > 0 && { refused: [...this.#refused.values()] }),
      ...(this.#vault && { vault: { ...this.#vault, keys: this.#keysInUse(this.#vault) } }),
    }
  }

  /** Up to where it has come, for `OpenVault.changes`; undefined before the first pull. */
  get cursor(): string | undefined {
    return this.#cursor
  }

  /** The newest revision of the vault that came in; 0 before the first pull. */
  get revision(): number {
    let newest = this.#vault?.revision ?? 0
    for (const states of [this.#items, this.#refused])
      for (const { revision } of states.values()) newest = Math.max(newest, revision)
    return newest
  }

  /** The vault's own data, sealed, as it was last pulled; undefined before that. */
  get vaultData(): string | undefined {
    return this.#vault?.data
  }

  #keysInUse({ keys, keyVersion, dataKeyVersion }: NonNullable<ReplicaState['vault']>) {
    const states = [...this.#items.values(), ...this.#refused.values()]
    const used = new Set([keyVersion, dataKeyVersion, ...states.map(keyVersionOf)])
    return keys.filter((key) => used.has(key.keyVersion))
  }

  /** What stands under each id: the items, in the trash or not, and the tombstones. */
  get states(): ReadonlyMap<string, ItemState> {
    return this.#items
  }

  /** The items that are there, in the trash or not, by id. Tombstones are left out. */
  get items(): ReadonlyMap<string, Item> {
    return new Map([...this.#items].flatMap(([id, item]) => ('data' in item ? [[id, item] as const] : [])))
  }

  /**
   * What the server shows in place of what is here, and what no client of the owner can have made of it: an older state under a new
   * revision, something that does not open, or a deletion without its marker. The copy stays until the person decides: `accept`
   * or `putBack`.
   */
  get refused(): ReadonlyMap<string, ItemState> {
    return this.#refused
  }

  /**
   * Takes in everything that changed since the last time. Throws ResyncRequiredError, after which `resync` is next, and
   * RefusedError where the server goes back in its revisions, or with the vault's own data (OlderVaultError), or gives a list that never
   * ends.
   * @param vault as the server showed it just now
   * @param onProgress told after each page how many changes have come in so far
   * @param signal gives it up after the last whole page, with its reason
   */
  async pull(
    vault: OpenVault,
    onProgress: (changes: number) => void = () => {},
    signal?: AbortSignal,
  ): Promise<PullResult> {
    for (const item of this.items.values()) vault.notice(item)
    await vault.keys.recall(this.#vault?.keys ?? [])
    const changed: string[] = []
    const length = new ListLength()
    let revision = 0
    for (;;) {
      const { items, cursor, more } = await vault.changes(this.#cursor, signal)
      await this.#takeVault(vault)
      for (const item of items) {
        // In the order of revisions, so that none comes again and again.
        if (item.revision < revision) throw endlessList()
        revision = item.revision
      }
      length.add(
        items.length,
        items.reduce((sum, item) => sum + sizeOf(item), 0),
      )
      if (more && (items.length === 0 || cursor === this.#cursor)) throw endlessList()
      await this.#takePage(items, vault)
      this.#cursor = cursor
      changed.push(...items.map(({ id }) => id))
      onProgress(changed.length)
      if (!more) return { changed, refused: [...this.#refused.keys()] }
    }
  }

  async #takeVault(vault: OpenVault) {
    if (this.#vault) {
      // Opened before what is known here, such as a change of its key, it is looked at again before the server is blamed.
      if (vault.sealed.revision < this.#vault.revision) await vault.refresh()
      vault.keys.refuseOlder(this.#vault.keyVersion)
      await vault.data.refuseOlder(this.#vault)
    }
    this.acceptVault(vault)
  }

  /** Takes over the vault's own data as the server shows it, also if it is older: the next `pull` is not refused for it. */
  acceptVault(vault: OpenVault): void {
    const { revision, data, dataKeyVersion } = vault.sealed
    const keys = vault.keys.all
    this.#vault = { revision, data, dataKeyVersion, keyVersion: vault.keys.newest, keys }
  }

  /** Writes the vault's own data of the last pull again, if the server shows an older state in its place. Throws as `OpenVault.rename` does. */
  async putVaultBack(vault: OpenVault): Promise<void> {
    if (!this.#vault) return
    try {
      await vault.keys.recall(this.#vault.keys)
      await vault.data.refuseOlder(this.#vault)
    } catch (error) {
      if (!(error instanceof OlderVaultError)) throw error
      await vault.data.putBack(this.#vault)
    }
  }

  /** All of a page or nothing of it. */
  async #takePage(items: readonly ItemState[], vault: OpenVault) {
    for (const item of items) refuseRollback(this.#items.get(item.id), item)
    const taken = await Promise.all(
      items.map(async (item) => {
        const known = this.#items.get(item.id) ?? vault.lastSeen(item.id)
        // So that what is created anew under the id counts on.
        if ('purged' in item && !known) await vault.seals.editsOf(item)
        return { item, known, follows: known === undefined || (await vault.seals.follows(known, item)) }
      }),
    )
    for (const { item, known, follows } of taken) {
      if (follows) this.#take(item, vault)
      else {
        if (known) this.#items.set(item.id, known)
        this.#refused.set(item.id, item)
      }
    }
  }

  #take(item: ItemState, vault: OpenVault) {
    this.#refused.delete(item.id)
    this.#items.set(item.id, item)
    if ('data' in item) vault.notice(item)
  }

  /** Takes over what the server shows, because the person knows why it is so. The copy here is lost. */
  accept(vault: OpenVault, itemId: string): void {
    const shown = this.#refused.get(itemId)
    if (!shown) return
    vault.forget(itemId)
    this.#take(shown, vault)
  }

  /**
   * Writes the copy that is here over what the server shows in its place; the next pull takes that in. Throws ConflictError where
   * the server has something else by now, and ContentError for a copy that is malformed.
   * @returns files of the copy that the server does not have any more, and that are lost
   */
  async putBack(vault: OpenVault, itemId: string): Promise<readonly AttachedFile[]> {
    const [shown, known] = [this.#refused.get(itemId), this.#items.get(itemId)]
    if (!shown || !known) return []
    // Opened for its counter: what is written counts on from both.
    await vault.seals.follows(known, shown)
    if ('purged' in known) {
      await vault.purge(itemId, shown.revision)
      return []
    }
    const { content, deletedAt } = await vault.openItem(known)
    vault.forget(itemId)
    // Over a tombstone too: what was deleted for good comes back only by its revision.
    const headers = { 'If-Match': `"${shown.revision}"` }
    const lost = await vault.putContentBack(itemId, content, headers)
    if (deletedAt !== null) await vault.trash(itemId)
    else if ('data' in shown && shown.deletedAt !== null) await vault.restore(itemId)
    return lost
  }

  /**
   * Pulls everything anew after the server's history changed (a restored backup), keeping what the server lost.
   * @returns the items that were here in a state which the server does not have any more: they are still in no place but
   * here, and `OpenVault.putSealed` puts them back
   */
  async resync(vault: OpenVault, onProgress: (changes: number) => void = () => {}): Promise<Item[]> {
    vault.startOver()
    await vault.keys.recall(this.#vault?.keys ?? [])
    const fresh = new Replica()
    await fresh.pull(vault, onProgress)
    const lost: Item[] = []
    for (const item of this.items.values())
      if (await isLost(item, fresh.#items.get(item.id), vault)) lost.push(item)
    this.#items.clear()
    for (const [id, item] of fresh.#items) this.#items.set(id, item)
    this.#refused.clear()
    this.#vault = fresh.#vault
    this.#cursor = fresh.#cursor
    return lost
  }
}

/**
 * Whether the server has no trace of an item's content. Revisions of two histories do not compare: after a backup was
 * restored, an edit can have reached a revision as high as that of the content which the backup had not. So the counters are
 * asked, and the versions, where the contents differ. A server that lies about its history can give versions for it, but no
 * counter, and no marker of a deletion.
 */
async function isLost(item: Item, now: ItemState | undefined, vault: OpenVault): Promise<boolean> {
  if (!now || !(await vault.seals.follows(item, now))) return true
  if (!('data' in now) || now.data === item.data) return false
  if (now.revision < item.revision) return true
  const versions = await vault.versions(item.id)
  return !versions.some(({ data }) => data === item.data)
}
