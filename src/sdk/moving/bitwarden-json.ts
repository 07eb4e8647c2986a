// Bitwarden's export as JSON, of a person or of an organization (bitwarden.com/help/condition-bitwarden-import).
import type { ItemContent } from '../../contract/content.ts'
import { expiryOf } from './dates.ts'
import { Draft } from './draft.ts'
import type { Incoming, IncomingItem, Leftover } from './incoming.ts'
import { Members } from './members.ts'
import { guidToBase64url, toBase64url } from './passkeys.ts'
import type { Reader } from './reader.ts'
import { jsonIn, wholeFile } from './whole-file.ts'

/** Kinds by their number there. */
const kinds: Readonly<Record<string, ItemContent['kind']>> = {
  1: 'login',
  2: 'note',
  3: 'card',
  4: 'identity',
  5: 'ssh-key',
}

/** How an address is compared there, by number. */
const matches = ['base domain', 'host', 'starts with', 'exact', 'regular expression', 'never']

/** What a linked field shows there, by number. */
const linked: Readonly<Record<string, string>> = { 100: 'user name', 101: 'password' }

const title = 'Bitwarden (JSON)'

/** The folders or collections, by id. */
const namesOf = (lists: readonly Members[]) => new Map(lists.map((one) => [one.text('id'), one.text('name')]))

function readLogin(draft: Draft, login: Members): void {
  draft.set('username', login.text('username'))
  draft.set('password', login.text('password'))
  draft.set('totp', login.text('totp'))
  const urls: string[] = []
  for (const entry of login.each('uris')) {
    const uri = entry.text('uri')
    if (uri !== '') urls.push(uri)
    const match = entry.take('match')
    if (typeof match === 'number') draft.keep(`Match detection of ${uri}`, matches[match] ?? match)
    entry.ignore('uriChecksum')
  }
  draft.setList('urls', urls)
  draft.setList(
    'passkeys',
    login.each('fido2Credentials').flatMap((one) => readPasskey(draft, one)),
  )
  // It is the time of the newest previous password.
  login.ignore('passwordRevisionDate', 'uri')
}

function readPasskey(draft: Draft, key: Members): object[] {
  const id = key.text('credentialId')
  const credentialId = id.startsWith('b64.') ? toBase64url(id.slice(4)) : guidToBase64url(id)
  const privateKey = toBase64url(key.text('keyValue'))
  const rpId = key.text('rpId')
  if (!credentialId || !privateKey || rpId === '') {
    draft.lose('a passkey of an unknown form')
    return []
  }
  key.ignore('keyType', 'keyAlgorithm', 'keyCurve')
  const counter = Number(key.text('counter'))
  const texts = {
    rpName: key.text('rpName'),
    userHandle: toBase64url(key.text('userHandle')),
    userName: key.text('userName'),
    userDisplayName: key.text('userDisplayName'),
    createdAt: key.text('creationDate'),
  }
  return [
    {
      credentialId,
      privateKey,
      rpId,
      ...Object.fromEntries(Object.entries(texts).filter(([, text]) => text)),
      ...(Number.isSafeInteger(counter) && counter > 0 && { counter }),
      discoverable: key.text('discoverable') === 'true',
    },
  ]
}

function readCard(draft: Draft, card: Members): void {
  draft.set('holder', card.text('cardholderName'))
  draft.set('number', card.text('number').replaceAll(' ', ''))
  draft.set('code', card.text('code'))
  draft.set('brand', card.text('brand'))
  draft.set('expiry', expiryOf(card.text('expMonth'), card.text('expYear')))
}

function readIdentity(draft: Draft, identity: Members): void {
  const joined = (separator: string, names: readonly string[]) =>
    names
      .map((name) => identity.text(name))
      .filter((text) => text !== '')
      .join(separator)
  draft.set('fullName', joined(' ', ['title', 'firstName', 'middleName', 'lastName']))
  const town = joined(' ', ['postalCode', 'city', 'state'])
  const lines = [joined('\n', ['address1', 'address2', 'address3']), town, identity.text('country')]
  draft.set('address', lines.filter((line) => line !== '').join('\n'))
  draft.set('organization', identity.text('company'))
  draft.set('email', identity.text('email'))
  draft.set('phone', identity.text('phone'))
  draft.keep('User name', identity.text('username'))
  draft.keep('Social security number', identity.text('ssn'), true)
  draft.keep('Passport number', identity.text('passportNumber'), true)
  draft.keep('License number', identity.text('licenseNumber'), true)
}

