// What a client asks about the items of a vault, and what it refuses of the answers: other items than it asked for, and states from
// before what it has seen.
import { itemPaths, pathTo, vaultPaths } from '../contract/paths.ts'
import { limits } from '../contract/sizes.ts'
import { BatchResult, Changes, Item, type Operation, Tombstone } from '../contract/vaults.ts'
import { OpenError } from '../protocol/envelope.ts'
import { RefusedError } from '../protocol/refused.ts'
import { ConflictError, ProblemError, ResyncRequiredError } from './errors.ts'
import type { ItemSeals } from './item-seals.ts'
import { refuseOther } from './refusals.ts'
import type { Request } from './request.ts'
import { goesBack, refuseRollback } from './rollback.ts'
import type { Transport } from './transport.ts'
import { keyVersionOf } from './vault-keys.ts'

export class ItemRequests {
  readonly #transport: Transport
  readonly #vaultId: string
  readonly #seals: ItemSeals
  /** The newest state seen of each item, to notice a server that goes back behind it. */
  readonly #seen = new Map<string, Item>()

  constructor(transport: Transport, vaultId: string, seals: ItemSeals) {
    this.#transport = transport
    this.#vaultId = vaultId
    this.#seals = seals
  }

  /**
   * Asks for one item, and refuses another one, or a state from before what was known when it was asked: answers to requests
   * that were under way together may come in any order.
   * @param written the data that the request writes, which the answer then has to show
   */
  async fetch(itemId: string, request: Request, written?: string): Promise<Item> {
    const known = this.#seen.get(itemId)
    const item = await this.#transport.sendAuthorized(Item, request)
    refuseOther(item, itemId)
    this.#seals.requireOwn(item)
    if (written !== undefined && item.data !== written)
      throw new RefusedError('The server answered with other data than was written.')
    refuseRollback(known, item)
    if (known && !(await this.#seals.follows(known, item))) throw await this.#refusal(item)
    this.notice(item)
    return item
  }

  /** Looks at an item, so that what is sealed next counts on from it. @returns undefined where there is none */
  async lookAt(itemId: string): Promise<Item | undefined> {
    try {
      const item = await this.fetch(itemId, { method: 'GET', path: this.pathTo(itemId) })
      await this.#seals.editsOf(item)
      return item
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'not-found') return undefined
      throw error
    }
  }

  /** Asks for a change of one item. Throws ConflictError, and what `fetch` throws. */
  async change(itemId: string, request: Request): Promise<Item> {
    try {
      return await this.fetch(itemId, request)
    } catch (error) {
      throw await this.conflict(itemId, error)
    }
  }

  /** A `revision-conflict` as a ConflictError with the item in clear; every other error as it is. */
  async conflict(itemId: string, error: unknown): Promise<unknown> {
    if (!(error instanceof ProblemError) || error.code !== 'revision-conflict' || !error.current) return error
    refuseOther(error.current, itemId)
    const item = Item.safeParse(error.current)
    const tombstone = Tombstone.safeParse(error.current)
    if (tombstone.success) await this.#seals.editsOf(tombstone.data)
    const known = this.#seen.get(itemId)
    if (item.success && known && !(await this.#seals.follows(known, item.data)))
      return this.#refusal(item.data)
    return new ConflictError(
      error.current.revision,
      item.success ? await this.#seals.open(item.data) : undefined,
      keyVersionOf(error.current),
    )
  }

  /** Why a state does not follow what is known: it does not open, or it is older. */
  async #refusal(item: Item): Promise<Error> {
    return (await this.#seals.editsOf(item)) === undefined ? new OpenError() : goesBack()
  }

  /** Remembers a state that was taken over, for comparing later answers with it. */
  notice(item: Item): void {
    if (item.revision > (this.#seen.get(item.id)?.revision ?? 0)) this.#seen.set(item.id, item)
  }

  /** What was last seen of an item through this object. */
  lastSeen(itemId: string): Item | undefined {
    return this.#seen.get(itemId)
  }

  /** Forgets what was seen of an item, because the person takes what the server shows instead. */
  forget(itemId: string): void {
    this.#seen.delete(itemId)
  }

  /** Forgets what was seen of all items: after a resync. */
  startOver(): void {
    this.#seen.clear()
  }

  /**
   * Applies sealed operations, all or none. Throws ProblemError `revision-conflict` with `conflicts`, and RefusedError.
   * @param repeatable whether the very same again does no harm where an answer was lost
   */
  async apply(operations: Operation[], repeatable: boolean): Promise<BatchResult> {
    const result = await this.#transport.sendAuthorized(BatchResult, {
      method: 'POST',
      path: this.#vaultPath(vaultPaths.batch),
      body: { operations },
      repeatable,
    })
    if (result.items.length !== operations.length)
      throw new RefusedError('The server answered with something else than what it was asked for.')
    for (const [index, item] of result.items.entries()) {
      refuseOther(item, operations[index]?.id ?? '')
      this.#seals.requireOwn(item)
    }
    return result
  }

  /**
   * One page of changes since a cursor. Throws ResyncRequiredError, and RefusedError like `fetch`.
   * @param signal gives the request up, with its reason
   */
  async changes(since: string | undefined, signal?: AbortSignal): Promise<Changes> {
    const query = since === undefined ? '' : `?since=${encodeURIComponent(since)}`
    const known = new Map(this.#seen)
    try {
      const changes = await this.#transport.sendAuthorized(Changes, {
        method: 'GET',
        path: `${this.#vaultPath(vaultPaths.changes)}${query}`,
        signal,
      })
      if (changes.items.length > limits.pageItems)
        throw new RefusedError('The server gave a page that is longer than a page may be.')
      for (const item of changes.items) {
        this.#seals.requireOwn(item)
        refuseRollback(known.get(item.id), item)
      }
      return changes
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'resync-required')
        throw new ResyncRequiredError(error.message)
      throw error
    }
  }

  #vaultPath(path: (typeof vaultPaths)['vault' | 'batch' | 'changes']): string {
    return pathTo(path, { vaultId: this.#vaultId })
  }

  /** The path to an item, or to something of it. */
  pathTo(itemId: string, path: (typeof itemPaths)['item' | 'restore' | 'versions'] = itemPaths.item): string {
    return pathTo(path, { vaultId: this.#vaultId, itemId })
  }
}
