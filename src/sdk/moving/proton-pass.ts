// Proton Pass: an archive with `data.json`, or that file alone (proton.me/support/pass-export).
import type { ItemKind } from '../../contract/content.ts'
import type { NewFile } from '../new-file.ts'
import { Draft } from './draft.ts'
import { ImportError, type IncomingItem, type Leftover } from './incoming.ts'
import { Members } from './members.ts'
import { readProtonPasskey } from './proton-passkey.ts'
import type { Reader } from './reader.ts'
import { jsonIn, wholeFile } from './whole-file.ts'
import { isZip, Zip } from './zip.ts'

const title = 'Proton Pass'

const kinds: Readonly<Record<string, ItemKind>> = {
  login: 'login',
  alias: 'login',
  note: 'note',
  creditCard: 'card',
  identity: 'identity',
  sshKey: 'ssh-key',
}

/** The two names that a login can have there. */
export function fillName(draft: Draft, username: string, email: string): void {
  draft.set('username', username || email)
  if (username !== '' && email !== username) draft.keep('E-mail', email)
}

async function fillLogin(draft: Draft, content: Members): Promise<void> {
  fillName(draft, content.text('itemUsername', 'username'), content.text('itemEmail'))
  draft.set('password', content.text('password'))
  draft.set('totp', content.text('totpUri'))
  const urls = new Set(content.texts('urls'))
  for (const entry of content.each('autofillUrls')) {
    const [url, mode] = [entry.text('url'), entry.text('mode')]
    if (url !== '') urls.add(url)
    if (mode !== '0') draft.keep(`Autofill mode of ${url}`, mode)
  }
  draft.setList('urls', [...urls])
  const passkeys: object[] = []
  for (const passkey of content.each('passkeys')) passkeys.push(...(await readProtonPasskey(draft, passkey)))
  draft.setList('passkeys', passkeys)
}

export function fillCard(draft: Draft, content: Members): void {
  draft.set('holder', content.text('cardholderName'))
  draft.set('number', content.text('number').replaceAll(' ', ''))
  draft.set('code', content.text('verificationNumber'))
  const expiry = content.text('expirationDate')
  const [, month, year] = /^(\d{2})(\d{4})$/.exec(expiry) ?? []
  draft.set('expiry', month ? `${year}-${month}` : expiry)
  draft.keep('PIN', content.text('pin'), true)
  content.ignore('cardType')
}

export function fillIdentity(draft: Draft, content: Members): void {
  draft.set('fullName', content.text('fullName'))
  draft.set('email', content.text('email'))
  draft.set('phone', content.text('phoneNumber'))
  draft.set('organization', content.text('organization', 'company'))
  const town = ['zipOrPostalCode', 'city', 'stateOrProvince'].map((name) => content.text(name))
  const lines = [
    content.text('streetAddress'),
    town.filter((part) => part !== '').join(' '),
    content.text('countryOrRegion'),
  ]
  draft.set('address', lines.filter((line) => line !== '').join('\n'))
  for (const part of ['Personal', 'Address', 'Contact', 'Work'])
    readFields(draft, content.each(`extra${part}Details`))
  readSections(draft, content.each('extraSections'))
}

/** Fields that the owner added. */
function readFields(draft: Draft, fields: readonly Members[], heading = ''): void {
  for (const field of fields) {
    const text = field.within('data').text('content', 'totpUri', 'timestamp')
    const name = [heading, field.text('fieldName')].filter((part) => part !== '').join(': ')
    draft.field(name, text, field.text('type') !== 'text')
  }
}

function readSections(draft: Draft, sections: readonly Members[]): void {
  for (const section of sections)
    readFields(draft, section.each('sectionFields'), section.text('sectionName'))
}

/** The folders of a vault as paths, by id. */
function foldersOf(vault: Members): ReadonlyMap<string, string> {
  const folders = new Map(
    vault.each('folders').map((one) => {
      const folder = { parent: one.text('parentFolderId'), name: one.text('name') }
      return [one.text('folderId'), folder]
    }),
  )
  const pathOf = (id: string): string => {
    const names: string[] = []
    const seen = new Set<string>()
    for (let at = id; !seen.has(at); at = folders.get(at)?.parent ?? '') {
      seen.add(at)
      names.unshift(folders.get(at)?.name ?? '')
    }
    return names.filter((name) => name !== '').join('/')
  }
  return new Map([...folders.keys()].map((id) => [id, pathOf(id)]))
}

