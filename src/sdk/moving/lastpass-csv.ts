// LastPass: one table of logins and secure notes; a note that is a form begins with its kind (support.lastpass.com, "Export your passwords").
import { csvReader, fillLogin, nameOr } from './csv-reader.ts'
import { expiryOf } from './dates.ts'
import type { Draft } from './draft.ts'
import { Members } from './members.ts'
import { parsedJson } from './text.ts'

/** Stands in place of the address of a secure note. */
const noteAddress = 'http://sn'

const months = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
]

/** Lines `Name:value`, of which a value can go on in the lines below; `Notes` is the last one and takes all the rest. */
function readForm(text: string): Members {
  const columns: [string, string][] = []
  const lines = text.split('\n')
  for (const [at, line] of lines.entries()) {
    const [, name, value = ''] = /^([A-Z][\w /&'().-]{0,40}):(.*)$/.exec(line) ?? []
    const last = columns.at(-1)
    if (name === 'Notes') {
      columns.push([name, [value, ...lines.slice(at + 1)].join('\n')])
      break
    }
    // A key in PEM has headers that look like names of a form.
    const isWithin = last?.[1].includes('-----BEGIN') && !last[1].includes('-----END')
    if (name !== undefined && !isWithin) columns.push([name, value])
    else if (last) last[1] += `\n${line}`
  }
  return Members.ofColumns(columns)
}

function fillCard(draft: Draft, form: Members): void {
  draft.set('holder', form.text('name on card'))
  draft.set('number', form.text('number').replaceAll(' ', ''))
  draft.set('code', form.text('security code'))
  draft.set('brand', form.text('type'))
  const [month = '', year = ''] = form.text('expiration date').split(',')
  const at = months.indexOf(month.toLowerCase())
  draft.set('expiry', expiryOf(at < 0 ? month : String(at + 1), year))
  if (form.text('start date') !== ',') draft.keep('Start date', form.text('start date'))
}

function fillIdentity(draft: Draft, form: Members): void {
  const joined = (separator: string, ...names: string[]) =>
    names
      .map((name) => form.text(name))
      .filter((text) => text !== '')
      .join(separator)
  draft.set('fullName', joined(' ', 'title', 'first name', 'middle name', 'last name'))
  const town = joined(' ', 'zip / postal code', 'city / town', 'state')
  const lines = [joined('\n', 'address 1', 'address 2', 'address 3'), town, form.text('country')]
  draft.set('address', lines.filter((line) => line !== '').join('\n'))
  draft.set('organization', form.text('company'))
  draft.set('email', form.text('email address'))
  const phone = form.text('phone')
  const parts = Members.of(parsedJson(phone))
  const number = [parts.text('num'), parts.text('ext')].filter((part) => part !== '').join(' ext. ')
  draft.set('phone', phone.startsWith('{') ? number : phone)
}

const kinds = { 'Credit Card': 'card', Address: 'identity', 'SSH Key': 'ssh-key' } as const

const kindOf = (noteType: string) =>
  noteType === 'Credit Card' || noteType === 'Address' || noteType === 'SSH Key' ? kinds[noteType] : 'note'

const entity = '(?:amp|lt|gt|quot|#0?39);'

/**
 * Its browser extensions have exported texts as HTML. In such a file, none of these characters stands for itself. A password that is
 * spelt `&amp;` in another file stays as it is, unless no address or note of the file has one of the characters.
 */
const isHtml = (text: string) =>
  new RegExp(`&${entity}`).test(text) && !/[<>]/.test(text) && !new RegExp(`&(?!${entity})`).test(text)

export const lastPassCsv = csvReader({
  name: 'lastpass-csv',
  title: 'LastPass (CSV)',
  requires: ['url', 'username', 'password', 'extra', 'name', 'grouping', 'fav'],
  isHtml,
  item(members, draft) {
    const url = members.text('url')
    const isNote = url === noteAddress
    const extra = members.text('extra')
    const form = isNote && extra.startsWith('NoteType:') ? readForm(extra) : undefined
    const noteType = form?.text('notetype') ?? ''
    const kind = isNote ? kindOf(noteType) : 'login'
    const item = draft(kind, nameOr(members.text('name'), url))
    if (kind === 'login')
      fillLogin(item, members, {
        url: ['url'],
        username: ['username'],
        password: ['password'],
        notes: ['extra'],
        totp: ['totp'],
      })
    if (form) {
      form.ignore('language')
      item.set('notes', form.text('notes'))
      if (kind === 'card') fillCard(item, form)
      if (kind === 'identity') fillIdentity(item, form)
      if (kind === 'ssh-key') {
        item.set('privateKey', form.text('private key'))
        item.set('publicKey', form.text('public key'))
      }
      // Forms of the owner's own have a number in place of a name.
      if (kind === 'note' && !noteType.startsWith('Custom_')) item.tag(noteType)
      // A date that was not given is its commas.
      for (const [name, value] of form.rest()) if (!/^,*$/.test(value)) item.field(name, value, true)
    } else if (isNote) item.set('notes', extra)
    item.set('folder', members.text('grouping').replaceAll('\\', '/'))
    if (members.text('fav') === '1') item.favour()
    members.ignore('fav')
    return item
  },
})
