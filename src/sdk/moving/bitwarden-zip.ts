// Bitwarden's export with files: the same JSON, and a folder for each item that has files (bitwarden.com/help/export-your-data).
import type { NewFile } from '../new-file.ts'
import { isBitwardenInClear, readBitwarden } from './bitwarden-json.ts'
import { ImportError, type IncomingItem, type Leftover } from './incoming.ts'
import type { Reader } from './reader.ts'
import { jsonIn, wholeFile } from './whole-file.ts'
import { isZip, Zip } from './zip.ts'

const title = 'Bitwarden (ZIP)'
const data = 'data.json'

/** An item's name as a folder of the archive: what Windows allows in no name becomes one line. */
const folderNamed = (name: string) => name.replace(/[/\\><:"|?*]/g, '_').replace(/_{2,}/g, '_')

const files = 'attachments/'
const baseName = (path: string) => path.slice(path.lastIndexOf('/') + 1)

/** The paths of the files, by folder. */
function foldersOf(zip: Zip): Map<string, string[]> {
  const folders = new Map<string, string[]>()
  for (const path of zip.names) {
    if (!path.startsWith(files) || path.endsWith('/')) continue
    const folder = path.slice(files.length, -baseName(path).length - 1)
    const paths = folders.get(folder) ?? []
    paths.push(path)
    folders.set(folder, paths)
  }
  return folders
}

/** The folder of each item, by its place in the list. */
interface Owners {
  readonly folders: ReadonlyMap<number, string>
  /** The items whose folder can be that of another item too. */
  readonly unsure: ReadonlySet<number>
}

/**
 * Of several items of one name, the first with files has the folder `Name`, the next one `Name_1`, and so on: the archive does
 * not say which of them have files. It is sure only where all of them do.
 */
function ownersOf(items: readonly IncomingItem[], existing: ReadonlySet<string>): Owners {
  const namesakes = new Map<string, number[]>()
  for (const [at, { content }] of items.entries())
    namesakes.set(content.name, [...(namesakes.get(content.name) ?? []), at])
  const owners = new Map<string, number>()
  const unsure = new Set<number>()
  for (const [name, group] of namesakes) {
    const candidates = group
      .map((_, at) => (at === 0 ? folderNamed(name) : `${folderNamed(name)}_${at}`))
      .filter((folder) => existing.has(folder))
    for (const [at, folder] of candidates.entries()) {
      const [own, earlier] = [group[at], owners.get(folder)]
      if (own === undefined) continue
      if (earlier === undefined) owners.set(folder, own)
      // Two names that differ only in what became a line.
      if (earlier !== undefined) unsure.add(earlier)
      else if (candidates.length < group.length) unsure.add(own)
    }
  }
  return { folders: new Map([...owners].map(([folder, at]) => [at, folder])), unsure }
}

export const bitwardenZip: Reader = {
  name: 'bitwarden-zip',
  title,
  // The name stands after a number whose upper byte is zero (APPNOTE 4.3.7), and not in a folder, as in other programs' archives.
  recognises: ({ head, text }) => isZip(head) && text.includes(`\0${data}`),
  async read(file) {
    const zip = Zip.of(await wholeFile(file))
    const bytes = zip.read(data)
    const value = bytes && jsonIn(bytes)
    if (!isBitwardenInClear(value))
      throw new ImportError(
        'malformed',
        'The archive has no data.json of Bitwarden. Export it again as ".zip (with attachments)".',
      )
    const { items, leftovers: ofItems } = readBitwarden(value, title)
    const paths = foldersOf(zip)
    const { folders, unsure } = ownersOf(items, new Set(paths.keys()))
    const taken = new Set([data])
    const leftovers: Leftover[] = [...ofItems]
    const filesOf = (at: number, place: string): NewFile[] => {
      const folder = folders.get(at)
      const own = folder === undefined ? [] : (paths.get(folder) ?? [])
      for (const path of own) taken.add(path)
      if (unsure.has(at))
        leftovers.push({
          place,
          what: 'files of one of several items of this name; the archive does not say which',
          wentTo: 'this item',
        })
      return own.flatMap((path) => zip.file(path, baseName(path)) ?? [])
    }
    const withFiles = items.map((item, at) => ({ ...item, files: filesOf(at, item.place) }))
    for (const path of zip.names)
      if (!taken.has(path) && !path.endsWith('/'))
        leftovers.push({ place: path, what: 'a file of the archive', wentTo: undefined })
    return { format: title, items: withFiles, leftovers }
  },
}
