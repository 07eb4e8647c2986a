// An opened vault: items in clear on this side, sealed on the way out.
import { BatchResult, Changes, Item, ItemVersions, type Operation, Vault } from '../contract/vaults.ts'
import { itemContext, vaultDataContext } from './context.ts'
import { open, seal } from './envelope.ts'
import { ProblemError, RefusedError, ResyncRequiredError } from './errors.ts'
import {
  encodeContent,
  type ItemContent,
  parseItemContent,
  parseVaultContent,
  type UnknownContent,
  type VaultContent,
} from './item-content.ts'
import { readPages } from './pages.ts'
import { refuseOther } from './refusals.ts'
import { refuseRollback } from './rollback.ts'
import type { Request, Transport } from './transport.ts'

/** An item in clear. */
export interface OpenItem {
  readonly id: string
  readonly revision: number
  readonly content: ItemContent | UnknownContent
  readonly createdAt: string
  readonly updatedAt: string
  /** When it went to the trash; null outside of it. */
  readonly deletedAt: string | null
}

/** The write found something else than what it was to replace; nothing was written. */
export class ConflictError extends Error {
  override name = 'ConflictError'
  /** The item as it is now, or undefined where it was deleted for good. */
  readonly current: OpenItem | undefined
  /** The revision to build on: that of the item, or of what is left of it. */
  readonly revision: number

  constructor(revision: number, current: OpenItem | undefined) {
    super(current ? 'The item was changed in the meantime' : 'The item was deleted for good in the meantime')
    this.revision = revision
    this.current = current
  }
}

/** How often a rename is tried again while items are being written. */
const renameTries = 10

const ifMatch = (revision: number | undefined): Record<string, string> =>
  revision === undefined ? {} : { 'If-Match': `"${revision}"` }

export class OpenVault {
  readonly id: string
  readonly #transport: Transport
  readonly #key: Uint8Array
  #vault: Vault
  #content: VaultContent
  /** The newest state seen of each item, to notice a server that goes back behind it. */
  readonly #seen = new Map<string, Item>()

  private constructor(transport: Transport, vault: Vault, key: Uint8Array, content: VaultContent) {
    this.id = vault.id
    this.#transport = transport
    this.#vault = vault
    this.#key = key
    this.#content = content
  }

  /** @param key the vault key, 32 bytes. Throws OpenError where the vault's data is not sealed with it. */
  static async open(transport: Transport, vault: Vault, key: Uint8Array): Promise<OpenVault> {
    const content = parseVaultContent(await open(key, vaultDataContext(vault.id), vault.data))
    return new OpenVault(transport, vault, key, content)
  }

  get name(): string {
    return this.#content.name
  }

  /** As the server had it when it was last looked at. */
  get itemCount(): number {
    return this.#vault.itemCount
  }

  /** As the server gave it when it was last looked at; `UnlockedAccount.openVault` opens it again, without the server. */
  get sealed(): Vault {
    return this.#vault
  }

