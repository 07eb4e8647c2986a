// An opened vault: items in clear on this side, sealed on the way out.

import type { AttachedFile, ItemContent, UnknownContent, VaultContent } from '../contract/content.ts'
import { itemPaths, pathTo, vaultPaths } from '../contract/paths.ts'
import { limits } from '../contract/sizes.ts'
import {
  BatchResult,
  Changes,
  Item,
  type ItemState,
  ItemVersions,
  type Operation,
  Tombstone,
  Vault,
} from '../contract/vaults.ts'
import {
  itemAssociatedData,
  purgeAssociatedData,
  vaultDataAssociatedData,
} from '../protocol/associated-data.ts'
import { OpenError, open, seal } from '../protocol/envelope.ts'
import {
  editsIn,
  encodeContent,
  isItemContent,
  parseItemContent,
  readItemContent,
  readVaultContent,
} from '../protocol/item-content.ts'
import { RefusedError } from '../protocol/refused.ts'
import { Attachments, type FileKey, filesOf } from './attachments.ts'
import { OlderVaultError, ProblemError, ResyncRequiredError } from './errors.ts'
import type { OpenItem } from './open-item.ts'
import { readPages } from './pages.ts'
import { refuseOther } from './refusals.ts'
import type { Request } from './request.ts'
import { countsOn, goesBack, refuseRollback } from './rollback.ts'
import type { Transport } from './transport.ts'

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

/** The item is of a kind that came later, and is kept as it is. */
export class UnknownKindError extends Error {
  override name = 'UnknownKindError'

  constructor() {
    super('This version does not know the kind of the item, and does not edit it')
  }
}

/** How often an edit is tried again while other devices write the same item. */
const editTries = 10

/** How often a rename is tried again while items are being written. */
const renameTries = 10

const ifMatch = (revision: number | undefined): Record<string, string> =>
  revision === undefined ? {} : { 'If-Match': `"${revision}"` }

/** An item's envelope, and the ids of its files, absent where nothing is said about them: they then stay as they are. */
export interface SealedItem {
  readonly data: string
  readonly attachments?: string[]
}

export class OpenVault {
  readonly id: string
  /** The files of its items. */
  readonly attachments: Attachments
  readonly #transport: Transport
  readonly #key: Uint8Array
  #vault: Vault
  #content: VaultContent
  #edits: number
  /** The newest state seen of each item, to notice a server that goes back behind it. */
  readonly #seen = new Map<string, Item>()
  /** The highest counter of each item that was opened or sealed here: the next envelope counts on from it. */
  readonly #counters = new Map<string, number>()

  private constructor(
    { transport, vault, key }: { transport: Transport; vault: Vault; key: Uint8Array },
    { content, edits }: { content: VaultContent; edits: number },
  ) {
    this.id = vault.id
    this.#transport = transport
    this.#vault = vault
    this.#key = key
    this.#content = content
    this.#edits = edits
    this.attachments = new Attachments(transport, {
      id: vault.id,
      get: (itemId) => this.get(itemId),
      edit: (itemId, change) => this.edit(itemId, change),
      fileKeys: () => this.#fileKeys(),
    })
  }

