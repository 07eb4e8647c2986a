// When two items are the same to a person, whatever program wrote them down.
import { createSHA256 } from 'hash-wasm'
import type { ItemContent, UnknownContent } from '../../contract/content.ts'
import { hkdfSha256 } from '../../protocol/hkdf.ts'
import { filesOf } from '../attached-files.ts'
import type { NewFile } from '../new-file.ts'

/** What a client sets beside the content that its owner sees. */
const besides = new Set(['edits', 'attachments'])

const isEmpty = (value: unknown) =>
  value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)

/** With its members in one order and without those that are empty, which mean the same as absent ones. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
    .filter(([, member]) => !isEmpty(member))
    .sort(([one], [other]) => (one < other ? -1 : 1))
  return entries.map(([name, member]) => [name, ordered(member)])
}

/** Content as a text that is the same for the same content, without files and counter. */
export function canonical(content: ItemContent | UnknownContent): string {
  const members = Object.entries(content).filter(
    ([name, value]) => !besides.has(name) && !(name === 'favourite' && value === false),
  )
  return JSON.stringify(ordered(Object.fromEntries(members)))
}

type Named = Pick<NewFile, 'name' | 'size'>

/** A file by what an item tells of it. */
export const fileKey = ({ name, size }: Named) => JSON.stringify([name, size])

/** The same for an item of a file and an item of a vault that hold the same. Of files, name and size are compared. */
export const likeness = (
  content: ItemContent | UnknownContent,
  files: readonly Named[] = filesOf(content),
): string => JSON.stringify([canonical(content), files.map(fileKey).sort()])

const { subtle } = globalThis.crypto
type Key = Awaited<ReturnType<typeof subtle.importKey>>

/** Gives the items of an import ids that follow from what they are, so that the same import finds them again. */
export class ImportIds {
  readonly #key: Key

  private constructor(key: Key) {
    this.#key = key
  }

  /** @param vaultKey 32 bytes: without it, nobody can tell by an id whether a guess at the content is right */
  static async of(vaultKey: Uint8Array): Promise<ImportIds> {
    const bytes = await hkdfSha256(vaultKey, new Uint8Array(0), 'limpet/v1/import', 32)
    return new ImportIds(
      await subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']),
    )
  }

  /**
   * The id of an item: a UUID that looks like every other one (RFC 9562, section 5.4).
   * @param identity what the item is, as a text
   * @param attempt counts the ids of this item that were deleted for good, and are not used again
   */
  async idOf(identity: string, attempt = 0): Promise<string> {
    const text = new TextEncoder().encode(JSON.stringify([identity, attempt]))
    const bytes = new Uint8Array(await subtle.sign('HMAC', this.#key, text)).subarray(0, 16)
    const [version = 0, variant = 0] = [bytes[6], bytes[8]]
    bytes[6] = 0x40 | (version & 0x0f)
    bytes[8] = 0x80 | (variant & 0x3f)
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }
}

/** What an item of a file is: its content, and the names and the bytes of its files. */
export async function identityOf(
  content: ItemContent | UnknownContent,
  files: readonly NewFile[],
): Promise<string> {
  const digests = []
  for (const file of files) digests.push([fileKey(file), await digestOf(file)])
  return JSON.stringify([canonical(content), digests.sort()])
}

/** SHA-256 of a file, as hexadecimal digits. */
async function digestOf(file: NewFile): Promise<string> {
  const hash = await createSHA256()
  for await (const piece of file.read(0)) hash.update(piece)
  return hash.digest('hex')
}
