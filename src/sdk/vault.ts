// An opened vault: items in clear on this side, sealed on the way out.

import type { AttachedFile, ItemContent, UnknownContent, VaultContent } from '../contract/content.ts'
import { itemPaths } from '../contract/paths.ts'
import {
  type BatchResult,
  type Changes,
  Item,
  ItemVersions,
  type Operation,
  type Vault,
} from '../contract/vaults.ts'
import { OpenError } from '../protocol/envelope.ts'
import { ContentError, isItemContent, sameContent } from '../protocol/item-content.ts'
import { filesOf } from './attached-files.ts'
import { Attachments } from './attachments.ts'
import { ConflictError, ProblemError, UnknownKindError } from './errors.ts'
import type { TransferOptions } from './file-transfer.ts'
import { ItemRequests } from './item-requests.ts'
import { ItemSeals, type ResealOperation } from './item-seals.ts'
import type { OpenItem } from './open-item.ts'
import { readPages } from './pages.ts'
import { ifMatch, type Request } from './request.ts'
import type { Transport } from './transport.ts'
import type { FileKey } from './uploads.ts'
import { VaultData } from './vault-data.ts'
import { type KeyOpener, keyVersionOf, type SealedData, VaultKeys } from './vault-keys.ts'

/** How often an edit is tried again while other devices write the same item. */
const editTries = 10

/** An item's envelope, and the ids of its files, absent where nothing is said about them: they then stay as they are. */
export interface SealedItem extends SealedData {
  readonly attachments?: string[]
}

export class OpenVault {
  readonly id: string
  /** The files of its items. */
  readonly attachments: Attachments
  /** Its keys, of every version that this object opens with. */
  readonly keys: VaultKeys
  /** Its own data, such as its name. */
  readonly data: VaultData
  /** What seals and opens its items. */
  readonly seals: ItemSeals
  readonly #transport: Transport
  readonly #requests: ItemRequests

  private constructor(transport: Transport, vault: Vault, keys: VaultKeys, data: VaultData) {
    this.id = vault.id
    this.keys = keys
    this.data = data
    this.seals = new ItemSeals(vault.id, keys, () => data.refresh())
    this.#transport = transport
    this.#requests = new ItemRequests(transport, vault.id, this.seals)
    this.attachments = new Attachments(transport, {
      id: vault.id,
      get: (itemId) => this.get(itemId),
      edit: (itemId, change) => this.edit(itemId, change),
      fileKeys: () => this.#fileKeys(),
    })
  }

