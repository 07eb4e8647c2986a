// Dashlane: an archive with a table for each kind of item, or its table of logins alone (support.dashlane.com, "Export your Dashlane data").
import type { ItemKind } from '../../contract/content.ts'
import { parseCsv } from './csv.ts'
import { csvReader, fillLogin, itemsOfTable, nameOr } from './csv-reader.ts'
import { expiryOf } from './dates.ts'
import type { Draft } from './draft.ts'
import type { Leftover } from './incoming.ts'
import type { Members } from './members.ts'
import type { Reader } from './reader.ts'
import { textOf, wholeFile } from './whole-file.ts'
import { isZip, Zip } from './zip.ts'

const title = 'Dashlane'

type MakeDraft = (kind: ItemKind, name: string) => Draft

function login(members: Members, draft: MakeDraft): Draft {
  const item = draft('login', nameOr(members.text('title'), members.text('url')))
  fillLogin(item, members, {
    url: ['url'],
    username: ['username'],
    password: ['password'],
    notes: ['note'],
    totp: ['otpurl', 'otpsecret'],
    folder: ['category'],
  })
  for (const name of ['username2', 'username3']) {
    const value = members.text(name)
    if (value !== '') item.field(name, value)
  }
  return item
}

function note(members: Members, draft: MakeDraft): Draft {
  const item = draft('note', members.text('title') || 'Untitled')
  item.set('notes', members.text('note'))
  item.set('folder', members.text('category'))
  return item
}

function payment(members: Members, draft: MakeDraft): Draft {
  const isCard = members.text('cc_number') !== ''
  const item = draft(isCard ? 'card' : 'note', members.text('name', 'account_name') || 'Payment')
  item.set('notes', members.text('note'))
  if (isCard) {
    item.set('holder', members.text('account_holder'))
    item.set('number', members.text('cc_number').replaceAll(' ', ''))
    item.set('code', members.text('code'))
    item.set('expiry', expiryOf(members.text('expiration_month'), members.text('expiration_year')))
    members.ignore('type')
  }
  return item
}

const personal = (members: Members, draft: MakeDraft): Draft => {
  const names = ['title', 'first_name', 'middle_name', 'last_name'].map((name) => members.text(name))
  const fullName = names.filter((name) => name !== '').join(' ')
  const item = draft('identity', members.text('item_name') || fullName || 'Identity')
  item.set('fullName', fullName)
  item.set('email', members.text('email'))
  item.set('phone', members.text('phone_number'))
  const town = ['zip', 'city', 'state'].map((name) => members.text(name)).filter((part) => part !== '')
  const lines = [members.text('address'), town.join(' '), members.text('country')]
  item.set('address', lines.filter((line) => line !== '').join('\n'))
  return item
}

const document = (members: Members, draft: MakeDraft): Draft => {
  const type = members.text('type')
  return draft('note', [type, members.text('name')].filter((part) => part !== '').join(' ') || 'Document')
}

const tables: Readonly<Record<string, (members: Members, draft: MakeDraft) => Draft>> = {
  'credentials.csv': login,
  'securenotes.csv': note,
  'payments.csv': payment,
  'personalinfo.csv': personal,
  'ids.csv': document,
}

const baseName = (path: string) => path.slice(path.lastIndexOf('/') + 1)

export const dashlane: Reader = {
  name: 'dashlane',
  title,
  recognises: ({ head, text }) =>
    isZip(head) && /(credentials|securenotes|payments|personalinfo)\.csv/i.test(text),
  async read(file) {
    const zip = Zip.of(await wholeFile(file))
    const leftovers: Leftover[] = []
    const items = zip.names.flatMap((path) => {
      const name = baseName(path)
      const item = tables[name.toLowerCase()]
      const bytes = zip.read(path)
      if (!item || !bytes) {
        if (!path.endsWith('/'))
          leftovers.push({ place: path, what: 'a file of the archive', wentTo: undefined })
        return []
      }
      return itemsOfTable(parseCsv(textOf(bytes)).records, item, { leftovers, file: name })
    })
    return { format: title, items, leftovers }
  },
}

export const dashlaneCsv = csvReader({
  name: 'dashlane-csv',
  title: 'Dashlane (CSV)',
  requires: ['username', 'username2', 'username3', 'title', 'password', 'note', 'url', 'category'],
  item: login,
})
