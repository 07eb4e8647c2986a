// 1Password's own export, 1PUX (support.1password.com/1pux-format).
import type { ItemKind } from '../../contract/content.ts'
import { Draft } from './draft.ts'
import { ImportError, type IncomingItem, type Leftover } from './incoming.ts'
import { Members } from './members.ts'
import type { Reader } from './reader.ts'
import { asText } from './text.ts'
import { jsonIn, wholeFile } from './whole-file.ts'
import { isZip, Zip } from './zip.ts'

const title = '1Password (1PUX)'

/** Kinds by the number of their category; the others have logins in them or are notes. */
const kinds: Readonly<Record<string, ItemKind>> = {
  '001': 'login',
  '002': 'card',
  '003': 'note',
  '004': 'identity',
  '005': 'login',
  '102': 'login',
  '109': 'login',
  '110': 'login',
  '111': 'login',
  '112': 'login',
  '114': 'ssh-key',
}

/** Which fields of a section are members, by their ids. */
const membersOf: Readonly<Record<ItemKind, Readonly<Record<string, string>>>> = {
  login: {
    username: 'username',
    password: 'password',
    credential: 'password',
    pop_username: 'username',
    pop_password: 'password',
  },
  card: { cardholder: 'holder', ccnum: 'number', cvv: 'code', type: 'brand', expiry: 'expiry' },
  identity: { email: 'email', defphone: 'phone', address: 'address', company: 'organization' },
  note: {},
  'ssh-key': {},
}

const seconds = (value: unknown) =>
  typeof value === 'number' && Math.abs(value) < 8.64e12 ? new Date(value * 1000).toISOString() : ''

/** The value of a field as text. It is an object with one member, which tells its type. */
function shownValue(value: Members): { type: string; text: string } {
  for (const type of [
    'concealed',
    'string',
    'url',
    'phone',
    'totp',
    'creditCardNumber',
    'creditCardType',
    'menu',
    'gender',
    'reference',
  ]) {
    const text = value.text(type)
    if (text !== '') return { type, text }
  }
  const monthYear = value.text('monthYear')
  if (/^\d{6}$/.test(monthYear))
    return { type: 'monthYear', text: `${monthYear.slice(0, 4)}-${monthYear.slice(4)}` }
  const date = value.take('date')
  if (typeof date === 'number') return { type: 'date', text: seconds(date).slice(0, 10) }
  const email = asText(value.take('email')) || value.within('email').text('email_address')
  if (email !== '') return { type: 'email', text: email }
  const address = value.take('address')
  if (address) {
    const parts = Members.of(address)
    const town = ['zip', 'city', 'state'].map((name) => parts.text(name)).filter((text) => text !== '')
    const lines = [parts.text('street'), town.join(' '), parts.text('country')]
    return { type: 'address', text: lines.filter((line) => line !== '').join('\n') }
  }
  return { type: '', text: '' }
}

class Item {
  readonly #zip: Zip
  readonly #kind: ItemKind
  readonly #draft: Draft
  readonly #name: string[] = []
  readonly #set = new Set<string>()

  constructor(zip: Zip, kind: ItemKind, draft: Draft) {
    this.#zip = zip
    this.#kind = kind
    this.#draft = draft
  }

  #member(name: string, value: string): boolean {
    if (value === '' || this.#set.has(name)) return false
    this.#set.add(name)
    this.#draft.set(name, value)
    return true
  }