/** What surrounds an item. */
interface Place {
  readonly vault: string
  readonly folders: ReadonlyMap<string, string>
  /** A file of the archive, by the name that an item has for it; undefined if it is not there. */
  fileNamed(name: string): NewFile | undefined
  readonly leftovers: Leftover[]
}

async function readItem(
  item: Members,
  at: number,
  { vault, folders, fileNamed, leftovers }: Place,
): Promise<IncomingItem> {
  const data = item.within('data')
  const [metadata, content] = [data.within('metadata'), data.within('content')]
  const type = data.text('type')
  const draft = new Draft({
    kind: kinds[type] ?? 'note',
    name: metadata.text('name') || 'Untitled',
    place: `item ${at} of the vault "${vault}"`,
    leftovers,
  })
  draft.vault = vault === '' ? undefined : vault
  draft.set('notes', metadata.text('note'))
  metadata.ignore('itemUuid')
  if (type === 'login') await fillLogin(draft, content)
  if (type === 'alias') {
    draft.set('username', item.text('aliasEmail'))
    draft.tag('alias')
  }
  if (type === 'creditCard') fillCard(draft, content)
  if (type === 'identity') fillIdentity(draft, content)
  if (type === 'sshKey') {
    draft.set('privateKey', content.text('privateKey'))
    draft.set('publicKey', content.text('publicKey'))
  }
  if (!Object.hasOwn(kinds, type)) draft.moved(`an item of the kind ${type}`, 'a note')
  readFields(draft, data.each('extraFields'))
  readSections(draft, content.each('sections'))
  draft.set('folder', folders.get(item.text('folderId')))
  // 1 is in use, 2 is in the trash.
  draft.trashed = item.text('state') === '2'
  if (item.take('pinned') === true) draft.favour()
  for (const name of item.texts('files')) {
    const file = fileNamed(name)
    if (file) draft.files.push(file)
    else draft.lose('an attached file, which is not in what was exported')
  }
  item.ignore('itemId', 'shareId', 'createTime', 'modifyTime', 'contentFormatVersion', 'aliasEmail')
  draft.keepRest(item)
  return draft.finish()
}

const encrypted = () =>
  new ImportError(
    'unsupported',
    'This export of Proton Pass is encrypted with PGP. Export again with the file format ZIP or CSV, without encryption.',
  )

interface Exported {
  readonly data: Uint8Array
  fileNamed(name: string): NewFile | undefined
}

async function exportedIn(file: NewFile): Promise<Exported> {
  const bytes = await wholeFile(file)
  if (!isZip(bytes)) return { data: bytes, fileNamed: () => undefined }
  const zip = Zip.of(bytes)
  const name = zip.names.find((one) => /(^|\/)data\.(json|pgp)$/.test(one)) ?? ''
  if (name.endsWith('.pgp')) throw encrypted()
  const data = zip.read(name)
  if (!data)
    throw new ImportError('malformed', 'The archive has no data.json. Export it again from Proton Pass.')
  const folder = name.slice(0, -'data.json'.length)
  // Names are without strokes in the archive.
  const fileNamed = (one: string) => zip.file(`${folder}files/${one.replace(/[/\\]/g, '_')}`, one)
  return { data, fileNamed }
}

export const protonPass: Reader = {
  name: 'proton-pass',
  title,
  async recognises(glimpse) {
    if (isZip(glimpse.head)) return /Proton Pass\/data\.(json|pgp)/.test(glimpse.text)
    const vaults = Object.values(Object(Members.of(await glimpse.json()).take('vaults')))
    return vaults.length > 0 && vaults.every((vault) => Array.isArray(Members.of(vault).take('items')))
  },
  async read(file) {
    const { data, fileNamed } = await exportedIn(file)
    const root = Members.of(jsonIn(data))
    if (root.take('encrypted') === true) throw encrypted()
    const leftovers: Leftover[] = [
      { place: 'all items', what: 'when they were made and changed', wentTo: undefined },
    ]
    const items: IncomingItem[] = []
    for (const value of Object.values(Object(root.take('vaults')))) {
      const vault = Members.of(value)
      const place = { vault: vault.text('name'), folders: foldersOf(vault), fileNamed, leftovers }
      for (const [at, item] of vault.each('items').entries()) items.push(await readItem(item, at + 1, place))
    }
    return { format: title, items, leftovers }
  },
}

/** The same, encrypted as a whole: recognised so that its owner learns what to do. */
export const protonPassPgp: Reader = {
  name: 'proton-pass-pgp',
  title: 'Proton Pass (PGP)',
  recognises: ({ text }) => text.startsWith('-----BEGIN PGP MESSAGE-----'),
  async read() {
    throw encrypted()
  },
}
