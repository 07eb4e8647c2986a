// Commands that read items: get, list.
import { isItemContent, keptSharesKind, secretMembers } from '../../sdk/index.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { print, printJson, printValue, remark } from '../../terminal/output.ts'
import { mostSimilar } from '../../terminal/similar.ts'
import { safeLine } from '../../terminal/text.ts'
import { copySecret } from '../clipboard.ts'
import { command, type Surroundings } from '../command.ts'
import { watchList } from '../list-watch.ts'
import { findItem, inPlace } from '../lookup.ts'
import {
  fieldOf,
  hasSecrets,
  itemJson,
  itemView,
  summaryJson,
  summaryTable,
  withoutSecrets,
} from '../views.ts'
import {
  chosenVaults,
  type Entry,
  endingOf,
  isCalled,
  openSource,
  openWorkspace,
  type Workspace,
} from '../workspace.ts'

const vault = { type: 'string', value: 'NAME', help: 'looks in this vault only' } as const

/** What people come for, of each kind. */
const usualFields: Readonly<Record<string, string>> = {
  login: 'password',
  note: 'notes',
  card: 'number',
  'ssh-key': 'publicKey',
}

function usualField({ item: { content } }: Entry): string {
  const field = Object.hasOwn(usualFields, content.kind) ? usualFields[content.kind] : undefined
  if (field !== undefined) return field
  throw new CliError('usage', `--field says which value of "${safeLine(content.name)}" to copy.`)
}

const copyValue = ({ environment }: Surroundings, entry: Entry, field: string) =>
  copySecret(
    `${safeLine(field)} of "${safeLine(entry.item.content.name)}"`,
    fieldOf(entry, field),
    environment,
  )

export const get = command({
  name: 'get',
  operands: ['NAME_OR_ID', '[NAME_OR_ID...]'],
  summary: 'show items, or one value of an item',
  details:
    'With --json, one item is an object, and several are an array in the order of their names. A name is matched exactly, then whatever its case, then by how it begins. --field and --json print secrets, since scripts ask for them. What --copy copied is taken out of the clipboard after 45 seconds, if it is still there.',
  example: 'limpet get GitHub --field password',
  options: {
    field: { type: 'string', value: 'F', help: 'prints exactly this value, and a newline' },
    copy: {
      type: 'boolean',
      help: 'copies a value to the clipboard and prints nothing: that of --field, otherwise the password, card number, public key or text',
    },
    json: { type: 'boolean', help: 'prints all of the item as JSON, secrets too' },
    reveal: { type: 'boolean', help: 'shows secrets in the readable view' },
    trash: { type: 'boolean', help: 'looks in the trash' },
    vault,
  },
  async run(
    surroundings,
    [wanted = '', ...others],
    { field, copy = false, json = false, reveal = false, trash, vault },
  ) {
    if (field !== undefined && json)
      throw new CliError('usage', '--field prints one value; leave out --json.')
    if (copy && (json || reveal))
      throw new CliError('usage', '--copy prints nothing; leave out --json and --reveal.')
    if (others.length > 0 && (copy || field !== undefined))
      throw new CliError('usage', '--field and --copy are for one item; --json gives several at once.')
    const workspace = await openWorkspace(surroundings, 'read')
    const place = trash ? 'trash' : 'active'
    const entry = findItem(workspace, wanted, { vault, place })
    const entries = [entry, ...others.map((other) => findItem(workspace, other, { vault, place }))]
    if (copy) await copyValue(surroundings, entry, field ?? usualField(entry))
    else if (field !== undefined) printValue(fieldOf(entry, field))
    else if (json) {
      const shown = entries.map((one) => itemJson(one, true))
      printJson(others.length > 0 ? shown : shown[0])
    } else {
      print(...entries.flatMap((one, at) => [...(at > 0 ? [''] : []), ...itemView(one, reveal)]))
      if (!reveal && entries.some(({ item }) => hasSecrets(item.content)))
        remark('--reveal shows what is hidden, --field NAME prints one value.')
    }
  },
})

interface Filter {
  readonly text?: string | undefined
  readonly kind?: string | undefined
  readonly folder?: string | undefined
  readonly tag?: string | undefined
}

