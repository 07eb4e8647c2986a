// Reads what `limpet export` seals under a passphrase (docs/export-format.md).
import {
  type AttachedFile,
  type ItemContent,
  isOfShape,
  type UnknownContent,
} from '../../contract/content.ts'
import { ExportBegin, ExportRecord } from '../../contract/exports.ts'
import { OpenError } from '../../protocol/envelope.ts'
import { ContentError, countedContent } from '../../protocol/item-content.ts'
import { KdfRefusedError } from '../../protocol/keys.ts'
import { ExportHeaderError, isExport, OpenedExport, readExportHeader } from '../../protocol/sealed-export.ts'
import { filesOf } from '../attached-files.ts'
import type { NewFile } from '../new-file.ts'
import {
  ImportError,
  type Incoming,
  type IncomingItem,
  type IncomingState,
  type Leftover,
} from './incoming.ts'
import type { Reader } from './reader.ts'
import { fileInExport, malformedExport, RecordReader } from './record-reader.ts'
import { beginningOf } from './whole-file.ts'

const format = 'Limpet export'
const headBytes = 1024

/** What keeps an export from being opened, as a sentence about it. */
function explained(error: unknown): unknown {
  if (error instanceof ExportHeaderError)
    return error.code === 'newer-form'
      ? new ImportError('unsupported', `${error.message}. Install a newer version of Limpet.`)
      : new ImportError(
          'malformed',
          `${error.message}. Copy the file again from where it was written. Nothing was imported.`,
        )
  if (error instanceof KdfRefusedError)
    return new ImportError(
      'too-large',
      `${error.message}, and no Limpet writes such an export. Nothing was made of the passphrase, and nothing was imported.`,
    )
  if (error instanceof OpenError)
    return new ImportError(
      'malformed',
      'The export is damaged: it was cut off, changed, or put together otherwise. Copy it again from where it was written. Nothing was imported.',
    )
  return error instanceof ContentError ? malformedExport() : error
}

/** An item with what follows it, while the records are read. */
interface Begun {
  readonly place: string
  readonly vault: string
  readonly trashed: boolean
  readonly content: ItemContent | UnknownContent
  readonly versions: (ItemContent | UnknownContent)[]
  readonly files: Map<string, NewFile | 'lost'>
}

class Assembly {
  readonly items: IncomingItem[] = []
  readonly leftovers: Leftover[] = []
  #vault: string | undefined
  #count = 0
  #begun: Begun | undefined

  beginVault(name: string): void {
    this.#finishItem()
    this.#vault = name
    this.#count = 0
  }

  beginItem(content: ItemContent | UnknownContent, trashed: boolean): void {
    this.#finishItem()
    if (this.#vault === undefined) throw malformedExport()
    const place = `item ${++this.#count} of the vault "${this.#vault}"`
    this.#begun = { place, vault: this.#vault, trashed, content, versions: [], files: new Map() }
  }

  /** The item that versions and files belong to. Throws ImportError `malformed`. */
  get item(): Begun {
    if (!this.#begun) throw malformedExport()
    return this.#begun
  }

  /** What the last item says of a file, in any of its states. Throws ImportError `malformed`. */
  entryOf(fileId: string, size?: number): AttachedFile {
    const { content, versions } = this.item
    const entry = [content, ...versions].flatMap(filesOf).find(({ id }) => id === fileId)
    if (!entry || (size !== undefined && entry.size !== size)) throw malformedExport()
    return entry
  }

  finish(): void {
    this.#finishItem()
  }

  #finishItem(): void {
    const item = this.#begun
    this.#begun = undefined
    if (!item) return
    const { place, vault, trashed } = item
    const lost = new Map<string, string>()
    const stateOf = (content: ItemContent | UnknownContent): IncomingState => {
      const files = filesOf(content).flatMap(({ id, name }) => {
        const file = item.files.get(id)
        if (file !== undefined && file !== 'lost') return [file]
        lost.set(id, name)
        return []
      })
      return { content: withoutFiles(content), files }
    }
    this.items.push({ ...stateOf(item.content), vault, trashed, versions: item.versions.map(stateOf), place })
    for (const name of lost.values())
      this.leftovers.push({
        place,
        what: `the file "${name}", which could not be had when the export was made`,
        wentTo: undefined,
      })
  }
}

function withoutFiles(content: ItemContent | UnknownContent): ItemContent | UnknownContent {
  const { attachments: _, ...rest } = content
  return rest
}

async function readRecords(
  opened: OpenedExport,
  assembly: Assembly,
  onProgress: ((items: number) => void) | undefined,
): Promise<void> {
  const reader = new RecordReader(opened.read())
  try {
    if (!ExportBegin.safeParse(await reader.record()).success) throw malformedExport()
    let items = 0
    for (;;) {
      const record = await reader.record()
      // Without making another of it, which would lose members of the content such as `__proto__`.
      if (!isOfShape(ExportRecord, record, () => {})) throw malformedExport()
      switch (record.type) {
        case 'vault':
          assembly.beginVault(record.content.name)
          break
        case 'item':
          assembly.beginItem(countedContent(record.content).content, record.deletedAt !== null)
          onProgress?.(++items)
          break
        case 'version':
          assembly.item.versions.push(countedContent(record.content).content)
          break
        case 'file': {
          const entry = assembly.entryOf(record.id, record.size)
          assembly.item.files.set(record.id, fileInExport(opened, entry, reader.position))
          await reader.skipFile(record.size)
          break
        }
        case 'lost':
          assembly.item.files.set(assembly.entryOf(record.id).id, 'lost')
          break
        case 'end':
          assembly.finish()
          return await reader.requireEnd()
      }
    }
  } finally {
    await reader.close()
  }
}

/** Reads an export of this program. */
export const limpetExport: Reader = {
  name: 'limpet',
  title: format,
  recognises: ({ head }) => isExport(head),
  async read(file, { password, onProgress }): Promise<Incoming> {
    const assembly = new Assembly()
    try {
      const header = readExportHeader(await beginningOf(file, headBytes))
      if (!password)
        throw new ImportError(
          'needs-password',
          'The export is sealed under a passphrase, and none was given.',
        )
      const opened = await OpenedExport.open(file, header, await password())
      if (!opened)
        throw new ImportError(
          'wrong-password',
          'The passphrase does not open the export. It is the one that was chosen when the export was made; nobody can recover it.',
        )
      await readRecords(opened, assembly, onProgress)
    } catch (error) {
      throw explained(error)
    }
    const { items, leftovers } = assembly
    return { format, items, leftovers }
  },
}
