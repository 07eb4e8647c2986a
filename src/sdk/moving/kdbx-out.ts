// A database of KeePass 2 and KeePassXC: KDBX 4 (keepass.info/help/kb/kdbx.html). It is made in memory, as the format wants it.
import type * as Kdbxweb from 'kdbxweb'
import type { AttachedFile, ItemContent } from '../../contract/content.ts'
import { isItemContent } from '../../protocol/item-content.ts'
import { filesOf } from '../attached-files.ts'
import { type KdbxLibrary as Library, loadKdbxweb } from './kdbx-argon2.ts'
import { leavingContent } from './leaving.ts'
import type { OutgoingItem } from './outgoing.ts'
import { ExportError, type WriteOptions, type Writer } from './writer.ts'

/** Apps on phones have little memory, so that a guess costs passes instead. */
const costs = { memoryKiB: 65_536, iterations: 12, parallelism: 1 } as const

/** All files together: the database is in memory several times while it is sealed. */
const mostFileBytes = 256 * 1024 * 1024

/** What XML cannot hold, or gives back otherwise (XML 1.0, sections 2.2 and 2.11). */
const notInXml = /[\u0000-\u0008\u000b-\u001f\ufffe\uffff]/

const plain = (text: string) => text.toWellFormed().replaceAll(new RegExp(notInXml, 'g'), ' ')

/** A TOTP secret as KeePassXC reads it: always an address. */
function otpAddress(totp: string, { name, username = '' }: { name: string; username?: string | undefined }) {
  if (totp.startsWith('otpauth:')) return totp
  const secret = encodeURIComponent(totp.replaceAll(/[\s-]/g, '').toUpperCase())
  const label = [name, username].map(encodeURIComponent).join(':')
  return `otpauth://totp/${label}?secret=${secret}&issuer=${encodeURIComponent(name)}&period=30&digits=6`
}

type Passkey = NonNullable<Extract<ItemContent, { kind: 'login' }>['passkeys']>[number]

/** The attributes in which KeePassXC keeps a passkey. Its private key is PEM (RFC 7468). */
function passkeyFields({ credentialId, privateKey, rpId, userName = '', userHandle = '' }: Passkey) {
  const base64 = privateKey.replaceAll('-', '+').replaceAll('_', '/')
  const padded = base64.padEnd(Math.ceil(base64.length / 4) * 4, '=')
  const lines = padded.match(/.{1,64}/g) ?? []
  const pem = ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----'].join('\n')
  return [
    ['KPEX_PASSKEY_CREDENTIAL_ID', credentialId, true],
    ['KPEX_PASSKEY_PRIVATE_KEY_PEM', pem, true],
    ['KPEX_PASSKEY_RELYING_PARTY', rpId, false],
    ['KPEX_PASSKEY_USERNAME', userName, false],
    ['KPEX_PASSKEY_USER_HANDLE', userHandle, true],
  ] as const
}

type FieldOut = readonly [name: string, value: string, isSecret: boolean]

/** Everything of an item as attributes; the first five are those that every entry has. */
function fieldsOf(content: ItemContent): FieldOut[] {
  const { kind, name, notes = '', fields = [] } = content
  const login = kind === 'login' ? content : undefined
  const [url = '', ...otherUrls] = login?.urls ?? []
  const standard: FieldOut[] = [
    ['Title', name, false],
    ['UserName', login?.username ?? '', false],
    ['Password', login?.password ?? '', true],
    ['URL', url, false],
    ['Notes', notes, false],
  ]
  const members: FieldOut[] = []
  const add = (member: string, value = '', isSecret = false) => {
    members.push([member, value, isSecret])
  }
  if (login) {
    for (const [at, other] of otherUrls.entries()) add(at === 0 ? 'KP2A_URL' : `KP2A_URL_${at}`, other)
    if (login.totp) add('otp', otpAddress(login.totp, login), true)
    const [passkey] = login.passkeys ?? []
    if (passkey) members.push(...passkeyFields(passkey))
  } else if (kind === 'card') {
    const { holder, number, expiry, code, brand } = content
    for (const [member, value] of Object.entries({ holder, expiry, brand })) add(member, value)
    for (const [member, value] of Object.entries({ number, code })) add(member, value, true)
  } else if (kind === 'identity') {
    const { fullName, email, phone, address, organization } = content
    for (const [member, value] of Object.entries({ fullName, email, phone, address, organization }))
      add(member, value)
  } else if (kind === 'ssh-key') {
    add('privateKey', content.privateKey, true)
    add('publicKey', content.publicKey)
  }
  const own: FieldOut[] = fields.map(({ name, value, hidden }) => [name, value, hidden])
  return [...standard, ...members.filter(([, value]) => value !== ''), ...own]
}

/** A name that is not taken yet: in a database the names of one entry differ. */
function freeName(name: string, taken: { has(name: string): boolean }): string {
  const wanted = plain(name) || 'unnamed'
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? wanted : `${wanted} (${number})`
    if (!taken.has(candidate)) return candidate
  }
}

/** One database while it is put together. */
class Database {
  readonly #library: Library
  readonly #kdbx: Kdbxweb.Kdbx
  readonly #options: WriteOptions
  readonly #groups = new Map<string, Kdbxweb.KdbxGroup>()
  #fileBytes = 0

