// What an import will do, before it does anything: which items are new, which are there, which vault and folder each one goes to.
import type { AttachedFile, ItemContent, UnknownContent } from '../../contract/content.ts'
import { sealedFileBytes } from '../../contract/file-sizes.ts'
import { isItemContent } from '../../protocol/item-content.ts'
import { filesOf } from '../attached-files.ts'
import type { NewFile } from '../new-file.ts'
import type { OpenItem } from '../open-item.ts'
import type { OpenVault } from '../vault.ts'
import { fitted } from './fitting.ts'
import type { Incoming, IncomingItem, Leftover } from './incoming.ts'
import { canonical, fileKey, ImportIds, identityOf, likeness } from './likeness.ts'

/** What becomes of the folders of the other program. */
export type FolderChoice = 'folder' | 'tags' | 'vaults'

/** A vault that items go to. */
export interface ImportTarget {
  readonly name: string
  /** Undefined for one that is to be made. */
  readonly vault: OpenVault | undefined
  /** What it has, in the trash or not. */
  readonly items: readonly OpenItem[]
}

/** An item that is to be written, or to be finished. */
export interface PlannedItem extends Omit<IncomingItem, 'vault'> {
  /** What it is, from which its id follows. */
  readonly identity: string
  /** As an import that broke off has left it; undefined for a new one. */
  readonly begun: OpenItem | undefined
}

export interface PlannedVault {
  readonly target: ImportTarget
  /** In the order of the file. */
  readonly items: readonly PlannedItem[]
}

export interface ImportPlan {
  readonly format: string
  readonly vaults: readonly PlannedVault[]
  /** Of each kind, how many are new. */
  readonly kinds: ReadonlyMap<string, number>
  /** How many new items go to the trash. */
  readonly trashed: number
  /** Files that are to be uploaded, and their bytes once they are sealed. */
  readonly files: number
  readonly fileBytes: number
  /** Items that are in the vault already, also if they were changed since an import. */
  readonly present: number
  /** Items that are in the trash of the vault, and stay there. */
  readonly presentInTrash: number
  /** Items that the file has several times. */
  readonly repeated: number
  /** Items that an import which broke off has not finished. */
  readonly begun: number
  readonly leftovers: readonly Leftover[]
}

/** The content of an item with its folder as it was chosen, and the name of the vault that it asks for. */
function arranged(
  { content, vault }: IncomingItem,
  folders: FolderChoice,
): { content: ItemContent | UnknownContent; vault: string | undefined } {
  if (!isItemContent(content)) return { content, vault }
  const { folder, ...rest } = content
  if (folders === 'folder' || !folder) return { content, vault }
  const parts = folder.split('/').filter((part) => part !== '')
  if (folders === 'tags')
    return { content: { ...rest, tags: [...new Set([...(content.tags ?? []), ...parts])] }, vault }
  const [first, ...below] = parts
  return { content: { ...rest, ...(below.length > 0 && { folder: below.join('/') }) }, vault: first ?? vault }
}

/** The names of the vaults that the items of a file ask for, undefined for those that ask for none. */
export const vaultsAskedFor = ({ items }: Incoming, folders: FolderChoice): ReadonlySet<string | undefined> =>
  new Set(items.map((item) => arranged(item, folders).vault))

/** What is known of one vault while items for it are looked at. */
class Vault {
  readonly target: ImportTarget
  readonly planned: PlannedItem[] = []
  readonly #ids: ImportIds | undefined
  readonly #byId: ReadonlyMap<string, OpenItem>
  /** What is alike, and whether all of it is in the trash. */
  readonly #alike = new Map<string, boolean>()
  readonly #seen = new Set<string>()

  private constructor(target: ImportTarget, ids: ImportIds | undefined) {
    this.target = target
    this.#ids = ids
    this.#byId = new Map(target.items.map((item) => [item.id, item]))
    for (const { content, deletedAt } of target.items) {
      const key = likeness(content)
      this.#alike.set(key, deletedAt !== null && (this.#alike.get(key) ?? true))
    }
  }

  static async of(target: ImportTarget): Promise<Vault> {
    const { vault } = target
    return new Vault(target, vault && (await ImportIds.of(vault.keys.bytesOf(vault.keys.newest))))
  }

