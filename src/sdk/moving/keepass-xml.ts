// KeePass 2 and KeePassXC: a database as XML in clear (keepass.info/help/kb/kdbx.html, "Inner Format: XML").
import type { NewFile } from '../new-file.ts'
import { gunzipped, LargeGzipError } from './gzip.ts'
import { ImportError, type Leftover } from './incoming.ts'
import { itemsOfKeePass, type KeePassEntry, type KeePassState, othersOf } from './keepass-entry.ts'
import type { Reader } from './reader.ts'
import { fileOfBytes, textOf, wholeFile } from './whole-file.ts'
import { type Element, parseXml } from './xml.ts'

const title = 'KeePass (XML)'

/** Of one attached file, unpacked. */
const largestFile = 512 * 1024 * 1024

/** Seconds from the year 1 to 1970. */
const secondsTo1970 = 62_135_596_800

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(base64.replace(/\s/g, '')), (character) => character.charCodeAt(0))
  } catch {
    throw new ImportError('malformed', 'A binary value of the file is no base64. Export it again.')
  }
}

/** A time as text, or as the seconds since the year 1 in base64. */
function timeOf(text: string): string | undefined {
  const bytes = /^[A-Za-z0-9+/]{11}=$/.test(text) ? bytesOf(text) : undefined
  const milliseconds = bytes
    ? (Number(new DataView(bytes.buffer).getBigInt64(0, true)) - secondsTo1970) * 1000
    : Date.parse(text)
  return Math.abs(milliseconds) < 8.64e15 ? new Date(milliseconds).toISOString() : undefined
}

const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')

function unpacked(element: Element): Uint8Array {
  const bytes = bytesOf(element.text)
  if (element.attributes.Compressed?.toLowerCase() !== 'true') return bytes
  try {
    return gunzipped(bytes, largestFile)
  } catch (error) {
    if (error instanceof LargeGzipError)
      throw new ImportError('too-large', 'An attached file has more than 512 MiB once it is unpacked.')
    throw new ImportError(
      'malformed',
      'An attached file of the database cannot be unpacked. Export it again.',
    )
  }
}

interface File {
  readonly trash: string
  readonly binaries: ReadonlyMap<string, Element>
  readonly entries: KeePassEntry[]
}

const stringsOf = (entry: Element): KeePassEntry['strings'] =>
  new Map(
    entry.all('String').map((one) => {
      const value = one.one('Value')
      const { Protected = '', ProtectInMemory = '' } = value.attributes
      const isProtected = [Protected, ProtectInMemory].some((text) => text.toLowerCase() === 'true')
      return [one.one('Key').text, { value: value.text, isProtected }]
    }),
  )

function stateOf(entry: Element): KeePassState {
  const strings = stringsOf(entry)
  return {
    password: strings.get('Password')?.value ?? '',
    modifiedAt: timeOf(entry.one('Times').one('LastModificationTime').text),
    others: othersOf(strings),
  }
}

function filesOf(entry: Element, { binaries }: File): NewFile[] {
  return entry.all('Binary').flatMap((one) => {
    const value = one.one('Value')
    const stored = value.attributes.Ref === undefined ? value : binaries.get(value.attributes.Ref)
    return stored ? [fileOfBytes(unpacked(stored), one.one('Key').text)] : []
  })
}

function entryOf(entry: Element, file: File, groups: readonly string[], trashed: boolean): KeePassEntry {
  const times = entry.one('Times')
  const autoType = entry.one('AutoType')
  const others: [string, string][] = [
    ['Override URL', entry.one('OverrideURL').text],
    ['Auto-Type sequence', autoType.one('DefaultSequence').text],
    ...autoType
      .all('Association')
      .map((one): [string, string] => [
        `Auto-Type for ${one.one('Window').text}`,
        one.one('KeystrokeSequence').text || 'the default sequence',
      ]),
    ...entry
      .one('CustomData')
      .all('Item')
      .map((one): [string, string] => [one.one('Key').text, one.one('Value').text]),
  ]
  return {
    uuid: hex(bytesOf(entry.one('UUID').text)),
    strings: stringsOf(entry),
    tags: entry.one('Tags').text.split(/[;,]/),
    files: filesOf(entry, file),
    history: entry.one('History').all('Entry').map(stateOf),
    modifiedAt: timeOf(times.one('LastModificationTime').text),
    expiresAt:
      times.one('Expires').text.toLowerCase() === 'true' ? timeOf(times.one('ExpiryTime').text) : undefined,
    groups,
    trashed,
    others: others.filter(([name]) => name !== '_LAST_MODIFIED'),
  }
}

function readGroup(group: Element, file: File, path: readonly string[], trashed: boolean): void {
  for (const entry of group.all('Entry')) file.entries.push(entryOf(entry, file, path, trashed))
  for (const one of group.all('Group')) {
    const isTrash = one.one('UUID').text === file.trash
    readGroup(one, file, isTrash ? path : [...path, one.one('Name').text], trashed || isTrash)
  }
}

export const keePassXml: Reader = {
  name: 'keepass-xml',
  title,
  recognises: ({ text }) => /^\s*(<\?xml[^>]*>\s*)?(<!--[^>]*-->\s*)?<KeePassFile\b/.test(text),
  async read(source) {
    const root = parseXml(textOf(await wholeFile(source)))
    const meta = root.one('Meta')
    const isBinUsed = meta.one('RecycleBinEnabled').text.toLowerCase() !== 'false'
    const file: File = {
      trash: isBinUsed ? meta.one('RecycleBinUUID').text : '',
      binaries: new Map(
        meta
          .one('Binaries')
          .all('Binary')
          .map((one) => [one.attributes.ID ?? '', one]),
      ),
      entries: [],
    }
    for (const group of root.one('Root').all('Group')) readGroup(group, file, [], false)
    const leftovers: Leftover[] = [
      { place: 'all items', what: 'when they were made and changed', wentTo: undefined },
      { place: 'all items', what: 'icons', wentTo: undefined },
    ]
    return { format: title, items: itemsOfKeePass(file.entries, leftovers), leftovers }
  },
}
