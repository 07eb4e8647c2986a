// Proton Pass: its table, in which cards and identities stand as JSON in place of their notes (proton.me/support/pass-export).
import type { ItemKind } from '../../contract/content.ts'
import { csvReader, fillLogin, nameOr } from './csv-reader.ts'
import { Members } from './members.ts'
import { fillCard, fillIdentity, fillName } from './proton-pass.ts'
import { parsedJson } from './text.ts'

const login = { password: ['password'], notes: ['note'], totp: ['totp'] } as const

const kinds: Readonly<Record<string, ItemKind>> = {
  login: 'login',
  alias: 'login',
  creditCard: 'card',
  identity: 'identity',
}

/** Addresses that are told in one column, and again with how each is compared. */
function urlsOf(members: Members): string[] {
  const parsed = parsedJson(members.text('autofillurls'))
  const told = Members.of({ parsed }).each('parsed')
  const urls = [...members.text('url').split(', '), ...told.map((one) => one.text('url'))]
  return [...new Set(urls.filter((url) => url !== ''))]
}

export const protonPassCsv = csvReader({
  name: 'proton-pass-csv',
  title: 'Proton Pass (CSV)',
  // Earlier versions have neither an e-mail address nor a vault.
  requires: ['type', 'name', 'url', 'username', 'password', 'note', 'totp', 'createtime', 'modifytime'],
  item(members, draft) {
    const type = members.text('type')
    const kind = kinds[type] ?? 'note'
    const urls = urlsOf(members)
    const item = draft(kind, nameOr(members.text('name'), urls[0] ?? ''))
    if (kind === 'login') {
      fillLogin(item, members, login)
      fillName(item, members.text('username'), members.text('email'))
    }
    item.setList('urls', kind === 'login' ? urls : [])
    if (kind === 'card' || kind === 'identity') {
      const content = Members.of(parsedJson(members.text('note')))
      if (kind === 'card') fillCard(item, content)
      else fillIdentity(item, content)
      item.set('notes', content.text('note') || (content.rest().length === 0 ? members.text('note') : ''))
      item.keepRest(content)
    }
    if (kind === 'note') item.set('notes', members.text('note'))
    if (type === 'alias') item.tag('alias')
    else if (kind === 'note' && type !== 'note') item.moved(`an item of the kind ${type}`, 'a note')
    item.vault = members.text('vault') || undefined
    members.ignore('createtime', 'modifytime')
    return item
  },
})
