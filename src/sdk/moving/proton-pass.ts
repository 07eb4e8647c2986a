// Proton Pass: an archive with `data.json`, or that file alone (proton.me/support/pass-export).
import type { ItemKind } from '../../contract/content.ts'
import type { NewFile } from '../attachments.ts'
import { Draft } from './draft.ts'
import { ImportError, type IncomingItem, type Leftover } from './incoming.ts'
import { Members } from './members.ts'
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

function fillLogin(draft: Draft, content: Members): void {
  const [username, email] = [content.text('itemUsername', 'username'), content.text('itemEmail')]
  draft.set('username', username || email)
  if (username !== '' && email !== '' && email !== username) draft.keep('E-mail', email)
  content.ignore('itemEmail')
  draft.set('password', content.text('password'))
  draft.set('totp', content.text('totpUri'))
  draft.setList('urls', content.texts('urls'))
  for (const _key of content.list('passkeys'))
    draft.lose('a passkey, whose key Proton Pass exports in a form of its own')
}

function fillCard(draft: Draft, content: Members): void {
  draft.set('holder', content.text('cardholderName'))
  draft.set('number', content.text('number').replaceAll(' ', ''))
  draft.set('code', content.text('verificationNumber'))
  const expiry = content.text('expirationDate')
  const [, month, year] = /^(\d{2})(\d{4})$/.exec(expiry) ?? []
  draft.set('expiry', month ? `${year}-${month}` : expiry)
  draft.keep('PIN', content.text('pin'), true)
  content.ignore('cardType')
}

function fillIdentity(draft: Draft, content: Members): void {
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
}

function readItem(
  item: Members,
  vault: string,
  { at, leftovers }: { at: number; leftovers: Leftover[] },
): IncomingItem {
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
  if (type === 'login') fillLogin(draft, content)
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
  for (const field of data.each('extraFields')) {
    const value = field.within('data')
    const text = value.text('content', 'totpUri', 'timestamp')
    draft.field(field.text('fieldName'), text, field.text('type') !== 'text')
  }
  // 1 is in use, 2 is in the trash.
  draft.trashed = item.text('state') === '2'
  if (item.take('pinned') === true) draft.favour()
  if (item.list('files').length > 0) draft.lose('attached files')
  item.ignore('itemId', 'shareId', 'createTime', 'modifyTime', 'contentFormatVersion', 'aliasEmail')
  draft.keepRest(item)
  return draft.finish()
}

const encrypted = () =>
  new ImportError(
    'unsupported',
    'This export of Proton Pass is encrypted with PGP. Export again with the file format ZIP or CSV, without encryption.',
  )

async function dataOf(file: NewFile): Promise<Uint8Array> {
  const bytes = await wholeFile(file)
  if (!isZip(bytes)) return bytes
  const zip = Zip.of(bytes)
  const name = zip.names.find((one) => /(^|\/)data\.(json|pgp)$/.test(one)) ?? ''
  if (name.endsWith('.pgp')) throw encrypted()
  const data = zip.read(name)
  if (!data)
    throw new ImportError('malformed', 'The archive has no data.json. Export it again from Proton Pass.')
  return data
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
    const root = Members.of(jsonIn(await dataOf(file)))
    if (root.take('encrypted') === true) throw encrypted()
    const leftovers: Leftover[] = [
      { place: 'all items', what: 'when they were made and changed', wentTo: undefined },
    ]
    const items = Object.values(Object(root.take('vaults'))).flatMap((value) => {
      const vault = Members.of(value)
      const name = vault.text('name')
      return vault.each('items').map((item, at) => readItem(item, name, { at: at + 1, leftovers }))
    })
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