  constructor(library: Library, options: WriteOptions) {
    this.#library = library
    this.#options = options
    const { Consts, Int64, Kdbx, KdbxCredentials, ProtectedValue, VarDictionary } = library
    const credentials = new KdbxCredentials(ProtectedValue.fromString(options.passphrase))
    const [only, ...others] = options.vaults
    this.#kdbx = Kdbx.create(credentials, plain(others.length === 0 ? (only?.content.name ?? '') : 'Limpet'))
    this.#kdbx.setKdf(Consts.KdfId.Argon2id)
    const { UInt32, UInt64 } = VarDictionary.ValueType
    const { kdfParameters } = this.#kdbx.header
    kdfParameters?.set('M', UInt64, new Int64(costs.memoryKiB * 1024))
    kdfParameters?.set('I', UInt64, new Int64(costs.iterations))
    kdfParameters?.set('P', UInt32, costs.parallelism)
    // Nothing of a history is to go at the first edit in another program.
    this.#kdbx.meta.historyMaxItems = -1
    this.#kdbx.meta.historyMaxSize = -1
  }

  /** A group in a group, which is made once. */
  #groupIn(parent: Kdbxweb.KdbxGroup, name: string): Kdbxweb.KdbxGroup {
    const key = JSON.stringify([parent.uuid.id, name])
    const group = this.#groups.get(key) ?? this.#kdbx.createGroup(parent, plain(name))
    this.#groups.set(key, group)
    return group
  }

  #groupOf({ vault, item }: OutgoingItem, { folder = '' }: ItemContent): Kdbxweb.KdbxGroup {
    if (item.deletedAt !== null) {
      const { recycleBinUuid } = this.#kdbx.meta
      const bin = recycleBinUuid && this.#kdbx.getGroup(recycleBinUuid)
      if (bin) return bin
    }
    const root = this.#kdbx.getDefaultGroup()
    const isAlone = this.#options.vaults.length === 1
    const ofVault = isAlone ? root : this.#groupIn(root, vault.content.name)
    return folder === '' ? ofVault : this.#groupIn(ofVault, folder)
  }

  /** Makes an entry show one state of its item. */
  #fill(entry: Kdbxweb.KdbxEntry, content: ItemContent, changedAt: string): void {
    const { ProtectedValue } = this.#library
    entry.fields = new Map()
    for (const [name, value, isSecret] of fieldsOf(content)) {
      const text = value.toWellFormed()
      // What is protected does not stand in the XML as text, so that it can have any characters.
      const field = isSecret || notInXml.test(text) ? ProtectedValue.fromString(text) : text
      entry.fields.set(freeName(name, entry.fields), field)
    }
    const tags = [...(content.tags ?? []), ...(content.favourite ? ['Favorite'] : [])]
    // As one text: the library would put spaces behind commas, which other programs take as parts of the tags.
    entry.tags = [tags.map((tag) => plain(tag).replaceAll(/[,;:]/g, ' ')).join(';')]
    entry.times.lastModTime = new Date(changedAt)
  }

  #attach(
    entry: Kdbxweb.KdbxEntry,
    content: ItemContent,
    files: ReadonlyMap<string, Kdbxweb.KdbxBinaryWithHash>,
  ): void {
    entry.binaries = new Map()
    for (const { id, name } of filesOf(content)) {
      const file = files.get(id)
      if (file) entry.binaries.set(freeName(name, entry.binaries), file)
    }
  }

  async #read(outgoing: OutgoingItem, file: AttachedFile): Promise<Kdbxweb.KdbxBinaryWithHash | undefined> {
    this.#fileBytes += file.size
    if (this.#fileBytes > mostFileBytes)
      throw new ExportError(
        'The files have more than 256 MiB together, which is more than a KeePass database should hold. Export one vault at a time with --vault, or without --format: that has no bound.',
      )
    const whole = new Uint8Array(file.size)
    let length = 0
    for await (const piece of outgoing.download(file)) {
      if (piece === undefined) return undefined
      whole.set(piece, length)
      length += piece.length
    }
    return this.#kdbx.createBinary(whole.buffer)
  }

  async add(outgoing: OutgoingItem): Promise<void> {
    const content = leavingContent(outgoing, this.#options)
    if (!content) return
    const files = new Map<string, Kdbxweb.KdbxBinaryWithHash>()
    for (const file of outgoing.files) {
      const binary = await this.#read(outgoing, file)
      if (binary) files.set(file.id, binary)
    }
    const entry = this.#kdbx.createEntry(this.#groupOf(outgoing, content))
    const { createdAt, updatedAt } = outgoing.item
    const push = (state: ItemContent, changedAt: string) => {
      this.#fill(entry, state, changedAt)
      this.#attach(entry, state, files)
      entry.pushHistory()
    }
    if (content.kind === 'login') {
      this.#options.onUnplaced('passkeys', Math.max(0, (content.passkeys?.length ?? 0) - 1))
      // Passwords of before stand in the history there, each as a state of the whole entry.
      for (const { password, replacedAt } of (content.previousPasswords ?? []).toReversed())
        push({ ...content, password }, replacedAt ?? createdAt)
    }
    for (const version of outgoing.versions) {
      if (isItemContent(version.content)) push(version.content, version.createdAt)
      else this.#options.onUnplaced('versions', 1)
    }
    this.#fill(entry, content, updatedAt)
    this.#attach(entry, content, files)
    entry.times.creationTime = new Date(createdAt)
  }

  async save(): Promise<Uint8Array> {
    return new Uint8Array(await this.#kdbx.save())
  }
}

export const kdbxOut: Writer = {
  name: 'kdbx',
  title: 'KeePass (KDBX)',
  extension: 'kdbx',
  sealed: costs,
  async *write(items, options) {
    const database = new Database(await loadKdbxweb(), options)
    for await (const outgoing of items) await database.add(outgoing)
    yield await database.save()
  },
}
