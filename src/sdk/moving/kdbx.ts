// Databases of KeePass 2, KeePassXC and their relatives: KDBX 3 and 4 (keepass.info/help/kb/kdbx.html).
import type * as Kdbxweb from 'kdbxweb'
import type { NewFile } from '../new-file.ts'
import { ImportError, type Leftover } from './incoming.ts'
import { type KdbxLibrary as Library, loadKdbxweb } from './kdbx-argon2.ts'
import { openKdbx } from './kdbx-open.ts'
import { itemsOfKeePass, type KeePassEntry, type KeePassState, othersOf } from './keepass-entry.ts'
import type { Reader } from './reader.ts'
import { fileOfBytes, wholeFile } from './whole-file.ts'

/** The first eight bytes. The last of them tells a database of KeePass 1. */
const signature = [0x03, 0xd9, 0xa2, 0x9a, 0x67, 0xfb, 0x4b, 0xb5]
const signatureOfKeePass1 = [0x03, 0xd9, 0xa2, 0x9a, 0x65, 0xfb, 0x4b, 0xb5]

const beginsWith = (head: Uint8Array, bytes: readonly number[]) =>
  bytes.every((byte, at) => head[at] === byte)

const title = 'KeePass (KDBX)'

const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')

/** Reads the groups of an open database. */
class Database {
  readonly #library: Library
  readonly #kdbx: Kdbxweb.Kdbx
  readonly entries: KeePassEntry[] = []
  readonly #leftovers: Leftover[]

  constructor(library: Library, kdbx: Kdbxweb.Kdbx, leftovers: Leftover[]) {
    this.#library = library
    this.#kdbx = kdbx
    this.#leftovers = leftovers
  }

  read(): void {
    for (const group of this.#kdbx.groups) this.#readGroup(group, [], false)
    if (this.#kdbx.meta.customIcons.size > 0)
      this.#leftovers.push({ place: 'the database', what: 'icons of its own', wentTo: undefined })
  }

  #readGroup(group: Kdbxweb.KdbxGroup, path: readonly string[], isInTrash: boolean): void {
    const { meta } = this.#kdbx
    const trash = meta.recycleBinEnabled === false ? undefined : meta.recycleBinUuid
    const isTrash = isInTrash || (trash !== undefined && !trash.empty && group.uuid.equals(trash))
    if (group.notes)
      this.#leftovers.push({
        place: `group "${group.name ?? ''}"`,
        what: 'notes of a group',
        wentTo: undefined,
      })
    for (const entry of group.entries) this.entries.push(this.#entry(entry, path, isTrash))
    for (const one of group.groups) {
      // The name of the recycle bin is no folder.
      const isBin = trash !== undefined && one.uuid.equals(trash)
      this.#readGroup(one, isBin ? path : [...path, one.name ?? ''], isTrash)
    }
  }

  #text(value: Kdbxweb.KdbxEntryField): string {
    return value instanceof this.#library.ProtectedValue ? value.getText() : value
  }

  #strings({ fields }: Kdbxweb.KdbxEntry): KeePassEntry['strings'] {
    return new Map(
      [...fields].map(([name, value]) => [
        name,
        { value: this.#text(value), isProtected: value instanceof this.#library.ProtectedValue },
      ]),
    )
  }

  #state(entry: Kdbxweb.KdbxEntry): KeePassState {
    const strings = this.#strings(entry)
    return {
      password: strings.get('Password')?.value ?? '',
      modifiedAt: entry.times.lastModTime?.toISOString(),
      others: othersOf(strings),
    }
  }

  #files({ binaries }: Kdbxweb.KdbxEntry): NewFile[] {
    return [...binaries].map(([name, binary]) => {
      const value = 'hash' in binary ? binary.value : binary
      const bytes = value instanceof this.#library.ProtectedValue ? value.getBinary() : new Uint8Array(value)
      return fileOfBytes(bytes, name)
    })
  }

  #entry(entry: Kdbxweb.KdbxEntry, groups: readonly string[], trashed: boolean): KeePassEntry {
    const { times, overrideUrl, autoType, customData, tags, history, uuid } = entry
    const others: [string, string][] = []
    if (overrideUrl) others.push(['Override URL', overrideUrl])
    const { defaultSequence } = autoType
    if (defaultSequence) others.push(['Auto-Type sequence', defaultSequence])
    for (const { window, keystrokeSequence } of autoType.items)
      others.push([`Auto-Type for ${window}`, keystrokeSequence || 'the default sequence'])
    // It repeats the time of the last change.
    for (const [name, { value }] of customData ?? [])
      if (name !== '_LAST_MODIFIED' && value) others.push([name, value])
    return {
      uuid: hex(new Uint8Array(uuid.toBytes())),
      strings: this.#strings(entry),
      tags,
      files: this.#files(entry),
      history: history.map((state) => this.#state(state)),
      modifiedAt: times.lastModTime?.toISOString(),
      expiresAt: times.expires ? times.expiryTime?.toISOString() : undefined,
      groups,
      trashed,
      others,
    }
  }
}

export const kdbx: Reader = {
  name: 'kdbx',
  title,
  recognises: ({ head }) => beginsWith(head, signature),
  async read(file, { password, keyFile }) {
    const data = (await wholeFile(file)).buffer
    const library = await loadKdbxweb()
    const opened = await openKdbx(library, data, { password, keyFile })
    const leftovers: Leftover[] = [
      { place: 'all items', what: 'when they were made and changed', wentTo: undefined },
      { place: 'all items', what: 'icons', wentTo: undefined },
    ]
    const database = new Database(library, opened, leftovers)
    database.read()
    return { format: title, items: itemsOfKeePass(database.entries, leftovers), leftovers }
  },
}

export const keePass1: Reader = {
  name: 'kdb',
  title: 'KeePass 1 (KDB)',
  recognises: ({ head }) => beginsWith(head, signatureOfKeePass1),
  async read() {
    throw new ImportError(
      'unsupported',
      'This is a database of KeePass 1. Open it in KeePassXC or KeePass 2, save it as KDBX, and import that.',
    )
  },
}
