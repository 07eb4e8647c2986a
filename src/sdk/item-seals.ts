// Seals and opens the items of one vault, and counts their edits, so that a server cannot go back behind what was seen
// (docs/protocol.md, "What a client must refuse").
import type { ItemContent, UnknownContent } from '../contract/content.ts'
import type { Item, ItemState, Operation } from '../contract/vaults.ts'
import { type AssociatedData, itemAssociatedData, purgeAssociatedData } from '../protocol/associated-data.ts'
import { OpenError } from '../protocol/envelope.ts'
import {
  editsIn,
  encodeContent,
  parseItemContent,
  readItemContent,
  recount,
} from '../protocol/item-content.ts'
import { RefusedError } from '../protocol/refused.ts'
import type { OpenItem } from './open-item.ts'
import { countsOn } from './rollback.ts'
import { keyVersionOf, type SealedData, type VaultKeys } from './vault-keys.ts'

export type ResealOperation = Extract<Operation, { op: 'reseal' }>

/** An envelope, and which key it lies under: of an item, or of one of its versions. */
type Sealed = Pick<Item, 'data' | 'keyVersion'>

export class ItemSeals {
  readonly #vaultId: string
  readonly #keys: VaultKeys
  /** Looks for keys that are newer. */
  readonly #refresh: () => Promise<void>
  /** The highest counter of each item that was opened or sealed here: the next envelope counts on from it. */
  readonly #counters = new Map<string, number>()

  constructor(vaultId: string, keys: VaultKeys, refresh: () => Promise<void>) {
    this.#vaultId = vaultId
    this.#keys = keys
    this.#refresh = refresh
  }

  /** Whether a state of the item was opened or sealed here. */
  knows(itemId: string): boolean {
    return this.#counters.has(itemId)
  }

  /** Throws RefusedError for an item of another vault. */
  requireOwn(item: ItemState): void {
    if ('vaultId' in item && item.vaultId !== this.#vaultId)
      throw new RefusedError('The server showed an item of another vault.')
  }

  /** Seals content under the newest key. It counts on from the states of the item that were opened here. */
  seal(itemId: string, content: ItemContent | UnknownContent): Promise<SealedData> {
    const encoded = encodeContent(content, this.#count(itemId))
    return this.#keys.seal(itemAssociatedData(this.#vaultId, itemId), encoded)
  }

  /** Seals the marker that shows other devices that this account deleted the item. It counts on, as `seal` does. */
  sealPurge(itemId: string): Promise<SealedData> {
    const marker = new TextEncoder().encode(JSON.stringify({ edits: this.#count(itemId) }))
    return this.#keys.seal(purgeAssociatedData(this.#vaultId, itemId), marker)
  }

  /**
   * What is in a state, sealed anew under the newest key, with a higher counter. Malformed content stays as it is, byte for byte if it
   * holds no counter. A marker that does not open becomes one that shows nothing.
   *
   * @returns undefined where nothing is sealed under an older key
   * @throws OpenError for an item that does not open, and ContentError for a number that this program cannot keep
   */
  async reseal(state: ItemState): Promise<ResealOperation | undefined> {
    const keyVersion = this.#keys.newest
    const { id, revision } = state
    const { associatedData, sealed } = this.#partsOf(state)
    if (sealed === undefined || keyVersionOf(state) >= keyVersion) return undefined
    let plaintext: Uint8Array
    try {
      plaintext = await this.#keys.open(keyVersionOf(state), associatedData, sealed)
    } catch (error) {
      if (!('purged' in state && error instanceof OpenError)) throw error
      plaintext = new TextEncoder().encode('{"edits":0}')
      const { data } = await this.#keys.seal(associatedData, plaintext)
      return { op: 'reseal', id, revision, data, keyVersion }
    }
    this.#counted(id, editsIn(plaintext))
    const { data } = await this.#keys.seal(associatedData, recount(plaintext, this.#count(id)))
    return { op: 'reseal', id, revision, data, keyVersion }
  }

  /** Opens an item that came from the server, now or earlier. Throws OpenError, ContentError and RefusedError. */
  async open(item: Item): Promise<OpenItem> {
    this.requireOwn(item)
    const { id, revision, createdAt, updatedAt, deletedAt } = item
    const { content } = readItemContent(await this.#plaintextOf(id, item))
    return { id, revision, createdAt, updatedAt, deletedAt, content }
  }

  /** Opens a content that was replaced. Throws OpenError and ContentError. */
  async openVersion(itemId: string, version: Sealed): Promise<ItemContent | UnknownContent> {
    return parseItemContent(await this.#plaintextOf(itemId, version))
  }

  async #plaintextOf(itemId: string, sealed: Sealed): Promise<Uint8Array> {
    const associatedData = itemAssociatedData(this.#vaultId, itemId)
    const plaintext = await this.#open(keyVersionOf(sealed), associatedData, sealed.data)
    this.#counted(itemId, editsIn(plaintext))
    return plaintext
  }

  /**
   * The counter of a state, which what is sealed next counts on from.
   * @returns undefined where nothing in it is sealed for this item
   */
  async editsOf(state: ItemState): Promise<number | undefined> {
    const { associatedData, sealed } = this.#partsOf(state)
    if (sealed === undefined) return undefined
    try {
      return this.#counted(state.id, editsIn(await this.#open(keyVersionOf(state), associatedData, sealed)))
    } catch (error) {
      if (error instanceof OpenError) return undefined
      throw error
    }
  }

  /**
   * Whether an owner's client can have made `shown` out of `known`: by its counter, and for a deletion by its marker. A server
   * can neither raise a counter nor make a marker; it can only show again what there was.
   */
  async follows(known: ItemState, shown: ItemState): Promise<boolean> {
    if ('data' in known && 'data' in shown && known.data === shown.data) return true
    if ('purged' in known && 'purged' in shown) return true
    const [before, now] = [await this.editsOf(known), await this.editsOf(shown)]
    // What does not open here has nothing to be compared with, and is replaced by anything that does.
    if (before === undefined) return true
    if (now === undefined) return false
    return 'purged' in shown ? now > before : countsOn(before, now)
  }

  /** What is sealed in a state, and for what: the content of an item, or the marker of a deletion. */
  #partsOf(state: ItemState): { associatedData: AssociatedData; sealed: string | undefined } {
    return 'data' in state
      ? { associatedData: itemAssociatedData(this.#vaultId, state.id), sealed: state.data }
      : { associatedData: purgeAssociatedData(this.#vaultId, state.id), sealed: state.marker }
  }

  /** Opens what lies under a key of this version; looks for a key that this client does not know yet. Throws OpenError. */
  async #open(keyVersion: number, associatedData: AssociatedData, sealed: string): Promise<Uint8Array> {
    if (keyVersion > this.#keys.newest) await this.#refresh()
    return this.#keys.open(keyVersion, associatedData, sealed)
  }

  /** The next counter of an item. One that is not written in the end leaves a gap, which harms nothing. */
  #count(itemId: string): number {
    const next = (this.#counters.get(itemId) ?? 0) + 1
    this.#counters.set(itemId, next)
    return next
  }

  #counted(itemId: string, edits: number): number {
    this.#counters.set(itemId, Math.max(edits, this.#counters.get(itemId) ?? 0))
    return edits
  }
}
