// A local copy of a vault, sealed as the server has it, that follows the vault's changes.
import * as z from 'zod'
import { type Item, ItemState } from '../contract/vaults.ts'
import { refuseRollback } from './rollback.ts'
import type { OpenVault } from './vault.ts'

/** What a program stores of a replica. It is ciphertext: without the vault's key it tells nothing but ids and times. */
export const ReplicaState = z.object({ cursor: z.string().optional(), items: z.array(ItemState) })
export type ReplicaState = z.infer<typeof ReplicaState>

export interface PullResult {
  /** Ids of what changed, in the order of its revisions. */
  readonly changed: string[]
}

export class Replica {
  readonly #items: Map<string, ItemState>
  #cursor: string | undefined

  /** @param state what an earlier one exported; nothing for a first pull */
  constructor(state: ReplicaState = { items: [] }) {
    this.#items = new Map(state.items.map((item) => [item.id, item]))
    this.#cursor = state.cursor
  }

  export(): ReplicaState {
    return { ...(this.#cursor !== undefined && { cursor: this.#cursor }), items: [...this.#items.values()] }
  }

  /** The items that are there, in the trash or not, by id. Tombstones are left out. */
  get items(): ReadonlyMap<string, Item> {
    return new Map([...this.#items].flatMap(([id, item]) => ('data' in item ? [[id, item] as const] : [])))
  }

  /**
   * Takes in everything that changed since the last time. Throws ResyncRequiredError, after which `resync` is next, and
   * RefusedError where the server shows an older state of an item than before.
   * @param onProgress told after each page how many changes have come in so far
   */
  async pull(vault: OpenVault, onProgress: (changes: number) => void = () => {}): Promise<PullResult> {
    const changed: string[] = []
    for (;;) {
      const { items, cursor, more } = await vault.changes(this.#cursor)
      for (const item of items) this.#take(item)
      this.#cursor = cursor
      changed.push(...items.map(({ id }) => id))
      onProgress(changed.length)
      if (!more) return { changed }
    }
  }

  #take(item: ItemState) {
    refuseRollback(this.#items.get(item.id), item)
    this.#items.set(item.id, item)
  }

  /**
   * Pulls everything anew after the server's history changed (a restored backup), keeping what the server lost.
   * @returns the items that were here in a state which the server does not have any more: they are still in no place but
   * here, and `OpenVault.putSealed` puts them back
   */
  async resync(vault: OpenVault, onProgress: (changes: number) => void = () => {}): Promise<Item[]> {
    vault.startOver()
    const fresh = new Replica()
    await fresh.pull(vault, onProgress)
    const lost: Item[] = []
    for (const item of this.items.values())
      if (await isLost(item, fresh.#items.get(item.id), vault)) lost.push(item)
    this.#items.clear()
    for (const [id, item] of fresh.#items) this.#items.set(id, item)
    this.#cursor = fresh.#cursor
    return lost
  }
}

/**
 * Whether the server has no trace of an item's content. Revisions of two histories do not compare: after a backup was
 * restored, an edit can have reached a revision as high as that of the content which the backup had not. So the versions are
 * asked, where the contents differ.
 */
async function isLost(item: Item, now: ItemState | undefined, vault: OpenVault): Promise<boolean> {
  if (!now) return true
  if (now.revision < item.revision) return !('data' in now && now.data === item.data)
  if (!('data' in now) || now.data === item.data) return false
  const versions = await vault.versions(item.id)
  return !versions.some(({ data }) => data === item.data)
}
