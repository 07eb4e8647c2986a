// An entry of KeePass, whichever file it came from: its strings by name, and what its programs keep in them
// (keepass.info/help/base/fieldrefs.html, keepass.info/help/base/placeholders.html#otp, keepassxc.org/docs).
import type { NewFile } from '../new-file.ts'
import { nameOr } from './csv-reader.ts'
import { Draft } from './draft.ts'
import type { IncomingItem, Leftover } from './incoming.ts'
import { Members } from './members.ts'
import { toBase64url } from './passkeys.ts'

interface KeePassString {
  readonly value: string
  readonly isProtected: boolean
}

/** An earlier state of an entry. */
export interface KeePassState {
  readonly password: string
  /** RFC 3339. */
  readonly modifiedAt: string | undefined
  /** All of its strings as one text, to tell whether something else changed. */
  readonly others: string
}

export interface KeePassEntry {
  /** 32 hexadecimal digits. */
  readonly uuid: string
  readonly strings: ReadonlyMap<string, KeePassString>
  readonly tags: readonly string[]
  readonly files: readonly NewFile[]
  /** Oldest first. */
  readonly history: readonly KeePassState[]
  readonly modifiedAt: string | undefined
  readonly expiresAt: string | undefined
  /** The names of the groups that it is in, without the outermost. */
  readonly groups: readonly string[]
  readonly trashed: boolean
  /** Whatever else it has, by a name for people. */
  readonly others: readonly [name: string, value: string][]
}

/** Names of strings that hold addresses beside `URL`. */
const isAddress = (name: string) => /^KP2A_URL(_\d+)?$/.test(name)

/** The string that each letter of a reference means. */
const referred: Readonly<Record<string, string>> = {
  T: 'Title',
  U: 'UserName',
  P: 'Password',
  A: 'URL',
  N: 'Notes',
}

/** References to other entries: `{REF:P@I:…}` stands for the password of the entry with this id. */
class References {
  readonly #entries: ReadonlyMap<string, KeePassEntry>

  constructor(entries: readonly KeePassEntry[]) {
    this.#entries = new Map(entries.map((entry) => [entry.uuid.toLowerCase(), entry]))
  }

  /** The text with what it refers to; references to nothing, or within another one, stay as they are. */
  resolve(text: string): string {
    if (!text.includes('{REF:')) return text
    return text.replace(/\{REF:([TUPAN])@I:([0-9A-F]{32})\}/gi, (reference, letter: string, uuid: string) => {
      const name = referred[letter.toUpperCase()] ?? ''
      return this.#entries.get(uuid.toLowerCase())?.strings.get(name)?.value ?? reference
    })
  }
}

/** A code generator as a URI (github.com/google/google-authenticator/wiki/Key-Uri-Format). */
function otpauth(secret: string, parameters: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams({ secret: secret.replace(/[\s=]/g, '') })
  for (const [name, value] of Object.entries(parameters)) if (value !== '') query.set(name, value)
  return `otpauth://totp/?${query}`
}

/** The one-time codes, in the three ways in which programs keep them. */
function totpOf(strings: Members): string {
  const uri = strings.text('otp')
  // KeeOTP has parameters of a query in place of a URI.
  if (uri.startsWith('key=')) {
    const { key = '', step = '', size = '' } = Object.fromEntries(new URLSearchParams(uri))
    return otpauth(key, { period: step, digits: size })
  }
  if (uri !== '') return uri
  const seed = strings.text('TOTP Seed')
  if (seed !== '') {
    const [period = '', digits = ''] = strings.text('TOTP Settings').split(';')
    // KeePassXC names the coder of Steam in the place of the digits; its codes are no numbers.
    if (digits === 'S') return `steam://${seed}`
    return otpauth(seed, { period, digits })
  }
  const secret = strings.text('TimeOtp-Secret-Base32')
  if (secret === '') return ''
  const algorithm = strings.text('TimeOtp-Algorithm').replace('HMAC-', '').replaceAll('-', '')
  return otpauth(secret, {
    digits: strings.text('TimeOtp-Length'),
    period: strings.text('TimeOtp-Period'),
    algorithm,
  })
}

