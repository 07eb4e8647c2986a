// Changing the key of a vault while everybody goes on (docs/protocol.md, "Changing keys"): what is sealed under the old key is sealed anew
// in batches, and the change is finished when nothing is left. Every step can be repeated, so that a change that broke off goes on.
import type * as z from 'zod'
import { itemPaths, pathTo, rotationPaths } from '../contract/paths.ts'
import { RotationLeft, VersionsResealed } from '../contract/rotation.ts'
import { limits } from '../contract/sizes.ts'
import type { TokenSummary } from '../contract/tokens.ts'
import { type Item, type ItemState, type ItemVersion, ItemVersions, Vault } from '../contract/vaults.ts'
import { itemAssociatedData } from '../protocol/associated-data.ts'
import { OpenError } from '../protocol/envelope.ts'
import { ContentError, encodeContent, readItemContent } from '../protocol/item-content.ts'
import { RefusedError } from '../protocol/refused.ts'
import { filesOf } from './attached-files.ts'
import { ProblemError } from './errors.ts'
import { readPages } from './pages.ts'
import type { Replica } from './replica.ts'
import type { Transport } from './transport.ts'
import type { OpenVault } from './vault.ts'
import { keyVersionOf } from './vault-keys.ts'

/** What becomes of replaced versions: sealed anew, or deleted when the change is finished. */
export type VersionsChoice = 'keep' | 'drop'

export interface RotationProgress {
  /** Items, deletions and versions that were sealed anew so far. */
  readonly done: number
  /** With those that are known to be left. */
  readonly total: number
}

export interface RotationOptions {
  /** The master password. It is not needed to go on with a change that was begun. */
  readonly password: string
  /** `keep` unless said otherwise. A change that was begun already keeps to what was chosen then. */
  readonly versions?: VersionsChoice
  /** Deletes for good what does not open, in place of an UnreadableError. */
  readonly dropUnreadable?: boolean
  /** The copy that is here, with which everything is compared before it is sealed anew. */
  readonly replica?: Replica
  readonly onProgress?: (progress: RotationProgress) => void
  /** Ends it between two requests. What was done stays done, and the next call goes on with it. */
  readonly signal?: AbortSignal
}

export interface RotationResult {
  /** The vault under its new key. */
  readonly vault: OpenVault
  /** Whether the change had been begun before, here or on another device. */
  readonly resumed: boolean
  /** What became of replaced versions. */
  readonly versions: VersionsChoice
  /** The personal access tokens that ended because they held the old key; known to the client that began the change. */
  readonly endedTokens: readonly TokenSummary[]
  /** Ids of items that were deleted because they did not open, or a version of them did not. */
  readonly dropped: readonly string[]
}

/** Something lies under the old key and does not open, so that it cannot be sealed anew. The change goes on once it is gone. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError'
  /** Ids of the items of which the content or a replaced version does not open. */
  readonly itemIds: readonly string[]

  constructor(itemIds: readonly string[]) {
    super(
      `The key of the vault cannot be changed to the end: what is under ${itemIds.length === 1 ? 'this id does' : 'these ids does'} not open with its key, so that it cannot be sealed anew: ${itemIds.join(', ')}`,
    )
    this.itemIds = itemIds
  }
}

/** In a batch at the most; half of what a request and its answer may hold. */
const batchCharacters = limits.batchBodyBytes / 2

/** How often finishing is refused with nothing to be found that is left. */
const mostIdleRounds = 5

/** Lists of at most so many rows and characters. */
function* chunks<T>(rows: readonly T[], sizeOf: (row: T) => number): Generator<T[]> {
  let chunk: T[] = []
  let size = 0
  for (const row of rows) {
    const next = sizeOf(row)
    if (chunk.length === limits.batchOperations || (chunk.length > 0 && size + next > batchCharacters)) {
      yield chunk
      ;[chunk, size] = [[], 0]
    }
    chunk.push(row)
    size += next
  }
  if (chunk.length > 0) yield chunk
}

const sizeOfState = (state: ItemState) => ('data' in state ? state.data.length : (state.marker?.length ?? 0))

/** One change of a vault's key, which was begun. */
export class Rotation {
  readonly #transport: Transport
  readonly #vault: OpenVault
  readonly #replica: Replica
  readonly #options: RotationOptions
  readonly #keyVersion: number
  readonly #dropped = new Set<string>()
  #done = 0

  /** @param vault of which a change of the key is under way, and the next key opened */
  constructor(transport: Transport, vault: OpenVault, replica: Replica, options: RotationOptions) {
    this.#transport = transport
    this.#vault = vault
    this.#replica = replica
    this.#options = options
    this.#keyVersion = vault.keys.newest
  }