  #attach(file: Members): void {
    const [id, name] = [file.text('documentId'), file.text('fileName')]
    file.ignore('decryptedSize')
    if (id === '') return
    const attached = this.#zip.file(`files/${id}__${name}`, name)
    if (attached) this.#draft.files.push(attached)
    else this.#draft.lose('an attached file that the archive does not have')
  }

  #field(field: Members, section: string): void {
    const value = field.within('value')
    const [id, label] = [field.text('id'), field.text('title')]
    field.ignore(
      'indexAtSource',
      'guarded',
      'multiline',
      'dontGenerate',
      'inputTraits',
      'placeholder',
      'clipboardFilter',
    )
    const key = value.within('sshKey')
    const metadata = key.within('metadata')
    // The same key twice; the one of the metadata has the same form in every item.
    const privateKey = metadata.text('privateKey') || key.text('privateKey')
    if (privateKey !== '') {
      key.ignore('privateKey')
      metadata.ignore('fingerprint', 'keyType')
      this.#member('privateKey', privateKey)
      this.#member('publicKey', metadata.text('publicKey'))
      return
    }
    this.#attach(value.within('file'))
    const { type, text } = shownValue(value)
    if (text === '') return
    if (this.#kind === 'identity' && ['firstname', 'initial', 'lastname'].includes(id)) {
      this.#name.push(text)
      return
    }
    const member = membersOf[this.#kind][id]
    if (member !== undefined && this.#member(member, member === 'number' ? text.replaceAll(' ', '') : text))
      return
    if (type === 'totp' && this.#kind === 'login' && this.#member('totp', text)) return
    const name = [section, label || id].filter((part) => part !== '').join(': ')
    this.#draft.field(name, text, type === 'concealed' || type === 'totp' || type === 'creditCardNumber')
  }

  read(item: Members): void {
    const [details, overview] = [item.within('details'), item.within('overview')]
    const draft = this.#draft
    draft.set('notes', details.text('notesPlain'))
    for (const field of details.each('loginFields')) {
      // The value of a linked account is an object.
      const linked = field.within('value')
      const [value, designation] = [
        field.text('value') || linked.text('email_address', 'string'),
        field.text('designation'),
      ]
      const name = field.text('name', 'id')
      field.ignore('id', 'name', 'fieldType')
      const isMember = this.#kind === 'login' && (designation === 'username' || designation === 'password')
      if (value !== '' && !(isMember && this.#member(designation, value)))
        draft.field(name, value, field.text('fieldType') === 'P' || designation === 'password')
    }
    if (this.#kind === 'login') this.#member('password', details.text('password'))
    for (const section of details.each('sections')) {
      const heading = section.text('title')
      section.ignore('name', 'hideAddAnotherField')
      for (const field of section.each('fields')) this.#field(field, heading)
    }
    if (this.#name.length > 0) draft.set('fullName', this.#name.join(' '))
    this.#attach(details.within('documentAttributes'))
    const before = details.each('passwordHistory').map((one) => {
      const replacedAt = seconds(one.take('time'))
      return { password: one.text('value'), ...(replacedAt !== '' && { replacedAt }) }
    })
    const newestFirst = before.toSorted((one, other) =>
      (other.replacedAt ?? '').localeCompare(one.replacedAt ?? ''),
    )
    if (this.#kind === 'login') draft.setList('previousPasswords', newestFirst)
    else for (const { password } of newestFirst) draft.keep('Previous password', password, true)
    const urls = [
      overview.text('url'),
      ...overview.each('urls').map((one) => {
        one.ignore('label', 'mode')
        return one.text('url')
      }),
    ]
    const addresses = [...new Set(urls.filter((url) => url !== ''))]
    if (this.#kind === 'login') draft.setList('urls', addresses)
    else for (const url of addresses) draft.keep('URL', url)
    for (const tag of overview.texts('tags')) draft.tag(tag)
    overview.ignore('title', 'subtitle', 'ps', 'pbe', 'pgrng', 'icons', 'watchtowerExclusions')
    if (item.text('favIndex') !== '' && item.text('favIndex') !== '0') draft.favour()
    const state = item.text('state')
    draft.trashed = state === 'deleted' || state === 'trashed' || item.take('trashed') === true
    if (state === 'archived') {
      draft.tag('archived')
      draft.moved('that it is archived', 'a tag')
    }
    item.ignore('uuid', 'createdAt', 'updatedAt', 'categoryUuid', 'favIndex')
    draft.keepRest(item)
  }
}

export const onePassword1pux: Reader = {
  name: '1password-1pux',
  title,
  recognises: ({ head, text }) => isZip(head) && /export\.(attributes|data)/.test(text),
  async read(file) {
    const zip = Zip.of(await wholeFile(file))
    const data = zip.read('export.data')
    if (!data)
      throw new ImportError('malformed', 'The archive has no export.data. Export it again from 1Password.')
    const leftovers: Leftover[] = [
      { place: 'all items', what: 'when they were made and changed', wentTo: undefined },
    ]
    const items: IncomingItem[] = []
    for (const account of Members.of(jsonIn(data)).each('accounts'))
      for (const vault of account.each('vaults'))
        for (const entry of vault.each('items')) {
          const wrapped = entry.within('item')
          const item = wrapped.rest().length > 0 ? wrapped : entry
          const overview = Members.of(item.take('overview'))
          const category = item.text('categoryUuid')
          const kind = kinds[category] ?? 'note'
          const draft = new Draft({
            kind,
            name: overview.text('title') || 'Untitled',
            place: `item ${items.length + 1}`,
            leftovers,
          })
          draft.vault = vault.within('attrs').text('name') || undefined
          new Item(zip, kind, draft).read(item)
          items.push(draft.finish())
        }
    return { format: title, items, leftovers }
  },
}
