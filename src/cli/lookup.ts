// Finds items by id or name among what was decrypted here: the server knows no names.
import { CliError } from '../terminal/exit-codes.ts'
import { mostSimilar } from '../terminal/similar.ts'
import { localTime, safeLine } from '../terminal/text.ts'
import { siteOf, summaryJson } from './views.ts'
import { chosenVaults, type Entry, type Workspace } from './workspace.ts'

export interface Where {
  readonly vault?: string | undefined
  readonly place: 'active' | 'trash'
}

const fold = (text: string) => text.normalize('NFC').toLowerCase()

/** From the most exact way to mean an item to the least; the first that fits any item decides. */
const ways: readonly ((name: string, wanted: string) => boolean)[] = [
  (name, wanted) => name.normalize('NFC') === wanted.normalize('NFC'),
  (name, wanted) => fold(name) === fold(wanted),
  (name, wanted) => fold(name).startsWith(fold(wanted)),
]

export const inPlace =
  (place: Where['place']) =>
  ({ item }: Entry) =>
    (item.deletedAt === null) === (place === 'active')

/** The one item that is meant. An exact id finds it in the trash and out of it. Throws CliError `notFound`, `ambiguous`. */
export function findItem(workspace: Workspace, wanted: string, { vault, place }: Where): Entry {
  const vaults = new Set(chosenVaults(workspace, vault))
  const entries = workspace.entries.filter((entry) => vaults.has(entry.vault))
  const byId = entries.filter(({ item }) => item.id === wanted)
  if (byId.length > 0) return one(byId, wanted)
  const broken = workspace.broken.find(({ item }) => item.id === wanted)
  if (broken)
    throw new CliError(
      'refused',
      broken.why === 'malformed'
        ? `The item ${wanted} opens, and what is inside is malformed. "limpet rm ${wanted}" removes it.`
        : `The item ${wanted} does not open with the key of its vault.`,
    )
  const candidates = entries.filter(inPlace(place))
  for (const fits of ways) {
    const found = candidates.filter(({ item }) => fits(item.content.name, wanted))
    if (found.length > 0) return one(found, wanted)
  }
  const here = place === 'trash' ? ' in the trash' : ''
  const elsewhere =
    place === 'active' &&
    entries.some(({ item }) => item.deletedAt && fold(item.content.name) === fold(wanted))
      ? 'It is in the trash: "limpet restore" takes it out.'
      : `"limpet list${place === 'trash' ? ' --trash' : ''}" shows what there is.`
  const similar = mostSimilar(
    wanted,
    candidates.map(({ item }) => item.content.name),
  )
  const guess = similar === undefined ? '' : ` Did you mean "${safeLine(similar)}"?`
  throw new CliError('notFound', `There is no item "${safeLine(wanted)}"${here}.${guess} ${elsewhere}`)
}

/** Items by their ids, with what they differ in: an owner knows them by their user names, sites, vaults and times. */
function tellingApart(found: readonly Entry[]): string[] {
  const summaries = found.map(summaryJson)
  return summaries.map(({ id, name, kind, username, urls: [url], vault, updatedAt }) =>
    [
      id,
      name,
      ...(summaries.some((other) => other.kind !== kind) ? [kind] : []),
      ...(username === null ? [] : [username]),
      ...(url === undefined ? [] : [siteOf(url)]),
      `(${[vault.name, `updated ${localTime(updatedAt)}`].join(', ')})`,
    ]
      .map(safeLine)
      .join('  '),
  )
}

function one(found: readonly Entry[], wanted: string): Entry {
  const [first, ...others] = found
  if (first && others.length === 0) return first
  throw new CliError(
    'ambiguous',
    `Several items fit "${safeLine(wanted)}"; say which by its id:\n${tellingApart(found).join('\n')}`,
  )
}
