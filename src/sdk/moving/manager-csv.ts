// Tables of password managers that hold logins and notes: Bitwarden, 1Password, KeePassXC.
import { csvReader, fillLogin, loginOf, nameOr } from './csv-reader.ts'

export const bitwardenCsv = csvReader({
  name: 'bitwarden-csv',
  title: 'Bitwarden (CSV)',
  requires: ['type', 'name', 'login_uri', 'login_username', 'login_password', 'login_totp'],
  item(members, draft) {
    const isLogin = members.text('type') !== 'note'
    const item = draft(isLogin ? 'login' : 'note', members.text('name'))
    item.set('notes', members.text('notes'))
    const [folder, ...others] = [members.text('folder'), ...members.text('collections').split(',')].filter(
      (one) => one !== '',
    )
    item.set('folder', folder)
    for (const other of others) item.tag(other)
    if (members.text('favorite') === '1') item.favour()
    if (isLogin) {
      item.set('username', members.text('login_username'))
      item.set('password', members.text('login_password'))
      item.set('totp', members.text('login_totp'))
      const urls = members.text('login_uri').split(/,(?=[a-z][a-z0-9+.-]*:)/i)
      item.setList(
        'urls',
        urls.filter((url) => url !== ''),
      )
    }
    // One line each; nothing in the table says which of them are hidden.
    for (const line of members.text('fields').split('\n')) {
      const at = line.indexOf(': ')
      if (at > 0) item.field(line.slice(0, at), line.slice(at + 2), true)
      else if (line !== '') item.field('', line, true)
    }
    if (members.text('reprompt') === '1') item.keep('Master password re-prompt', 'yes')
    members.ignore('reprompt')
    if (members.text('archiveddate') !== '') {
      item.tag('archived')
      item.moved('that it is archived', 'a tag')
    }
    return item
  },
})

export const onePasswordCsv = csvReader({
  name: '1password-csv',
  title: '1Password (CSV)',
  requires: ['title', 'url', 'username', 'password', 'otpauth', 'archived', 'tags'],
  item(members, draft) {
    const url = members.text('url')
    const item = draft('login', nameOr(members.text('title'), url))
    fillLogin(item, members, {
      url: ['url'],
      username: ['username'],
      password: ['password'],
      notes: ['notes'],
      totp: ['otpauth'],
    })
    for (const tag of members.text('tags').split(/[,;]/)) item.tag(tag)
    if (members.text('favorite') === 'true') item.favour()
    if (members.text('archived') === 'true') {
      item.tag('archived')
      item.moved('that it is archived', 'a tag')
    }
    members.ignore('favorite', 'archived')
    return item
  },
})

const keePassXcLogin = loginOf({
  name: ['title'],
  url: ['url'],
  username: ['username'],
  password: ['password'],
  notes: ['notes'],
  totp: ['totp'],
})

export const keePassXcCsv = csvReader({
  name: 'keepassxc-csv',
  title: 'KeePassXC (CSV)',
  requires: ['group', 'title', 'username', 'password', 'url', 'icon'],
  item(members, draft) {
    const [root = '', ...below] = members.text('group').split('/')
    members.ignore('icon', 'last modified', 'created')
    const item = keePassXcLogin(members, draft)
    // Every group is below the one that is the file itself.
    item.set('folder', below.join('/'))
    item.trashed = below[0] === 'Recycle Bin' || root === 'Recycle Bin'
    return item
  },
})
