// Bitwarden's JSON in clear, as its own programs export and import it (bitwarden.com/help/condition-bitwarden-import).
import type { ItemContent } from '../../contract/content.ts'
import { folderOf, passwordsBefore, withoutTrashAndFiles } from './leaving.ts'
import type { OutgoingItem } from './outgoing.ts'
import { base64urlToGuid, isP256Key } from './passkeys.ts'
import type { WriteOptions, Writer } from './writer.ts'

const kinds: Readonly<Record<ItemContent['kind'], number>> = {
  login: 1,
  note: 2,
  card: 3,
  identity: 4,
  'ssh-key': 5,
}

/** Bitwarden says null for what there is not. */
const orNull = (text: string | undefined) => (text === undefined || text === '' ? null : text)

type Field = NonNullable<ItemContent['fields']>[number]
type Login = Extract<ItemContent, { kind: 'login' }>
type Passkey = NonNullable<Login['passkeys']>[number]

function passkeyOut(passkey: Passkey): object | undefined {
  if (!isP256Key(passkey.privateKey)) return undefined
  return {
    credentialId: base64urlToGuid(passkey.credentialId) ?? `b64.${passkey.credentialId}`,
    keyType: 'public-key',
    keyAlgorithm: 'ECDSA',
    keyCurve: 'P-256',
    keyValue: passkey.privateKey,
    rpId: passkey.rpId,
    rpName: orNull(passkey.rpName),
    userHandle: orNull(passkey.userHandle),
    userName: orNull(passkey.userName),
    userDisplayName: orNull(passkey.userDisplayName),
    counter: String(passkey.counter ?? 0),
    discoverable: String(passkey.discoverable ?? true),
    creationDate: passkey.createdAt ?? new Date(0).toISOString(),
  }
}

function loginOut(login: Login, outgoing: OutgoingItem, { onUnplaced }: WriteOptions) {
  const all = login.passkeys ?? []
  const passkeys = all.flatMap((passkey) => passkeyOut(passkey) ?? [])
  onUnplaced('passkeys', all.length - passkeys.length)
  const history = passwordsBefore(outgoing)
  return {
    login: {
      uris: (login.urls ?? []).map((uri) => ({ match: null, uri })),
      username: orNull(login.username),
      password: orNull(login.password),
      totp: orNull(login.totp),
      ...(passkeys.length > 0 && { fido2Credentials: passkeys }),
    },
    // It wants a time of each; what is older than is known is as old as the item.
    passwordHistory: history.map(({ password, replacedAt }) => ({
      password,
      lastUsedDate: replacedAt ?? outgoing.item.createdAt,
    })),
  }
}

/** The parts of an expiry, where it has the usual form. */
const expiryParts = (expiry: string | undefined) => {
  const [, expYear, month] = /^(\d{4})-(\d{2})$/.exec(expiry ?? '') ?? []
  return expYear && month ? { expMonth: String(Number(month)), expYear } : undefined
}

/** The last word is the surname there; the whole name is put together again from both. */
function nameParts(fullName = '') {
  const [, firstName = fullName, lastName] = /^(.*\S)\s+(\S+)$/s.exec(fullName.trim()) ?? []
  return { firstName: orNull(firstName), lastName: orNull(lastName) }
}

function addressLines(address = '') {
  const [first, second, ...others] = address.split('\n')
  return { address1: orNull(first), address2: orNull(second), address3: orNull(others.join(', ')) }
}

/** The form of an SSH key's fingerprint (`ssh-keygen -l`): SHA-256 of the public key. An empty text for what is no such key. */
async function fingerprintOf(publicKey = ''): Promise<string> {
  const encoded = publicKey.split(' ')[1] ?? ''
  if (!/^[A-Za-z0-9+/]+=*$/.test(encoded)) return ''
  const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0))
  const digest = new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', bytes))
  return `SHA256:${btoa(String.fromCharCode(...digest)).replace(/=+$/, '')}`
}

/** The members of a kind, and fields for what the kind has no member for there. */
async function membersOf(
  content: ItemContent,
  outgoing: OutgoingItem,
  options: WriteOptions,
): Promise<{ members: object; fields: Field[] }> {
  switch (content.kind) {
    case 'login':
      return { members: loginOut(content, outgoing, options), fields: [] }
    case 'note':
      return { members: { secureNote: { type: 0 } }, fields: [] }
    case 'card': {
      const { holder, brand, number, code, expiry } = content
      const parts = expiryParts(expiry)
      const card = { cardholderName: orNull(holder), brand: orNull(brand), number: orNull(number) }
      const isOdd = expiry !== undefined && expiry !== '' && !parts
      return {
        members: { card: { ...card, expMonth: null, expYear: null, ...parts, code: orNull(code) } },
        fields: isOdd ? [{ name: 'expiry', value: expiry, hidden: false }] : [],
      }
    }
    case 'identity': {
      const { fullName, address, organization, email, phone } = content
      const identity = {
        title: null,
        ...nameParts(fullName),
        middleName: null,
        ...addressLines(address),
        city: null,
        state: null,
        postalCode: null,
        country: null,
        company: orNull(organization),
        email: orNull(email),
        phone: orNull(phone),
        ssn: null,
        username: null,
        passportNumber: null,
        licenseNumber: null,
      }
      return { members: { identity }, fields: [] }
    }
    case 'ssh-key': {
      const { privateKey = '', publicKey = '' } = content
      const keyFingerprint = await fingerprintOf(publicKey)
      return { members: { sshKey: { privateKey, publicKey, keyFingerprint } }, fields: [] }
    }
  }
}

async function itemOut(
  content: ItemContent,
  outgoing: OutgoingItem,
  folderId: string | null,
  options: WriteOptions,
): Promise<object> {
  const { id, createdAt, updatedAt } = outgoing.item
  const { members, fields } = await membersOf(content, outgoing, options)
  // It has folders and no tags.
  const tags = content.tags ?? []
  const tagged = tags.length > 0 ? [{ name: 'tags', value: tags.join(', '), hidden: false }] : []
  const all = [...(content.fields ?? []), ...fields, ...tagged]
  return {
    passwordHistory: null,
    revisionDate: updatedAt,
    creationDate: createdAt,
    deletedDate: null,
    id,
    organizationId: null,
    folderId,
    type: kinds[content.kind],
    reprompt: 0,
    name: content.name,
    notes: orNull(content.notes),
    favorite: content.favourite ?? false,
    fields: all.map(({ name, value, hidden }) => ({ name, value, type: hidden ? 1 : 0, linkedId: null })),
    ...members,
    collectionIds: null,
  }
}

export const bitwardenJsonOut: Writer = {
  name: 'bitwarden-json',
  title: 'Bitwarden (JSON)',
  extension: 'json',
  sealed: undefined,
  async *write(items, options) {
    const encoder = new TextEncoder()
    const folders = new Map<string, string>()
    const folderIdOf = (name: string) => {
      if (name === '') return null
      const id = folders.get(name) ?? crypto.randomUUID()
      folders.set(name, id)
      return id
    }
    let separator = '\n'
    yield encoder.encode('{\n"encrypted": false,\n"items": [')
    for await (const { outgoing, content } of withoutTrashAndFiles(items, options)) {
      const item = await itemOut(content, outgoing, folderIdOf(folderOf(outgoing, options)), options)
      yield encoder.encode(`${separator}${JSON.stringify(item)}`)
      separator = ',\n'
    }
    const list = [...folders].map(([name, id]) => ({ id, name }))
    yield encoder.encode(`\n],\n"folders": ${JSON.stringify(list)}\n}\n`)
  },
}
