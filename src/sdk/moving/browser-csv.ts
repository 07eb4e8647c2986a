// Passwords as browsers and Apple's Passwords export them.
import { csvReader, loginOf } from './csv-reader.ts'

/** Chrome, Edge, Brave, Opera, Vivaldi. */
export const chromeCsv = csvReader({
  name: 'chrome-csv',
  title: 'Chrome, Edge and their relatives (CSV)',
  requires: ['name', 'url', 'username', 'password'],
  item: loginOf({
    name: ['name'],
    url: ['url'],
    username: ['username'],
    password: ['password'],
    notes: ['note', 'notes'],
  }),
})

const login = loginOf({ url: ['url'], username: ['username'], password: ['password'] })

export const firefoxCsv = csvReader({
  name: 'firefox-csv',
  title: 'Firefox (CSV)',
  requires: ['url', 'username', 'password', 'httprealm', 'formactionorigin'],
  item(members, draft) {
    const [url, origin] = [members.text('url'), members.text('formactionorigin')]
    members.ignore('guid', 'timecreated', 'timelastused', 'timepasswordchanged')
    const item = login(members, draft)
    // The place that the form is sent to counts only if it is another one.
    if (origin !== url) item.keep('formActionOrigin', origin)
    return item
  },
})

export const applePasswordsCsv = csvReader({
  name: 'apple-passwords-csv',
  title: 'Apple Passwords (CSV)',
  requires: ['title', 'url', 'username', 'password', 'otpauth'],
  item: loginOf({
    name: ['title'],
    url: ['url'],
    username: ['username'],
    password: ['password'],
    notes: ['notes'],
    totp: ['otpauth'],
  }),
})
