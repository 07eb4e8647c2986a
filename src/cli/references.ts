// References to values of items, such as limpet://Production/Database/password: what scripts and templates hold in place of secrets.
import { CliError } from '../terminal/exit-codes.ts'
import { safeLine } from '../terminal/text.ts'
import { inPlace } from './lookup.ts'
import { fieldOf } from './views.ts'
import { chosenVaults, type Entry, type Workspace } from './workspace.ts'

const scheme = 'limpet://'

export const isReference = (text: string) => text.startsWith(scheme)

interface Reference {
  readonly vault: string
  readonly item: string
  readonly member: string
}

/** Reads limpet://VAULT/ITEM/MEMBER; a `/` or `%` in a name is written as %2F or %25. Throws a CliError. */
export function parseReference(text: string): Reference {
  const malformed = () =>
    new CliError(
      'usage',
      `"${safeLine(text)}" is no reference. It is limpet://VAULT/ITEM/MEMBER; a "/" in a name is written as %2F, a "%" as %25.`,
    )
  if (!isReference(text)) throw malformed()
  let parts: string[]
  try {
    parts = text.slice(scheme.length).split('/').map(decodeURIComponent)
  } catch {
    throw malformed()
  }
  const [vault = '', item = '', member = '', ...others] = parts
  if (!vault || !item || !member || others.length > 0) throw malformed()
  return { vault, item, member }
}

/** By its exact id or name: a job must not get the secret of another item because one was renamed. */
function itemMeant(workspace: Workspace, { vault, item: wanted }: Reference, text: string): Entry {
  const vaults = new Set(chosenVaults(workspace, vault))
  const here = workspace.entries.filter((entry) => vaults.has(entry.vault) && inPlace('active')(entry))
  const named = here.filter(({ item }) => item.content.name.normalize('NFC') === wanted.normalize('NFC'))
  const found = here.filter(({ item }) => item.id === wanted)
  const [first, ...others] = found.length > 0 ? found : named
  if (first && others.length === 0) return first
  if (!first)
    throw new CliError(
      'notFound',
      `${safeLine(text)}: there is no item "${safeLine(wanted)}" in the vault "${safeLine(vault)}". A reference takes the exact name, or the id.`,
    )
  const ids = [first, ...others].map(({ item }) => item.id).join(', ')
  throw new CliError(
    'ambiguous',
    `${safeLine(text)}: several items have this name. Write the id of one: ${ids}.`,
  )
}

/** The value that a reference means. Throws CliError `usage`, `notFound`, `ambiguous`. */
export function resolveReference(workspace: Workspace, text: string): string {
  const reference = parseReference(text)
  return fieldOf(itemMeant(workspace, reference, text), reference.member)
}