/** The passkey that KeePassXC keeps in an entry. */
function passkeyOf(draft: Draft, strings: Members): object[] {
  const pem = strings.text('KPEX_PASSKEY_PRIVATE_KEY_PEM')
  const id = strings.text('KPEX_PASSKEY_CREDENTIAL_ID', 'KPEX_PASSKEY_GENERATED_USER_ID')
  const rpId = strings.text('KPEX_PASSKEY_RELYING_PARTY')
  if (pem === '' && id === '' && rpId === '') return []
  const body = /-----BEGIN PRIVATE KEY-----([^-]*)-----END PRIVATE KEY-----/.exec(pem)?.[1] ?? pem
  const [credentialId, privateKey] = [toBase64url(id), toBase64url(body)]
  const userHandle = toBase64url(strings.text('KPEX_PASSKEY_USER_HANDLE'))
  const userName = strings.text('KPEX_PASSKEY_USERNAME')
  strings.ignore('KPEX_PASSKEY_FLAG_BE', 'KPEX_PASSKEY_FLAG_BS')
  if (!credentialId || !privateKey || rpId === '') {
    draft.lose('a passkey of an unknown form')
    return []
  }
  return [
    {
      credentialId,
      privateKey,
      rpId,
      ...(userHandle && { userHandle }),
      ...(userName !== '' && { userName }),
      discoverable: true,
    },
  ]
}

function previousPasswords(draft: Draft, { history, strings, modifiedAt }: KeePassEntry): object[] {
  const before: object[] = []
  let isMoreLost = false
  for (const [at, { password, others }] of history.entries()) {
    const next = history[at + 1]
    const now = next?.password ?? strings.get('Password')?.value ?? ''
    const replacedAt = next ? next.modifiedAt : modifiedAt
    if (password !== now && password !== '') before.push({ password, ...(replacedAt && { replacedAt }) })
    if (others !== (next?.others ?? othersOf(strings))) isMoreLost = true
  }
  if (isMoreLost) draft.lose('earlier states of what is no password')
  return before.reverse()
}

/** All strings but the password, as one text. */
export const othersOf = (strings: KeePassEntry['strings']) =>
  JSON.stringify(
    [...strings].filter(([name]) => name !== 'Password').map(([name, { value }]) => [name, value]),
  )

function itemOf(entry: KeePassEntry, references: References, leftovers: Leftover[]): IncomingItem {
  const strings = Members.of(
    Object.fromEntries([...entry.strings].map(([name, { value }]) => [name, references.resolve(value)])),
  )
  const [url, title] = [strings.text('URL'), strings.text('Title')]
  const [username, password] = [strings.text('UserName'), strings.text('Password')]
  const name = nameOr(title, url)
  const place = `entry "${[...entry.groups, name].join('/')}"`
  const names = [...entry.strings.keys()]
  const isLogin =
    username !== '' ||
    password !== '' ||
    url !== '' ||
    names.some(
      (one) =>
        one === 'otp' || one.startsWith('TOTP ') || one.startsWith('TimeOtp-') || one.startsWith('KPEX_'),
    )
  const draft = new Draft({ kind: isLogin ? 'login' : 'note', name, place, leftovers })
  draft.set('notes', strings.text('Notes'))
  draft.set('folder', entry.groups.join('/'))
  for (const tag of entry.tags) draft.tag(tag)
  if (isLogin) {
    draft.set('username', username)
    draft.set('password', password)
    const addresses = [url, ...names.filter(isAddress).map((one) => strings.text(one))]
    draft.setList(
      'urls',
      addresses.filter((one) => one !== ''),
    )
    draft.set('totp', totpOf(strings))
    draft.setList('previousPasswords', previousPasswords(draft, entry))
    draft.setList('passkeys', passkeyOf(draft, strings))
  }
  for (const [field, value] of strings.rest())
    draft.field(field, value, entry.strings.get(field)?.isProtected ?? true)
  if (entry.expiresAt) draft.keep('Expires', entry.expiresAt)
  for (const [other, value] of entry.others) draft.keep(other, value)
  draft.files.push(...entry.files)
  draft.trashed = entry.trashed
  return draft.finish()
}

/** The items of the entries of one database. */
export function itemsOfKeePass(entries: readonly KeePassEntry[], leftovers: Leftover[]): IncomingItem[] {
  const references = new References(entries)
  return entries.map((entry) => itemOf(entry, references, leftovers))
}
