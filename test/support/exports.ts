// Exports without a server: items as they come out of an account, and what was written of them.
import { randomUUID } from 'node:crypto'
import type { AttachedFile, ItemContent, UnknownContent } from '../../src/sdk/index.ts'
import type { OutgoingItem, Unplaced, Writer } from '../../src/sdk/moving/index.ts'

export const exportedAt = new Date('2026-03-01T12:00:00.000Z')
const [createdAt, updatedAt] = ['2026-01-31T12:00:00.000Z', '2026-02-01T12:00:00.000Z']

export interface Outgoing {
  readonly vault?: string
  readonly trashed?: boolean
  readonly versions?: readonly (ItemContent | UnknownContent)[]
  /** Files by name; undefined for one that cannot be had. */
  readonly files?: Readonly<Record<string, Uint8Array | undefined>>
}

const vaultIds = new Map<string, string>()
const vaultOf = (name: string) => {
  const id = vaultIds.get(name) ?? randomUUID()
  vaultIds.set(name, id)
  return { id, content: { name } }
}

/** An item as an account has it. */
export function outgoing(content: ItemContent | UnknownContent, options: Outgoing = {}): OutgoingItem {
  const { vault = 'Personal', trashed = false, versions = [], files = {} } = options
  const contents = new Map<string, Uint8Array | undefined>()
  const entries: AttachedFile[] = Object.entries(files).map(([name, bytes]) => {
    const id = randomUUID()
    contents.set(id, bytes)
    const salt = Buffer.alloc(32, 7).toString('base64url')
    return { id, name, type: 'text/plain', size: bytes?.length ?? 10, salt }
  })
  return {
    vault: vaultOf(vault),
    item: {
      id: randomUUID(),
      revision: 3,
      createdAt,
      updatedAt,
      deletedAt: trashed ? updatedAt : null,
      content: entries.length > 0 ? { ...content, attachments: entries } : content,
    },
    versions: versions.map((one) => ({ createdAt, replacedAt: updatedAt, content: one })),
    files: entries,
    async *download(file) {
      const bytes = contents.get(file.id)
      if (!bytes) {
        yield undefined
        return
      }
      for (let at = 0; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000)
    },
  }
}

/** Writes items in a format. @returns the file, and what the format had no place for */
export async function written(writer: Writer, items: readonly OutgoingItem[], passphrase = '') {
  const unplaced: Partial<Record<Unplaced, number>> = {}
  const pieces: Uint8Array[] = []
  const all = async function* () {
    yield* items
  }
  const vaults = [...new Map(items.map(({ vault }) => [vault.id, vault])).values()]
  const bytes = writer.write(all(), {
    passphrase,
    vaults,
    program: 'a test',
    createdAt: exportedAt,
    onUnplaced: (what, count) => {
      if (count > 0) unplaced[what] = (unplaced[what] ?? 0) + count
    },
  })
  for await (const piece of bytes) pieces.push(piece)
  return { bytes: new Uint8Array(Buffer.concat(pieces)), unplaced }
}

/** The writer of this name. */
export function writerNamed(all: readonly Writer[], name: string): Writer {
  const writer = all.find((one) => one.name === name)
  if (!writer) throw new Error(`There is no writer ${name}`)
  return writer
}
