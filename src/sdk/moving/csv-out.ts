// Comma-separated values (RFC 4180): one line for each item, for programs that read nothing better.
import type { ItemContent } from '../../contract/content.ts'
import { passwordsBefore, withoutTrashAndFiles } from './leaving.ts'
import type { OutgoingItem } from './outgoing.ts'
import type { Writer } from './writer.ts'

/** The first ones are what programs look for; the others are members as Limpet calls them. */
const columns = [
  'name',
  'url',
  'username',
  'password',
  'totp',
  'notes',
  'kind',
  'vault',
  'folder',
  'tags',
  'favourite',
  'otherUrls',
  'fields',
  'previousPasswords',
  'holder',
  'number',
  'expiry',
  'code',
  'brand',
  'fullName',
  'email',
  'phone',
  'address',
  'organization',
  'privateKey',
  'publicKey',
] as const

type Row = Partial<Record<(typeof columns)[number], string>>

function rowOf(content: ItemContent, outgoing: OutgoingItem): Row {
  const { kind, name, notes = '', folder = '', tags = [], favourite, fields = [] } = content
  const common: Row = {
    kind,
    name,
    notes,
    vault: outgoing.vault.content.name,
    folder,
    tags: tags.join(', '),
    favourite: favourite ? 'true' : '',
    fields: fields.map((field) => `${field.name}: ${field.value}`).join('\n'),
  }
  switch (kind) {
    case 'login': {
      const { username = '', password = '', totp = '', urls: [url = '', ...otherUrls] = [] } = content
      const previousPasswords = passwordsBefore(outgoing).map((one) => one.password)
      const lists = { otherUrls: otherUrls.join('\n'), previousPasswords: previousPasswords.join('\n') }
      return { ...common, username, password, totp, url, ...lists }
    }
    case 'card': {
      const { holder = '', number = '', expiry = '', code = '', brand = '' } = content
      return { ...common, holder, number, expiry, code, brand }
    }
    case 'identity': {
      const { fullName = '', email = '', phone = '', address = '', organization = '' } = content
      return { ...common, fullName, email, phone, address, organization }
    }
    case 'ssh-key': {
      const { privateKey = '', publicKey = '' } = content
      return { ...common, privateKey, publicKey }
    }
    default:
      return common
  }
}

const quoted = (value: string) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)

const lineOf = (values: readonly string[]) => new TextEncoder().encode(`${values.map(quoted).join(',')}\r\n`)

export const csvOut: Writer = {
  name: 'csv',
  title: 'CSV',
  extension: 'csv',
  sealed: undefined,
  async *write(items, options) {
    yield lineOf(columns)
    for await (const { outgoing, content } of withoutTrashAndFiles(items, options)) {
      if (content.kind === 'login') options.onUnplaced('passkeys', content.passkeys?.length ?? 0)
      const row = rowOf(content, outgoing)
      yield lineOf(columns.map((column) => row[column] ?? ''))
    }
  },
}
