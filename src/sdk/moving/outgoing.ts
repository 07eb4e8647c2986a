// What an export holds: every item of some vaults, with its earlier versions and its files.
import type { AttachedFile, ItemContent, UnknownContent } from '../../contract/content.ts'
import type { Item } from '../../contract/vaults.ts'
import { OpenError } from '../../protocol/envelope.ts'
import { ContentError } from '../../protocol/item-content.ts'
import { filesOf } from '../attached-files.ts'
import { isLostFile } from '../attachments.ts'
import { ProblemError } from '../errors.ts'
import type { OpenItem } from '../open-item.ts'
import type { OpenVault } from '../vault.ts'

/** A vault, and the states of its items that are exported, as one pull gave them: nothing that is written later mixes in. */
export interface VaultToExport {
  readonly vault: OpenVault
  readonly items: Iterable<Item>
}

/** An earlier state of an item. */
export interface OutgoingVersion {
  readonly createdAt: string
  readonly replacedAt: string
  readonly content: ItemContent | UnknownContent
}

export interface OutgoingItem {
  readonly vault: Pick<OpenVault, 'id' | 'content'>
  readonly item: OpenItem
  /** Oldest first. */
  readonly versions: readonly OutgoingVersion[]
  /** Of the item, and then those that only its versions have; each once. */
  readonly files: readonly AttachedFile[]
  /**
   * The plaintext of one of `files`. Nothing of it counts before the end.
   * @returns undefined at the first piece that cannot be had: the server does not have the file, or it does not open
   */
  download(file: AttachedFile): AsyncGenerator<Uint8Array | undefined, void, undefined>
}

/** What an export could not take. */
export interface Omission {
  readonly vault: string
  readonly itemId: string
  /** An item that does not open, or is malformed inside; a history of which something does not; or a file, by its name. */
  readonly what: 'item' | 'versions' | { readonly file: string }
}

export interface OutgoingOptions {
  readonly signal?: AbortSignal | undefined
  /** Told how many items are done. */
  readonly onProgress?: ((items: number) => void) | undefined
  /** Told of everything that is left out; the export goes on without it. */
  readonly onOmission: (omission: Omission) => void
}

/** How many histories are asked for at a time. */
const atOnce = 16

/** Whether an item was written once only, so that it has no earlier versions. Items of clients that do not count say nothing. */
const isNew = async (vault: OpenVault, item: Item) =>
  item.createdAt === item.updatedAt && (await vault.seals.editsOf(item)) === 1

/** The states before the one that is exported, oldest first. Throws OpenError and ContentError. */
async function versionsBefore(vault: OpenVault, item: Item): Promise<OutgoingVersion[]> {
  if (await isNew(vault, item)) return []
  try {
    const versions = await vault.versions(item.id)
    return versions
      .filter(({ revision }) => revision < item.revision)
      .map(({ createdAt, replacedAt, content }) => ({ createdAt, replacedAt, content }))
      .reverse()
  } catch (error) {
    // It was deleted for good after it was pulled, with its history.
    if (error instanceof ProblemError && error.code === 'not-found') return []
    throw error
  }
}

/** All files that the contents name, each once. */
function filesIn(contents: readonly (ItemContent | UnknownContent)[]): AttachedFile[] {
  const files = new Map<string, AttachedFile>()
  for (const file of contents.flatMap(filesOf)) if (!files.has(file.id)) files.set(file.id, file)
  return [...files.values()]
}

const isBroken = (error: unknown) => error instanceof OpenError || error instanceof ContentError

/**
 * The items of the vaults one after the other, in the order of their vaults. A few are in memory at a time, and no file.
 * Throws NetworkError and ProblemError, and the signal's reason.
 */
export async function* outgoingItems(
  vaults: readonly VaultToExport[],
  { signal, onProgress, onOmission }: OutgoingOptions,
): AsyncGenerator<OutgoingItem, void, undefined> {
  let done = 0
  for (const { vault, items } of vaults) {
    const omit = (itemId: string, what: Omission['what']) => onOmission({ vault: vault.name, itemId, what })

    async function open(sealed: Item): Promise<OutgoingItem[]> {
      let item: OpenItem
      try {
        item = await vault.openItem(sealed)
      } catch (error) {
        if (!isBroken(error)) throw error
        omit(sealed.id, 'item')
        return []
      }
      const versions = await versionsBefore(vault, sealed).catch((error: unknown) => {
        if (!isBroken(error)) throw error
        omit(sealed.id, 'versions')
        return []
      })
      const files = filesIn([item.content, ...versions.map(({ content }) => content).reverse()])
      async function* download(file: AttachedFile) {
        try {
          yield* vault.attachments.download(item.id, file, { signal })
        } catch (error) {
          if (!isLostFile(error)) throw error
          omit(item.id, { file: file.name })
          yield undefined
        }
      }
      return [{ vault: { id: vault.id, content: vault.content }, item, versions, files, download }]
    }

    let waiting: Item[] = []
    async function* openWaiting() {
      signal?.throwIfAborted()
      const opened = await Promise.all(waiting.map(open))
      for (const one of opened.flat()) {
        yield one
        onProgress?.(++done)
      }
      waiting = []
    }
    for (const item of items) {
      waiting.push(item)
      if (waiting.length === atOnce) yield* openWaiting()
    }
    yield* openWaiting()
  }
}