  /**
   * Renames the vault, keeping whatever else its data holds. Throws ProblemError `revision-conflict` if its data was replaced
   * in the meantime; that items were written, which raises its revision too, is no conflict.
   */
  async rename(name: string): Promise<void> {
    const content = { ...this.#content, name }
    const data = await seal(this.#key, vaultDataContext(this.id), encodeContent(content))
    for (let tries = 0; this.#vault.data !== data; tries++) this.#vault = await this.#replaceData(data, tries)
    this.#content = content
  }

  /** @returns the vault with the new data, or with the data as known and a later revision to replace it from */
  async #replaceData(data: string, tries: number): Promise<Vault> {
    try {
      const vault = await this.#transport.sendAuthorized(Vault, {
        method: 'PUT',
        path: this.#path(),
        headers: ifMatch(this.#vault.revision),
        body: { data },
      })
      refuseOther(vault, this.id)
      if (vault.key !== this.#vault.key || vault.data !== data)
        throw new RefusedError('The server answered with another vault than was written.')
      return vault
    } catch (error) {
      const current = error instanceof ProblemError ? Vault.safeParse(error.current).data : undefined
      // The very same data is this write's own, whose answer was lost.
      const asKnown = current?.data === this.#vault.data || current?.data === data
      if (
        !current ||
        !asKnown ||
        current.id !== this.id ||
        current.key !== this.#vault.key ||
        tries === renameTries
      )
        throw error
      return current
    }
  }

  /** Seals content for an item of this vault; the envelope opens under no other id. */
  sealItem(itemId: string, content: ItemContent | UnknownContent): Promise<string> {
    return seal(this.#key, itemContext(this.id, itemId), encodeContent(content))
  }

  /** Opens an item that came from the server, now or earlier. Throws OpenError and ContentError. */
  async openItem(item: Item): Promise<OpenItem> {
    if (item.vaultId !== this.id) throw new RefusedError('The server showed an item of another vault.')
    const { id, revision, createdAt, updatedAt, deletedAt } = item
    const content = parseItemContent(await open(this.#key, itemContext(this.id, id), item.data))
    return { id, revision, createdAt, updatedAt, deletedAt, content }
  }

  /** After a resync, of which the person was told: what was seen of the old history counts no more. */
  startOver(): void {
    this.#seen.clear()
  }

  /**
   * Asks for one item, and refuses another one, or a state from before what was known when it was asked: answers to requests
   * that were under way together may come in any order.
   */
  async #fetchItem(itemId: string, request: Request): Promise<Item> {
    const known = this.#seen.get(itemId)
    const item = await this.#transport.sendAuthorized(Item, request)
    refuseOther(item, itemId)
    refuseRollback(known, item)
    this.#notice(item)
    return item
  }

  #notice(item: Item) {
    if (item.revision > (this.#seen.get(item.id)?.revision ?? 0)) this.#seen.set(item.id, item)
  }

  async get(itemId: string): Promise<OpenItem> {
    return this.openItem(await this.#fetchItem(itemId, { method: 'GET', path: this.#path(itemId) }))
  }

  /** Creates an item. Throws ConflictError where the id is in use. */
  create(content: ItemContent, itemId: string = crypto.randomUUID()): Promise<OpenItem> {
    return this.#put(itemId, content, { 'If-None-Match': '*' })
  }

  /** Replaces an item's content, if it is still at `revision`. Throws ConflictError with what stands there now. */
  replace(itemId: string, revision: number, content: ItemContent | UnknownContent): Promise<OpenItem> {
    return this.#put(itemId, content, ifMatch(revision))
  }

  async #put(itemId: string, content: ItemContent | UnknownContent, headers: Record<string, string>) {
    const item = await this.putSealed(itemId, await this.sealItem(itemId, content), headers)
    return this.openItem(item)
  }

  /**
   * Writes an envelope as it is. A conflict with the very same envelope is this write's own success, whose answer was lost:
   * no two envelopes are alike.
   */
  async putSealed(itemId: string, data: string, headers: Record<string, string>): Promise<Item> {
    let written: Item
    try {
      written = await this.#fetchItem(itemId, {
        method: 'PUT',
        path: this.#path(itemId),
        headers,
        body: { data },
      })
    } catch (error) {
      const current = error instanceof ProblemError ? Item.safeParse(error.current).data : undefined
      if (current?.id === itemId && current.data === data) return current
      throw await this.#conflict(itemId, error)
    }
    if (written.data !== data) throw new RefusedError('The server answered with other data than was written.')
    return written
  }

  /** A `revision-conflict` as a ConflictError with the item in clear; every other error as it is. */
  async #conflict(itemId: string, error: unknown): Promise<unknown> {
    if (!(error instanceof ProblemError) || error.code !== 'revision-conflict' || !error.current) return error
    refuseOther(error.current, itemId)
    const item = Item.safeParse(error.current)
    return new ConflictError(
      error.current.revision,
      item.success ? await this.openItem(item.data) : undefined,
    )
  }

  /** Moves an item to the trash; again changes nothing. With `revision` only if it is still that. */
  trash(itemId: string, revision?: number): Promise<OpenItem> {
    return this.#change(itemId, { method: 'DELETE', path: this.#path(itemId), headers: ifMatch(revision) })
  }

  /** Takes an item out of the trash; again changes nothing. */
  restore(itemId: string, revision?: number): Promise<OpenItem> {
    const path = `${this.#path(itemId)}/restore`
    return this.#change(itemId, { method: 'POST', path, headers: ifMatch(revision) })
  }

  async #change(itemId: string, request: Request): Promise<OpenItem> {
    try {
      return await this.openItem(await this.#fetchItem(itemId, request))
    } catch (error) {
      throw await this.#conflict(itemId, error)
    }
  }

  /** Deletes an item for good, out of the trash or not. */
  async purge(itemId: string, revision?: number): Promise<void> {
    const path = `${this.#path(itemId)}?permanent=true`
    try {
      await this.#transport.authorized({ method: 'DELETE', path, headers: ifMatch(revision) })
    } catch (error) {
      throw await this.#conflict(itemId, error)
    }
  }

  /** The contents that were replaced, newest first; `data` is each one's envelope. */
  async versions(itemId: string) {
    const versions = await readPages(this.#transport, {
      schema: ItemVersions,
      path: `${this.#path(itemId)}/versions`,
      rowsOf: (page) => page.versions,
    })
    return Promise.all(
      versions.map(async ({ data, revision, createdAt, replacedAt }) => {
        const content = parseItemContent(await open(this.#key, itemContext(this.id, itemId), data))
        return { revision, createdAt, replacedAt, content, data }
      }),
    )
  }

  /** Applies sealed operations, all or none. Throws ProblemError `revision-conflict` with `conflicts`. */
  batch(operations: Operation[]): Promise<BatchResult> {
    return this.#transport.sendAuthorized(BatchResult, {
      method: 'POST',
      path: `${this.#path()}/batch`,
      body: { operations },
      repeatable: false,
    })
  }

  /** One page of changes since a cursor. Throws ResyncRequiredError, and RefusedError like `get`. */
  async changes(since: string | undefined): Promise<Changes> {
    const query = since === undefined ? '' : `?since=${encodeURIComponent(since)}`
    const known = new Map(this.#seen)
    try {
      const changes = await this.#transport.sendAuthorized(Changes, {
        method: 'GET',
        path: `${this.#path()}/changes${query}`,
      })
      for (const item of changes.items) refuseRollback(known.get(item.id), item)
      return changes
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'resync-required')
        throw new ResyncRequiredError(error.message)
      throw error
    }
  }

  #path(itemId?: string): string {
    const vault = `/api/v1/vaults/${this.id}`
    return itemId === undefined ? vault : `${vault}/items/${itemId}`
  }
}