  /** What is to be done about an item: nothing if it is here, or stands in the file before. */
  async look(
    item: Omit<PlannedItem, 'identity' | 'begun'>,
  ): Promise<PlannedItem | 'present' | 'in trash' | 'repeated'> {
    const identity = await identityOf(item.content, item.files)
    if (this.#seen.has(identity)) return 'repeated'
    this.#seen.add(identity)
    const found = this.#ids && this.#byId.get(await this.#ids.idOf(identity))
    if (found && isUnfinished(found, item)) return { ...item, identity, begun: found }
    if (found) return found.deletedAt !== null && !item.trashed ? 'in trash' : 'present'
    const alike = this.#alike.get(likeness(item.content, item.files))
    if (alike !== undefined) return alike && !item.trashed ? 'in trash' : 'present'
    return { ...item, identity, begun: undefined }
  }
}

/** Of the files of an item those that it names already, with what it says of them. */
export function uploadedFiles({
  begun,
  versions,
  files,
}: Pick<PlannedItem, 'begun' | 'versions' | 'files'>): Map<NewFile, AttachedFile> {
  const there = begun ? [...filesOf(begun.content)] : []
  const uploaded = new Map<NewFile, AttachedFile>()
  for (const file of new Set([...files, ...versions.flatMap((version) => version.files)])) {
    const at = there.findIndex((entry) => fileKey(entry) === fileKey(file))
    for (const entry of at < 0 ? [] : there.splice(at, 1)) uploaded.set(file, entry)
  }
  return uploaded
}

/** How many of its states an item has already: all of them if it is not one of those before the last. */
export function statesWritten(
  { content }: OpenItem,
  { versions, content: last }: Pick<PlannedItem, 'versions' | 'content'>,
): number {
  // Also if it was the same before: writing the last state again would take the files out of it.
  if (canonical(content) === canonical(last)) return versions.length + 1
  const at = versions.findLastIndex((version) => canonical(version.content) === canonical(content))
  return at < 0 ? versions.length + 1 : at + 1
}

/** The files that are still to be uploaded for an item: of its states that are not written, and of the last one in any case. */
function filesToUpload(item: PlannedItem): NewFile[] {
  const written = item.begun ? statesWritten(item.begun, item) : 0
  const uploaded = uploadedFiles(item)
  const all = [...item.files, ...item.versions.slice(written).flatMap(({ files }) => files)]
  return [...new Set(all)].filter((file) => !uploaded.has(file))
}

/** Whether an import broke off between an item and what belongs to it. What its owner has changed since, or put into the trash, stays. */
function isUnfinished(found: OpenItem, item: Omit<PlannedItem, 'identity' | 'begun'>): boolean {
  if (found.deletedAt !== null || !isItemContent(found.content)) return false
  if (statesWritten(found, item) <= item.versions.length) return true
  if (canonical(found.content) !== canonical(item.content)) return false
  const uploaded = uploadedFiles({ ...item, begun: found })
  return item.trashed || item.files.some((file) => !uploaded.has(file))
}

interface PlanOptions {
  readonly folders: FolderChoice
  /** The vault for items that ask for this one. The same one each time it is asked. */
  targetOf(name: string | undefined): ImportTarget
}

/** Looks at everything that a file holds. Nothing is written. */
export async function planImport(
  incoming: Incoming,
  { folders, targetOf }: PlanOptions,
): Promise<ImportPlan> {
  const vaults = new Map<ImportTarget, Vault>()
  const vaultOf = async (target: ImportTarget) => {
    const vault = vaults.get(target) ?? (await Vault.of(target))
    vaults.set(target, vault)
    return vault
  }
  const leftovers = [...incoming.leftovers]
  const count = { present: 0, presentInTrash: 0, repeated: 0 }
  for (const item of incoming.items) {
    const { content, vault: wanted } = arranged(item, folders)
    const { place, trashed } = item
    const tell = (leftover: Omit<Leftover, 'place'>) => leftovers.push({ place, ...leftover })
    const sized = fitted({ content, files: item.files }, tell)
    if (!sized) {
      leftovers.push({ place, what: 'an item that is too large', wentTo: undefined })
      continue
    }
    const versions = item.versions.flatMap((version) => fitted(version, () => {}) ?? [])
    if (versions.length < item.versions.length)
      tell({ what: 'an earlier version that is too large', wentTo: undefined })
    const vault = await vaultOf(targetOf(wanted))
    const found = await vault.look({ ...sized, versions, trashed, place })
    if (found === 'present') count.present++
    else if (found === 'in trash') count.presentInTrash++
    else if (found === 'repeated') count.repeated++
    else vault.planned.push(found)
  }
  const all = [...vaults.values()]
  const planned = all.flatMap((vault) => vault.planned)
  const fresh = planned.filter(({ begun }) => begun === undefined)
  const kinds = new Map<string, number>()
  for (const { content } of fresh) kinds.set(content.kind, (kinds.get(content.kind) ?? 0) + 1)
  const files = planned.flatMap(filesToUpload)
  return {
    format: incoming.format,
    vaults: all
      .filter((vault) => vault.planned.length > 0)
      .map(({ target, planned }) => ({ target, items: planned })),
    kinds,
    trashed: fresh.filter(({ trashed }) => trashed).length,
    files: files.length,
    fileBytes: files.reduce((sum, { size }) => sum + sealedFileBytes(size), 0),
    ...count,
    begun: planned.length - fresh.length,
    leftovers,
  }
}