  /** Seals everything anew and finishes. Throws UnreadableError, RefusedError, and what requests throw. @returns what was dropped */
  async run(): Promise<string[]> {
    try {
      await this.#run()
    } catch (error) {
      const isElsewhere = error instanceof ProblemError && ['key-changed', 'not-found'].includes(error.code)
      if (isElsewhere) await this.#vault.refresh()
      // Another client finished it in between.
      if (!isElsewhere || this.#vault.sealed.keyVersion < this.#keyVersion) throw error
    }
    await this.#replica.pull(this.#vault)
    return [...this.#dropped]
  }

  async #run(): Promise<void> {
    for (let idle = 0; idle < mostIdleRounds; idle++) {
      const before = this.#done
      const unreadable = [
        ...(await this.#resealItems()),
        ...(await this.#resealFiles()),
        ...(await this.#resealVersions()),
      ]
      if (unreadable.length > 0) throw new UnreadableError([...new Set(unreadable)])
      this.#options.signal?.throwIfAborted()
      await this.#vault.data.reseal()
      if (await this.#finish()) return
      if (this.#done > before) idle = 0
    }
    throw new RefusedError(
      'The server says that something still lies under the old key of the vault, and does not show it. The change of the key is not finished.',
    )
  }

  /** Items, and the markers of deletions. @returns the ids of those that do not open */
  async #resealItems(): Promise<string[]> {
    this.#options.signal?.throwIfAborted()
    // Pulled into the copy that is here: an older state that a server shows is not to be sealed as a new one.
    const { refused } = await this.#replica.pull(this.#vault)
    if (refused.length > 0)
      throw new RefusedError(
        `The server shows other states of these items than it should, and which of them are sealed anew has to be decided first: ${refused.join(', ')}.`,
      )
    const left = [...this.#replica.states.values()].filter((state) => this.#isLeft(state))
    const unreadable: ItemState[] = []
    for (const chunk of chunks(left, sizeOfState)) {
      this.#tell(left.length)
      unreadable.push(...(await this.#resealChunk(chunk)))
    }
    if (!this.#options.dropUnreadable) return unreadable.map(({ id }) => id)
    for (const { id, revision } of unreadable) {
      this.#options.signal?.throwIfAborted()
      await this.#vault.purge(id, revision)
      this.#dropped.add(id)
      this.#done++
    }
    return []
  }

  #isLeft(state: ItemState): boolean {
    return keyVersionOf(state) < this.#keyVersion && sizeOfState(state) > 0
  }

  /** @returns those that do not open */
  async #resealChunk(states: readonly ItemState[]): Promise<ItemState[]> {
    const unreadable: ItemState[] = []
    const sealed = await Promise.all(
      states.map(async (state) => {
        try {
          return await this.#vault.seals.reseal(state)
        } catch (error) {
          if (!(error instanceof OpenError)) throw error
          unreadable.push(state)
          return undefined
        }
      }),
    )
    let operations = sealed.filter((operation) => operation !== undefined)
    while (operations.length > 0) {
      this.#options.signal?.throwIfAborted()
      try {
        await this.#vault.applyReseals(operations)
        this.#done += operations.length
        break
      } catch (error) {
        const changed =
          error instanceof ProblemError ? new Set(error.conflicts.map(({ id }) => id)) : undefined
        if (!changed || changed.size === 0) throw error
        // Written in between, by somebody or by this very batch, whose answer was lost: the next pull shows it.
        operations = operations.filter(({ id }) => !changed.has(id))
        this.#done += changed.size
      }
    }
    return unreadable
  }

  /**
   * Items whose files lie under an older key: the server names them once nothing else is left. @returns the ids of those with a file
   * that cannot be sealed anew
   */
  async #resealFiles(): Promise<string[]> {
    await this.#replica.pull(this.#vault)
    const withFiles = [...this.#replica.items.values()].filter(
      ({ attachments = [] }) => attachments.length > 0,
    )
    if (withFiles.length === 0) return []
    const left = new Set((await this.#left())?.items.map(({ id }) => id))
    const unreadable: string[] = []
    for (const item of withFiles) {
      if (!left.has(item.id)) continue
      this.#options.signal?.throwIfAborted()
      this.#tell(left.size)
      if (!(await this.#resealFilesOf(item))) unreadable.push(item.id)
    }
    return unreadable
  }

  /** @returns false if one of them cannot be sealed anew */
  async #resealFilesOf(item: Item): Promise<boolean> {
    try {
      const { signal, dropUnreadable } = this.#options
      const { operation, lost } = await this.#vault.resealWithFiles(item, { signal })
      if (lost.length > 0 && !dropUnreadable) return false
      if (lost.length > 0) this.#dropped.add(item.id)
      await this.#vault.applyReseals([operation])
    } catch (error) {
      // Content that is malformed cannot tell how its files open.
      if (error instanceof OpenError || error instanceof ContentError) return false
      // Written in between: the next round takes the new state.
      if (!(error instanceof ProblemError && error.conflicts.length > 0)) throw error
    }
    this.#done++
    return true
  }

  /** Replaced versions, if they are kept. @returns the ids of the items of which one does not open */
  async #resealVersions(): Promise<string[]> {
    const unreadable: string[] = []
    for (;;) {
      this.#options.signal?.throwIfAborted()
      const left = await this.#left()
      const itemIds = [...new Set(left?.versions.map(({ itemId }) => itemId))].filter(
        (id) => !unreadable.includes(id),
      )
      if (itemIds.length === 0) return unreadable
      this.#tell(left?.counts.versions ?? 0)
      const before = this.#done
      for (const itemId of itemIds) {
        // Also such as lie under the next key already, with files that do not.
        const named = left?.versions.filter((version) => version.itemId === itemId)
        const revisions = new Set(named?.map(({ revision }) => revision))
        if (!(await this.#resealVersionsOf(itemId, revisions))) unreadable.push(itemId)
      }
      // What is listed and not shown: finishing tells whether it matters.
      if (this.#done === before) return unreadable
    }
  }

  /** @returns undefined once the change was finished */
  async #left(): Promise<z.infer<typeof RotationLeft> | undefined> {
    try {
      return await this.#transport.sendAuthorized(RotationLeft, {
        method: 'GET',
        path: pathTo(rotationPaths.left, { vaultId: this.#vault.id }),
      })
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'key-changed') return undefined
      throw error
    }
  }

  /** @returns false if one of them does not open */
  async #resealVersionsOf(itemId: string, named: ReadonlySet<number>): Promise<boolean> {
    const versions = await readPages(this.#transport, {
      schema: ItemVersions,
      path: pathTo(itemPaths.versions, { vaultId: this.#vault.id, itemId }),
      rowsOf: (page) => page.versions,
    }).catch((error: unknown) => {
      // The item was deleted for good in between, with its versions.
      if (error instanceof ProblemError && error.code === 'not-found') return []
      throw error
    })
    const left = versions.filter(
      (version) => keyVersionOf(version) < this.#keyVersion || named.has(version.revision),
    )
    let allOpen = true
    for (const chunk of chunks(left, ({ data }) => data.length)) {
      const sealed = await Promise.all(chunk.map((version) => this.#resealVersion(itemId, version)))
      const resealed = sealed.filter((version) => version !== undefined)
      allOpen &&= resealed.length === chunk.length
      if (resealed.length === 0) continue
      this.#options.signal?.throwIfAborted()
      await this.#transport.sendAuthorized(VersionsResealed, {
        method: 'POST',
        path: pathTo(rotationPaths.versions, { vaultId: this.#vault.id }),
        body: { versions: resealed },
      })
      this.#done += resealed.length
    }
    return allOpen
  }

  /** With the counter that it has: a higher one would let a server show a version as the newest state. */
  async #resealVersion(itemId: string, version: ItemVersion) {
    const { data, revision } = version
    const { keys, id: vaultId } = this.#vault
    const associatedData = itemAssociatedData(vaultId, itemId)
    let plaintext: Uint8Array
    try {
      plaintext = await keys.open(keyVersionOf(version), associatedData, data)
    } catch (error) {
      if (!(error instanceof OpenError)) throw error
      if (!this.#options.dropUnreadable) return undefined
      this.#dropped.add(itemId)
      plaintext = new TextEncoder().encode('{"kind":"note","name":"A version that did not open"}')
    }
    const files = version.attachments?.length ? await this.#contentWithFiles(itemId, plaintext) : undefined
    if (version.attachments?.length && !files) return undefined
    const sealed = await keys.seal(associatedData, files?.plaintext ?? plaintext)
    const attachments = files && { attachments: files.ids }
    return { itemId, revision, data: sealed.data, keyVersion: this.#keyVersion, ...attachments }
  }

  /** Content of a version that names its files as they were sealed anew. @returns undefined if one cannot be */
  async #contentWithFiles(itemId: string, plaintext: Uint8Array) {
    try {
      const { content, edits } = readItemContent(plaintext)
      const { signal, dropUnreadable } = this.#options
      const { files, lost } = await this.#vault.resealedContent(itemId, content, { signal })
      if (lost.length > 0 && !dropUnreadable) return undefined
      if (lost.length > 0) this.#dropped.add(itemId)
      return { plaintext: encodeContent(files, edits || undefined), ids: filesOf(files).map(({ id }) => id) }
    } catch (error) {
      if (error instanceof ContentError) return undefined
      throw error
    }
  }

  /** @returns false if something is left */
  async #finish(): Promise<boolean> {
    this.#options.signal?.throwIfAborted()
    try {
      const vault = await this.#transport.sendAuthorized(Vault, {
        method: 'POST',
        path: pathTo(rotationPaths.finish, { vaultId: this.#vault.id }),
        body: { keyVersion: this.#keyVersion },
      })
      await this.#vault.data.take(vault)
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'rotation-incomplete') return false
      throw error
    }
    if (this.#vault.sealed.keyVersion < this.#keyVersion)
      throw new RefusedError('The server says that the key was changed, and shows the old one.')
    return true
  }

  #tell(left: number): void {
    this.#options.onProgress?.({ done: this.#done, total: this.#done + left })
  }
}