  #fileKeys(): [FileKey, ...FileKey[]] {
    const { newest } = this.keys
    return [{ key: this.keys.bytesOf(newest), keyVersion: newest }, ...this.keys.before(newest)]
  }

  /**
   * @param opener opens the vault's keys. Throws OpenError where they do not open, or the vault's data is not sealed with them, and
   * ContentError where it is malformed.
   */
  static async open(transport: Transport, vault: Vault, opener: KeyOpener): Promise<OpenVault> {
    const keys = await VaultKeys.of(vault, opener)
    return new OpenVault(transport, vault, keys, await VaultData.open(transport, vault, keys))
  }

  get name(): string {
    return this.data.content.name
  }

  /** Its own data, without the counter: its name, and what other clients keep there. */
  get content(): VaultContent {
    return this.data.content
  }

  /** As the server had it when it was last looked at. */
  get itemCount(): number {
    return this.data.sealed.itemCount
  }

  /** As the server gave it when it was last looked at; `UnlockedAccount.openVault` opens it again, without the server. */
  get sealed(): Vault {
    return this.data.sealed
  }

  /** Looks at the vault again: its keys, and its own data. Throws as `open` does, and RefusedError where they go back. */
  refresh(): Promise<void> {
    return this.data.refresh()
  }

  /** Renames the vault, keeping whatever else its data holds. Throws ProblemError `revision-conflict` if another client replaced it. */
  rename(name: string): Promise<void> {
    return this.data.rename(name)
  }

  /** Opens an item that came from the server, now or earlier. Throws OpenError, ContentError and RefusedError. */
  openItem(item: Item): Promise<OpenItem> {
    return this.seals.open(item)
  }

  /**
   * Seals content for an item of this vault, under its newest key; the envelope opens under no other id. With it come the ids of the
   * files that the content names, so that both are written together. It counts on from the states of the item that were opened here:
   * open what is to be replaced before.
   */
  async sealItem(itemId: string, content: ItemContent | UnknownContent): Promise<SealedItem> {
    const sealed = await this.seals.seal(itemId, content)
    const files = filesOf(content).map(({ id }) => id)
    // Servers and items without files are not told of them.
    const hasFiles = files.length > 0 || this.lastSeen(itemId)?.attachments !== undefined
    return { ...sealed, ...(hasFiles && { attachments: files }) }
  }

  /**
   * What is in an item, sealed anew under the newest key, with its files, which are sealed anew before: for files that lie under an
   * older key.
   *
   * @returns the operation, and the files that cannot be sealed anew, which the operation leaves out
   * @throws OpenError and ContentError for an item without content that names its files
   */
  async resealWithFiles(
    item: Item,
    options: TransferOptions,
  ): Promise<{ operation: ResealOperation; lost: readonly AttachedFile[] }> {
    const { id, revision } = item
    const { content } = await this.openItem(item)
    const { files, lost } = await this.resealedContent(id, content, options)
    const { data } = await this.seals.seal(id, files)
    const attachments = filesOf(files).map((file) => file.id)
    return {
      operation: { op: 'reseal', id, revision, data, keyVersion: this.keys.newest, attachments },
      lost,
    }
  }

  /** Content that names its files as they were sealed anew, and those that could not be. */
  async resealedContent(
    itemId: string,
    content: ItemContent | UnknownContent,
    options: TransferOptions,
  ): Promise<{ files: ItemContent | UnknownContent; lost: readonly AttachedFile[] }> {
    const { resealed, lost } = await this.attachments.reseal(itemId, filesOf(content), options)
    return { files: { ...content, attachments: resealed }, lost }
  }

  /** Does a write that seals, and once more if the vault's key turned out to have changed. */
  async #withNewestKey<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await write()
    } catch (error) {
      if (!(error instanceof ProblemError && error.code === 'key-changed')) throw error
      await this.refresh()
      return write()
    }
  }

  /** After a resync, of which the person was told: what was seen of the old history counts no more. */
  startOver(): void {
    this.#requests.startOver()
    this.keys.startOver()
  }

  /** Remembers a state that was taken over, for comparing later answers with it. */
  notice(item: Item): void {
    this.#requests.notice(item)
  }

  /** What was last seen of an item through this object. */
  lastSeen(itemId: string): Item | undefined {
    return this.#requests.lastSeen(itemId)
  }

  /** Forgets what was seen of an item, because the person takes what the server shows instead. */
  forget(itemId: string): void {
    this.#requests.forget(itemId)
  }

  async get(itemId: string): Promise<OpenItem> {
    return this.openItem(
      await this.#requests.fetch(itemId, { method: 'GET', path: this.#requests.pathTo(itemId) }),
    )
  }

  /**
   * Creates an item. Throws ConflictError where the id is in use. An item that was deleted can come back under its id: pull first, since
   * other devices take it over only if it counts on from the deletion.
   */
  create(content: ItemContent, itemId: string = crypto.randomUUID()): Promise<OpenItem> {
    return this.createOfKind(content, itemId)
  }

  /** The same for an item of a kind that is not one of `ItemContent`, which other clients keep and do not show. */
  createOfKind(content: ItemContent | UnknownContent, itemId: string): Promise<OpenItem> {
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
    return this.#over(itemId, revision, async (at) => {
      if (!this.seals.knows(itemId)) await this.#requests.lookAt(itemId)
      return this.#put(itemId, content, ifMatch(at))
    })
  }

  /**
   * Writes over a revision, and once more over the present one if all that happened in between is that another client sealed the item
   * under the next key: a change of the key is no conflict.
   */
  async #over<T>(
    itemId: string,
    revision: number | undefined,
    write: (revision: number | undefined) => Promise<T>,
  ): Promise<T> {
    const base = this.lastSeen(itemId)
    try {
      return await write(revision)
    } catch (error) {
      if (!(error instanceof ConflictError) || !base || base.revision !== revision) throw error
      if (!(await this.#isOnlyResealed(base, error))) throw error
      return write(error.revision)
    }
  }

  async #isOnlyResealed(base: Item, { current, keyVersion }: ConflictError): Promise<boolean> {
    // Under the same key a new envelope is an edit of another device, whatever its content.
    if (!current || keyVersion <= keyVersionOf(base) || base.deletedAt !== current.deletedAt) return false
    try {
      return sameContent((await this.openItem(base)).content, current.content)
    } catch (error) {
      if (error instanceof OpenError || error instanceof ContentError) return false
      throw error
    }
  }

  async #put(itemId: string, content: ItemContent | UnknownContent, headers: Record<string, string>) {
    return this.openItem(await this.#putContent(itemId, content, headers))
  }

  #putContent(
    itemId: string,
    content: ItemContent | UnknownContent,
    headers: Record<string, string>,
  ): Promise<Item> {
    return this.#withNewestKey(async () =>
      this.putSealed(itemId, await this.sealItem(itemId, content), headers),
    )
  }

  /**
   * Writes an envelope as it is. A conflict with the very same envelope is this write's own success, whose answer was lost:
   * no two envelopes are alike.
   */
  async putSealed(itemId: string, sealed: SealedItem, headers: Record<string, string>): Promise<Item> {
    const request: Request = { method: 'PUT', path: this.#requests.pathTo(itemId), headers, body: sealed }
    try {
      return await this.#requests.fetch(itemId, request, sealed.data)
    } catch (error) {
      const current = error instanceof ProblemError ? Item.safeParse(error.current).data : undefined
      if (current?.id === itemId && current.data === sealed.data) return current
      throw await this.#requests.conflict(itemId, error)
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
      await this.#putContent(itemId, content, headers)
      return []
    } catch (error) {
      const missing =
        error instanceof ProblemError && error.code === 'attachment-missing' && error.attachments
      const lost = missing ? filesOf(content).filter(({ id }) => missing.includes(id)) : []
      if (lost.length === 0) throw error
      const kept = filesOf(content).filter((file) => !lost.includes(file))
      await this.#putContent(itemId, { ...content, attachments: kept }, headers)
      return lost
    }
  }

  /** Moves an item to the trash; again changes nothing. With `revision` only if it is still that. */
  async trash(itemId: string, revision?: number): Promise<OpenItem> {
    return this.openItem(await this.trashSealed(itemId, revision))
  }

  /** As `trash`, without opening it: also for what does not open, or is malformed inside. */
  trashSealed(itemId: string, revision?: number): Promise<Item> {
    return this.#over(itemId, revision, (at) =>
      this.#requests.change(itemId, {
        method: 'DELETE',
        path: this.#requests.pathTo(itemId),
        headers: ifMatch(at),
      }),
    )
  }

  /** Takes an item out of the trash; again changes nothing. */
  async restore(itemId: string, revision?: number): Promise<OpenItem> {
    const path = this.#requests.pathTo(itemId, itemPaths.restore)
    const item = await this.#over(itemId, revision, (at) =>
      this.#requests.change(itemId, { method: 'POST', path, headers: ifMatch(at) }),
    )
    return this.openItem(item)
  }

  /**
   * Deletes an item for good, out of the trash or not, with a marker for the other devices. With `revision` only if it is still
   * that. What is deleted already stays so. Throws ConflictError, and ProblemError `not-found`.
   */
  async purge(itemId: string, revision?: number): Promise<void> {
    const known = revision !== undefined && this.seals.knows(itemId)
    const item = known ? undefined : await this.#requests.lookAt(itemId)
    const at = revision ?? item?.revision
    if (at === undefined) {
      // Nothing is there, and the server knows whether something was.
      await this.#transport.authorized({
        method: 'DELETE',
        path: `${this.#requests.pathTo(itemId)}?permanent=true`,
      })
      return
    }
    await this.#over(itemId, at, (present) => this.#purgeAt(itemId, present ?? at))
  }

  async #purgeAt(itemId: string, revision: number): Promise<void> {
    try {
      await this.#withNewestKey(async () => {
        const { data: marker, ...version } = await this.seals.sealPurge(itemId)
        await this.#requests.apply([{ op: 'purge', id: itemId, revision, marker, ...version }], true)
      })
    } catch (error) {
      const conflicts = error instanceof ProblemError ? error.conflicts : []
      const current = conflicts.find(({ id }) => id === itemId)?.current
      if (!current) throw error
      // It is gone, as it was to be: also where this very write did it, and its answer was lost.
      if ('purged' in current) return
      throw new ConflictError(current.revision, await this.openItem(current), keyVersionOf(current))
    }
  }

  /** The contents that were replaced, newest first; `data` is each one's envelope. */
  async versions(itemId: string) {
    const versions = await readPages(this.#transport, {
      schema: ItemVersions,
      path: this.#requests.pathTo(itemId, itemPaths.versions),
      rowsOf: (page) => page.versions,
    })
    return Promise.all(
      versions.map(async (version) => {
        const { data, revision, createdAt, replacedAt } = version
        const content = await this.seals.openVersion(itemId, version)
        return { revision, createdAt, replacedAt, content, data }
      }),
    )
  }

  /**
   * Applies sealed operations, all or none. Throws ProblemError `revision-conflict` with `conflicts`, and RefusedError where the
   * answer is about something else.
   */
  batch(operations: Operation[]): Promise<BatchResult> {
    return this.#requests.apply(operations, false)
  }

  /** As `batch`, for what another client may do as well: the very same again does no harm where an answer was lost. */
  applyReseals(operations: ResealOperation[]): Promise<BatchResult> {
    return this.#requests.apply(operations, true)
  }

  /**
   * One page of changes since a cursor. Throws ResyncRequiredError, and RefusedError like `get`.
   * @param signal gives the request up, with its reason
   */
  changes(since: string | undefined, signal?: AbortSignal): Promise<Changes> {
    return this.#requests.changes(since, signal)
  }
}