/** Secrets are not searched: what a search finds could tell what is in them. */
function fits({ item: { content } }: Entry, { text, kind, folder, tag }: Filter): boolean {
  const known = isItemContent(content) ? content : undefined
  const searched = JSON.stringify(Object.values(withoutSecrets(content))).toLowerCase()
  return (
    // The list of one-time links is no item of the owner's; "limpet share list" shows it.
    (kind === undefined ? content.kind !== keptSharesKind : content.kind === kind) &&
    (folder === undefined || known?.folder === folder) &&
    (tag === undefined || (known?.tags ?? []).includes(tag)) &&
    (text === undefined || searched.includes(JSON.stringify(text.toLowerCase()).slice(1, -1)))
  )
}

const byName = new Intl.Collator(undefined, { numeric: true })

/** The entries that a list shows, in its order. */
const sorted = (entries: readonly Entry[], place: 'active' | 'trash', filter: Filter) =>
  entries
    .filter(inPlace(place))
    .filter((entry) => fits(entry, filter))
    .toSorted(
      (left, right) =>
        byName.compare(left.item.content.name, right.item.content.name) ||
        (left.item.id < right.item.id ? -1 : 1),
    )

/** Refuses a kind that neither this version nor any item knows. */
function requireKind({ entries }: Workspace, kind: string | undefined) {
  if (kind === undefined) return
  const kinds = new Set([...Object.keys(secretMembers), ...entries.map(({ item }) => item.content.kind)])
  if (kinds.has(kind)) return
  const similar = mostSimilar(kind, kinds)
  throw new CliError(
    'usage',
    `There is no kind "${safeLine(kind)}".${similar === undefined ? '' : ` Did you mean "${safeLine(similar)}"?`} Kinds are ${Object.keys(secretMembers).join(', ')}.`,
  )
}

function nothingFound({ text, kind, folder, tag }: Filter, place: 'active' | 'trash'): string {
  const where = place === 'trash' ? ' in the trash' : ''
  if (text !== undefined) return `Nothing${where} has "${safeLine(text)}" in it. Secrets are not searched.`
  if ([kind, folder, tag].some((filter) => filter !== undefined)) return `Nothing${where} fits.`
  return place === 'trash'
    ? 'The trash is empty.'
    : 'There is no item here. "limpet add login NAME" adds one.'
}

export const list = command({
  name: 'list',
  operands: ['[TEXT]'],
  summary: 'list items, by name; TEXT finds those that contain it anywhere but in secrets',
  example: 'limpet list mail --kind login',
  options: {
    kind: { type: 'string', value: 'K', words: Object.keys(secretMembers), help: 'only this kind' },
    folder: { type: 'string', value: 'F', help: 'only what is in this folder' },
    tag: { type: 'string', value: 'T', help: 'only what has this tag' },
    trash: { type: 'boolean', help: 'what is in the trash' },
    watch: { type: 'boolean', help: 'goes on until Ctrl-C: draws the list anew when it changes' },
    json: {
      type: 'boolean',
      help: 'prints JSON; with --watch one line of it for each item, and for each change',
    },
    reveal: { type: 'boolean', help: 'with --json: prints all of each item, secrets too' },
    vault,
  },
  async run(surroundings, [text], { kind, folder, tag, trash, watch, json = false, reveal, vault }) {
    if (reveal && (watch || !json))
      throw new CliError('usage', '--reveal goes with --json, and not with --watch.')
    const place = trash ? 'trash' : 'active'
    const filter = { text, kind, folder, tag }
    if (watch) {
      const isChosen = (entry: Entry) => vault === undefined || isCalled(vault)(entry.vault)
      await watchList({
        ...(await openSource(surroundings, 'read')),
        untilSignal: surroundings.untilSignal,
        json,
        choose: (entries) => sorted(entries.filter(isChosen), place, filter).map(summaryJson),
        check: (vaults) => void chosenVaults({ vaults }, vault),
      })
      return 'done'
    }
    const workspace = await openWorkspace(surroundings, 'read')
    requireKind(workspace, kind)
    const vaults = new Set(chosenVaults(workspace, vault))
    const inVaults = workspace.entries.filter((entry) => vaults.has(entry.vault))
    const found = sorted(inVaults, place, filter)
    const summaries = found.map(summaryJson)
    if (reveal) printJson(found.map((entry) => itemJson(entry, true)))
    else if (json) printJson(summaries)
    else if (summaries.length > 0) print(...summaryTable(summaries))
    else remark(nothingFound(filter, place))
    return endingOf(workspace)
  },
})