/** @returns the names of the hidden fields */
function readFields(draft: Draft, item: Members): string[] {
  const hidden: string[] = []
  for (const field of item.each('fields')) {
    const [name, value, type] = [field.text('name'), field.text('value'), field.text('type')]
    const linkedId = field.text('linkedId')
    if (type === '1') hidden.push(name)
    if (type === '3') draft.keep(name, `shows the ${linked[linkedId] ?? `member ${linkedId}`} of the item`)
    else draft.field(name, value, type === '1')
  }
  return hidden
}

/** @param hidden the names of the item's hidden fields, whose earlier values stand among the passwords, as `name: value` */
function readHistory(
  draft: Draft,
  item: Members,
  { isLogin, hidden }: { isLogin: boolean; hidden: string[] },
) {
  const before = item.each('passwordHistory').map((one) => {
    const replacedAt = one.text('lastUsedDate')
    return { password: one.text('password'), ...(replacedAt !== '' && { replacedAt }) }
  })
  const newestFirst = before.toSorted((one, other) =>
    (other.replacedAt ?? '').localeCompare(one.replacedAt ?? ''),
  )
  const fieldOf = (value: string) => hidden.find((name) => name !== '' && value.startsWith(`${name}: `))
  const passwords = newestFirst.filter(({ password }) => isLogin && fieldOf(password) === undefined)
  draft.setList('previousPasswords', passwords)
  for (const one of newestFirst) {
    if (passwords.includes(one)) continue
    const name = fieldOf(one.password)
    if (name === undefined) draft.keep('Previous value', one.password, true)
    else draft.keep(`Previous value of ${name}`, one.password.slice(name.length + 2), true)
  }
}

interface Place {
  readonly folders: ReadonlyMap<string, string>
  readonly collections: ReadonlyMap<string, string>
  readonly leftovers: Leftover[]
}

function readItem(item: Members, at: number, { folders, collections, leftovers }: Place): IncomingItem {
  const type = item.text('type')
  const kind = kinds[type] ?? 'note'
  const draft = new Draft({ kind, name: item.text('name'), place: `item ${at + 1}`, leftovers })
  draft.set('notes', item.text('notes'))
  if (item.take('favorite') === true) draft.favour()
  const collectionNames = item.texts('collectionIds').flatMap((id) => collections.get(id) ?? [])
  const [folder, ...others] = [folders.get(item.text('folderId')) ?? [], collectionNames].flat()
  draft.set('folder', folder)
  for (const name of others) {
    draft.tag(name)
    draft.moved('a second collection', 'a tag')
  }
  if (kind === 'login') readLogin(draft, item.within('login'))
  if (kind === 'card') readCard(draft, item.within('card'))
  if (kind === 'identity') readIdentity(draft, item.within('identity'))
  if (kind === 'ssh-key') {
    const key = item.within('sshKey')
    draft.set('privateKey', key.text('privateKey'))
    draft.set('publicKey', key.text('publicKey'))
    // It follows from the public key.
    key.ignore('keyFingerprint')
  }
  if (!Object.hasOwn(kinds, type)) draft.moved(`an item of the unknown kind ${type}`, 'a note')
  const hidden = readFields(draft, item)
  readHistory(draft, item, { isLogin: kind === 'login', hidden })
  if (item.text('reprompt') === '1') draft.keep('Master password re-prompt', 'yes')
  draft.trashed = item.text('deletedDate') !== ''
  if (item.text('archivedDate') !== '') {
    draft.tag('archived')
    draft.moved('that it is archived', 'a tag')
  }
  item.ignore('id', 'organizationId', 'creationDate', 'revisionDate', 'secureNote', 'object')
  draft.keepRest(item)
  return draft.finish()
}

/** The items of an export that is in clear. */
export function readBitwarden(value: unknown, format: string): Incoming {
  const file = Members.of(value)
  const leftovers: Leftover[] = [
    { place: 'all items', what: 'when they were made and changed', wentTo: undefined },
  ]
  const place: Place = {
    folders: namesOf(file.each('folders')),
    collections: namesOf(file.each('collections')),
    leftovers,
  }
  const items = file.each('items').map((item, at) => readItem(item, at, place))
  return { format, items, leftovers }
}

/** Whether a value is an export that is in clear. */
export function isBitwardenInClear(value: unknown): boolean {
  const file = Members.of(value)
  return Array.isArray(file.take('items')) && file.take('encrypted') === false
}

export const bitwardenJson: Reader = {
  name: 'bitwarden-json',
  title,
  recognises: async (glimpse) => isBitwardenInClear(await glimpse.json()),
  async read(file) {
    return readBitwarden(jsonIn(await wholeFile(file)), title)
  },
}
