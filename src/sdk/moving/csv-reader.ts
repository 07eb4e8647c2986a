// What the tables of logins have in common, whichever program wrote them.
import type { ItemKind } from '../../contract/content.ts'
import { type CsvRecord, parseCsv } from './csv.ts'
import { Draft } from './draft.ts'
import type { IncomingItem, Leftover } from './incoming.ts'
import type { Members } from './members.ts'
import type { Reader } from './reader.ts'
import { textOf, wholeFile } from './whole-file.ts'

/** The columns of each member, in lower case; of several the first that has a value is meant. */
export interface LoginColumns {
  readonly name?: readonly string[]
  readonly username?: readonly string[]
  readonly password?: readonly string[]
  readonly url?: readonly string[]
  readonly notes?: readonly string[]
  readonly totp?: readonly string[]
  readonly folder?: readonly string[]
}

interface CsvFormat {
  readonly name: string
  readonly title: string
  /** Columns that all files of the format have, and that tell it from the others. */
  readonly requires: readonly string[]
  /** Whether all values of the file are written as in HTML, such as `&amp;`. */
  isHtml?(text: string): boolean
  /** The item of a record. Whatever `members` it does not look at becomes hidden fields. */
  item(members: Members, draft: (kind: ItemKind, name: string) => Draft): Draft
}

/** A name for what has none: the host of its address. */
export function nameOr(name: string, url: string): string {
  if (name !== '') return name
  try {
    return new URL(url).hostname || url
  } catch {
    return url === '' ? 'Untitled' : url
  }
}

/** Fills a login from columns, except its name. */
export function fillLogin(draft: Draft, members: Members, columns: LoginColumns): void {
  const { username = [], password = [], notes = [], totp = [], folder = [], url = [] } = columns
  draft.set('username', members.text(...username))
  draft.set('password', members.text(...password))
  draft.set('notes', members.text(...notes))
  draft.set('totp', members.text(...totp))
  draft.set('folder', members.text(...folder))
  const address = members.text(...url)
  draft.setList('urls', address === '' ? [] : [address])
}

/** A login of a record that holds logins only. */
export const loginOf =
  (columns: LoginColumns): CsvFormat['item'] =>
  (members, draft) => {
    const name = nameOr(members.text(...(columns.name ?? [])), members.text(...(columns.url ?? [])))
    const login = draft('login', name)
    fillLogin(login, members, columns)
    return login
  }

const isEmptyRecord = ({ members }: CsvRecord) => members.rest().length === 0

/** The items of a table. */
export function itemsOfTable(
  records: readonly CsvRecord[],
  item: CsvFormat['item'],
  { leftovers, file }: { leftovers: Leftover[]; file?: string },
): IncomingItem[] {
  return records
    .filter((record) => !isEmptyRecord(record))
    .map(({ line, members }) => {
      const place = `line ${line}${file === undefined ? '' : ` of ${file}`}`
      const draft = item(members, (kind, name) => new Draft({ kind, name, place, leftovers }))
      draft.keepRest(members)
      return draft.finish()
    })
}

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#39': "'",
  '#039': "'",
}

/** A text of HTML without its entities. */
const withoutEntities = (value: string) =>
  value.replace(/&(#?\w+);/g, (entity, name: string) => entities[name] ?? entity)

export const csvReader = ({ name, title, requires, isHtml, item }: CsvFormat): Reader => ({
  name,
  title,
  recognises({ header }) {
    const columns = new Set(header?.map((column) => column.toLowerCase()))
    return requires.every((column) => columns.has(column))
  },
  async read(file) {
    const text = textOf(await wholeFile(file))
    const leftovers: Leftover[] = []
    const hasEntities = isHtml?.(text) === true
    if (hasEntities)
      leftovers.push({
        place: 'all items',
        what: 'characters that are written as in HTML, such as &amp;',
        wentTo: 'the characters themselves',
      })
    const { records } = parseCsv(text, hasEntities ? withoutEntities : undefined)
    return { format: title, items: itemsOfTable(records, item, { leftovers }), leftovers }
  },
})
