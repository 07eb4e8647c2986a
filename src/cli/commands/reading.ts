// Commands that read items: get, list.
import { isItemContent } from '../../sdk/index.ts'
import { CliError } from '../../terminal/exit-codes.ts'
import { print, printJson, printValue } from '../../terminal/output.ts'
import { withProgress } from '../../terminal/progress.ts'
import { localTime } from '../../terminal/text.ts'
import { command } from '../command.ts'
import { watchList } from '../list-watch.ts'
import { findItem, inPlace } from '../lookup.ts'
import {
  contentView,
  fieldOf,
  itemJson,
  itemView,
  summaryJson,
  summaryTable,
  withoutSecrets,
} from '../views.ts'
import { chosenVaults, type Entry, endingOf, isCalled, openSource, openWorkspace } from '../workspace.ts'

const vault = { type: 'string', value: 'NAME', help: 'looks in this vault only' } as const

interface Showing {
  readonly json: boolean
  readonly reveal: boolean
}

async function showVersions({ vault, item }: Entry, { json, reveal }: Showing) {
  const versions = await withProgress('Asking the server', () => vault.versions(item.id))
  if (json) {
    printJson(
      versions.map(({ revision, createdAt, replacedAt, content }) => ({
        revision,
        createdAt,
        replacedAt,
        content,
      })),
    )
    return
  }
  if (versions.length === 0) print('Nothing was replaced yet.')
  for (const { revision, createdAt, replacedAt, content } of versions)
    print(
      `Revision ${revision}, written ${localTime(createdAt)}, replaced ${localTime(replacedAt)}`,
      ...contentView(content, reveal).map((line) => `  ${line}`),
    )
}

export const get = command({
  name: 'get',
  operands: ['NAME_OR_ID'],
  summary: 'show an item, or one value of it',
  details:
    'A name is matched exactly, then whatever its case, then by how it begins. --field and --json print secrets, since scripts ask for them.',
  example: 'limpet get GitHub --field password',
  options: {
    field: { type: 'string', value: 'F', help: 'prints exactly this value, and a newline' },
    json: { type: 'boolean', help: 'prints all of the item as JSON, secrets too' },
    reveal: { type: 'boolean', help: 'shows secrets in the readable view' },
    versions: { type: 'boolean', help: 'shows the versions that were replaced' },
    trash: { type: 'boolean', help: 'looks in the trash' },
    vault,
  },
  async run(surroundings, [wanted = ''], { field, json = false, reveal = false, versions, trash, vault }) {
    if (field !== undefined && (json || versions))
      throw new CliError('usage', '--field prints one value; leave out --json and --versions.')
    const workspace = await openWorkspace(surroundings, 'read')
    const entry = findItem(workspace, wanted, { vault, place: trash ? 'trash' : 'active' })
    if (versions) await showVersions(entry, { json, reveal })
    else if (field !== undefined) printValue(fieldOf(entry, field))
    else if (json) printJson(itemJson(entry, true))
    else print(...itemView(entry, reveal))
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
    (kind === undefined || content.kind === kind) &&
    (folder === undefined || known?.folder === folder) &&
    (tag === undefined || (known?.tags ?? []).includes(tag)) &&
    (text === undefined || searched.includes(JSON.stringify(text.toLowerCase()).slice(1, -1)))
  )
}

const byName = new Intl.Collator(undefined, { numeric: true })

/** What a list shows of the entries, in its order. */
const sorted = (entries: readonly Entry[], place: 'active' | 'trash', filter: Filter) =>
  entries
    .filter(inPlace(place))
    .filter((entry) => fits(entry, filter))
    .toSorted(
      (left, right) =>
        byName.compare(left.item.content.name, right.item.content.name) ||
        (left.item.id < right.item.id ? -1 : 1),
    )
    .map(summaryJson)

export const list = command({
  name: 'list',
  operands: ['[TEXT]'],
  summary: 'list items, by name; TEXT finds those that contain it anywhere but in secrets',
  example: 'limpet list mail --kind login',
  options: {
    kind: { type: 'string', value: 'K', help: 'only this kind' },
    folder: { type: 'string', value: 'F', help: 'only what is in this folder' },
    tag: { type: 'string', value: 'T', help: 'only what has this tag' },
    trash: { type: 'boolean', help: 'what is in the trash' },
    watch: { type: 'boolean', help: 'goes on until Ctrl-C: draws the list anew when it changes' },
    json: {
      type: 'boolean',
      help: 'prints JSON; with --watch one line of it for each item, and for each change',
    },
    vault,
  },
  async run(surroundings, [text], { kind, folder, tag, trash, watch, json = false, vault }) {
    const place = trash ? 'trash' : 'active'
    const filter = { text, kind, folder, tag }
    if (watch) {
      const isChosen = (entry: Entry) => vault === undefined || isCalled(vault)(entry.vault)
      await watchList({
        ...(await openSource(surroundings, 'read')),
        untilSignal: surroundings.untilSignal,
        json,
        choose: (entries) => sorted(entries.filter(isChosen), place, filter),
        check: (vaults) => void chosenVaults({ vaults }, vault),
      })
      return 'done'
    }
    const workspace = await openWorkspace(surroundings, 'read')
    const vaults = new Set(chosenVaults(workspace, vault))
    const inVaults = workspace.entries.filter((entry) => vaults.has(entry.vault))
    const summaries = sorted(inVaults, place, filter)
    if (json) printJson(summaries)
    else if (summaries.length > 0) print(...summaryTable(summaries))
    return endingOf(workspace)
  },
})