  #fileKeys(): [FileKey] {
    return [{ key: this.#key, keyVersion: 1 }]
  }

  /**
   * @param key the vault key, 32 bytes. Throws OpenError where the vault's data is not sealed with it, and ContentError where it
   * is malformed.
   */
  static async open(transport: Transport, vault: Vault, key: Uint8Array): Promise<OpenVault> {
    const read = readVaultContent(await open(key, vaultDataAssociatedData(vault.id), vault.data))
    return new OpenVault({ transport, vault, key }, read)
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
    await this.#replaceContent({ ...this.#content, name }, this.#edits + 1)
  }

  /**
   * Writes data that this vault had over what the server shows. It counts on from both. Throws as `rename` does.
   * @param known the envelope of before, which was of this vault too
   */
  async putDataBack(known: string): Promise<void> {
    const { content, edits } = readVaultContent(
      await open(this.#key, vaultDataAssociatedData(this.id), known),
    )
    await this.#replaceContent(content, Math.max(edits, this.#edits) + 1)
  }

  async #replaceContent(content: VaultContent, edits: number): Promise<void> {
    const data = await seal(this.#key, vaultDataAssociatedData(this.id), encodeContent(content, edits))
    for (let tries = 0; this.#vault.data !== data; tries++) this.#vault = await this.#replaceData(data, tries)
    this.#content = content
    this.#edits = edits
  }

  /**
   * Refuses the data that the server gave of this vault if it is older than what was known of it. Throws OlderVaultError.
   * @param known the data of before, which was of this vault too
   */
  async refuseOlderData(known: string): Promise<void> {
    if (known === this.#vault.data) return
    const before = editsIn(await open(this.#key, vaultDataAssociatedData(this.id), known))
    if (!countsOn(before, this.#edits)) throw new OlderVaultError()
  }

  /** @returns the vault with the new data, or with the data as known and a later revision to replace it from */
  async #replaceData(data: string, tries: number): Promise<Vault> {
    try {
      const vault = await this.#transport.sendAuthorized(Vault, {
        method: 'PUT',
        path: this.#vaultPath(vaultPaths.vault),
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

  /**
   * Seals content for an item of this vault; the envelope opens under no other id. With it come the ids of the files that the
   * content names, so that both are written together. It counts on from the states of the item that were
   * opened here: open what is to be replaced before.
   */
  async sealItem(itemId: string, content: ItemContent | UnknownContent): Promise<SealedItem> {
    const encoded = encodeContent(content, this.#count(itemId))
    const data = await seal(this.#key, itemAssociatedData(this.id, itemId), encoded)
    const files = filesOf(content).map(({ id }) => id)
    // Servers and items without files are not told of them.
    const hasFiles = files.length > 0 || this.#seen.get(itemId)?.attachments !== undefined
    return { data, ...(hasFiles && { attachments: files }) }
  }

  /** Seals the marker that shows other devices that this account deleted the item. It counts on, as `sealItem` does. */
  sealPurge(itemId: string): Promise<string> {
    const marker = new TextEncoder().encode(JSON.stringify({ edits: this.#count(itemId) }))
    return seal(this.#key, purgeAssociatedData(this.id, itemId), marker)
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

  /** Opens an item that came from the server, now or earlier. Throws OpenError, ContentError and RefusedError. */
  async openItem(item: Item): Promise<OpenItem> {
    this.#requireOwn(item)
    const { id, revision, createdAt, updatedAt, deletedAt } = item
    const plaintext = await open(this.#key, itemAssociatedData(this.id, id), item.data)
    this.#counted(id, editsIn(plaintext))
    const { content } = readItemContent(plaintext)
    return { id, revision, createdAt, updatedAt, deletedAt, content }
  }

  #requireOwn(item: ItemState) {
    if ('vaultId' in item && item.vaultId !== this.id)
      throw new RefusedError('The server showed an item of another vault.')
  }

  /**
   * The counter of a state, which what is sealed next counts on from.
   * @returns undefined where nothing in it is sealed for this item
   */
  async editsOf(state: ItemState): Promise<number | undefined> {
    const [associatedData, sealed] =
      'data' in state
        ? [itemAssociatedData(this.id, state.id), state.data]
        : [purgeAssociatedData(this.id, state.id), state.marker]
    if (sealed === undefined) return undefined
    try {
      return this.#counted(state.id, editsIn(await open(this.#key, associatedData, sealed)))
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

  /** After a resync, of which the person was told: what was seen of the old history counts no more. */
  startOver(): void {
    this.#seen.clear()
  }

  /**
   * Asks for one item, and refuses another one, or a state from before what was known when it was asked: answers to requests
   * that were under way together may come in any order.
   * @param written the data that the request writes, which the answer then has to show
   */
  async #fetchItem(itemId: string, request: Request, written?: string): Promise<Item> {
    const known = this.#seen.get(itemId)
    const item = await this.#transport.sendAuthorized(Item, request)
    refuseOther(item, itemId)
    this.#requireOwn(item)
    if (written !== undefined && item.data !== written)
      throw new RefusedError('The server answered with other data than was written.')
    refuseRollback(known, item)
    if (known && !(await this.follows(known, item))) throw await this.#refusal(item)
    this.notice(item)
    return item
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

  /** Why a state does not follow what is known: it does not open, or it is older. */
  async #refusal(item: Item): Promise<Error> {
    return (await this.editsOf(item)) === undefined ? new OpenError() : goesBack()
  }

  async get(itemId: string): Promise<OpenItem> {
    return this.openItem(await this.#fetchItem(itemId, { method: 'GET', path: this.#itemPath(itemId) }))
  }

  /**
   * Creates an item. Throws ConflictError where the id is in use. An item that was deleted can come back under its id: pull first, since
   * other devices take it over only if it counts on from the deletion.
   */
  create(content: ItemContent, itemId: string = crypto.randomUUID()): Promise<OpenItem> {
    return this.#put(itemId, content, { 'If-None-Match': '*' })
  }

  /** Replaces an item's content, if it is still at `revision`. Throws ConflictError with what stands there now. */
  replace(itemId: string, revision: number, content: ItemContent | UnknownContent): Promise<OpenItem> {
    return this.#replace(itemId, revision, content)
  }

  /**
   * Changes an item's content as it is now. If another device is faster, `change` is called again with what that one wrote, so that
   * neither is lost.
   *
   * @param change gives the new content; called once for each try
   * @throws ConflictError where the item was deleted for good meanwhile, UnknownKindError, and what `change` throws
   */
  async edit(itemId: string, change: (content: ItemContent) => ItemContent): Promise<OpenItem> {
    let item = await this.get(itemId)
    for (let tries = 0; ; tries++) {
      if (!isItemContent(item.content)) throw new UnknownKindError()
      try {
        return await this.replace(itemId, item.revision, change(item.content))
      } catch (error) {
        if (!(error instanceof ConflictError) || !error.current || tries === editTries) throw error
        item = error.current
      }
    }
  }

  async #replace(itemId: string, revision: number, content: ItemContent | UnknownContent) {
    if (!this.#counters.has(itemId)) await this.#lookAt(itemId)
    return this.#put(itemId, content, ifMatch(revision))
  }

  /** Looks at an item, so that what is sealed next counts on from it. @returns undefined where there is none */
  async #lookAt(itemId: string): Promise<Item | undefined> {
    try {
      const item = await this.#fetchItem(itemId, { method: 'GET', path: this.#itemPath(itemId) })
      await this.editsOf(item)
      return item
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'not-found') return undefined
      throw error
    }
  }

  async #put(itemId: string, content: ItemContent | UnknownContent, headers: Record<string, string>) {
    const item = await this.putSealed(itemId, await this.sealItem(itemId, content), headers)
    return this.openItem(item)
  }

  /**
   * Writes an envelope as it is. A conflict with the very same envelope is this write's own success, whose answer was lost:
   * no two envelopes are alike.
   */
  async putSealed(itemId: string, sealed: SealedItem, headers: Record<string, string>): Promise<Item> {
    const request: Request = { method: 'PUT', path: this.#itemPath(itemId), headers, body: sealed }
    const { data } = sealed
    try {
      return await this.#fetchItem(itemId, request, data)
    } catch (error) {
      const current = error instanceof ProblemError ? Item.safeParse(error.current).data : undefined
      if (current?.id === itemId && current.data === data) return current
      throw await this.#conflict(itemId, error)
    }
  }

  /**
   * Writes a content of before again. Files of it that the server does not have any more are left out.
   * @returns the files that are lost
   */
  async putContentBack(
    itemId: string,
    content: ItemContent | UnknownContent,
    headers: Record<string, string>,
  ): Promise<readonly AttachedFile[]> {
    try {
      await this.putSealed(itemId, await this.sealItem(itemId, content), headers)
      return []
    } catch (error) {
      const missing =
        error instanceof ProblemError && error.code === 'attachment-missing' && error.attachments
      const lost = missing ? filesOf(content).filter(({ id }) => missing.includes(id)) : []
      if (lost.length === 0) throw error
      const kept = filesOf(content).filter((file) => !lost.includes(file))
      await this.putSealed(itemId, await this.sealItem(itemId, { ...content, attachments: kept }), headers)
      return lost
    }
  }

  /** A `revision-conflict` as a ConflictError with the item in clear; every other error as it is. */
  async #conflict(itemId: string, error: unknown): Promise<unknown> {
    if (!(error instanceof ProblemError) || error.code !== 'revision-conflict' || !error.current) return error
    refuseOther(error.current, itemId)
    const item = Item.safeParse(error.current)
    const tombstone = Tombstone.safeParse(error.current)
    if (tombstone.success) await this.editsOf(tombstone.data)
    const known = this.#seen.get(itemId)
    if (item.success && known && !(await this.follows(known, item.data))) return this.#refusal(item.data)
    return new ConflictError(
      error.current.revision,
      item.success ? await this.openItem(item.data) : undefined,
    )
  }

  /** Moves an item to the trash; again changes nothing. With `revision` only if it is still that. */
  async trash(itemId: string, revision?: number): Promise<OpenItem> {
    return this.openItem(await this.trashSealed(itemId, revision))
  }

  /** As `trash`, without opening it: also for what does not open, or is malformed inside. */
  trashSealed(itemId: string, revision?: number): Promise<Item> {
    return this.#change(itemId, {
      method: 'DELETE',
      path: this.#itemPath(itemId),
      headers: ifMatch(revision),
    })
  }

  /** Takes an item out of the trash; again changes nothing. */
  async restore(itemId: string, revision?: number): Promise<OpenItem> {
    const path = this.#itemPath(itemId, itemPaths.restore)
    return this.openItem(await this.#change(itemId, { method: 'POST', path, headers: ifMatch(revision) }))
  }

  async #change(itemId: string, request: Request): Promise<Item> {
    try {
      return await this.#fetchItem(itemId, request)
    } catch (error) {
      throw await this.#conflict(itemId, error)
    }
  }

  /**
   * Deletes an item for good, out of the trash or not, with a marker for the other devices. With `revision` only if it is still
   * that. What is deleted already stays so. Throws ConflictError, and ProblemError `not-found`.
   */
  async purge(itemId: string, revision?: number): Promise<void> {
    const known = revision !== undefined && this.#counters.has(itemId)
    const item = known ? undefined : await this.#lookAt(itemId)
    const at = revision ?? item?.revision
    if (at === undefined) {
      // Nothing is there, and the server knows whether something was.
      await this.#transport.authorized({ method: 'DELETE', path: `${this.#itemPath(itemId)}?permanent=true` })
      return
    }
    const marker = await this.sealPurge(itemId)
    try {
      await this.#apply([{ op: 'purge', id: itemId, revision: at, marker }], true)
    } catch (error) {
      const conflicts = error instanceof ProblemError ? error.conflicts : []
      const current = conflicts.find(({ id }) => id === itemId)?.current
      if (!current) throw error
      // It is gone, as it was to be: also where this very write did it, and its answer was lost.
      if ('purged' in current) return
      throw new ConflictError(current.revision, await this.openItem(current))
    }
  }

  /** The contents that were replaced, newest first; `data` is each one's envelope. */
  async versions(itemId: string) {
    const versions = await readPages(this.#transport, {
      schema: ItemVersions,
      path: this.#itemPath(itemId, itemPaths.versions),
      rowsOf: (page) => page.versions,
    })
    return Promise.all(
      versions.map(async ({ data, revision, createdAt, replacedAt }) => {
        const plaintext = await open(this.#key, itemAssociatedData(this.id, itemId), data)
        this.#counted(itemId, editsIn(plaintext))
        return { revision, createdAt, replacedAt, content: parseItemContent(plaintext), data }
      }),
    )
  }

  /**
   * Applies sealed operations, all or none. Throws ProblemError `revision-conflict` with `conflicts`, and RefusedError where the
   * answer is about something else.
   */
  batch(operations: Operation[]): Promise<BatchResult> {
    return this.#apply(operations, false)
  }

  async #apply(operations: Operation[], repeatable: boolean): Promise<BatchResult> {
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
      this.#requireOwn(item)
    }
    return result
  }

  /**
   * One page of changes since a cursor. Throws ResyncRequiredError, and RefusedError like `get`.
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
        this.#requireOwn(item)
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
    return pathTo(path, { vaultId: this.id })
  }

  #itemPath(
    itemId: string,
    path: (typeof itemPaths)['item' | 'restore' | 'versions'] = itemPaths.item,
  ): string {
    return pathTo(path, { vaultId: this.id, itemId })
  }
}
