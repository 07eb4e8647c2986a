// Which members of an item's content options may name, and what they put there.
import { ItemContent, type ItemKind, secretMembers } from '../sdk/index.ts'
import { CliError } from '../terminal/exit-codes.ts'
import { safeLine } from '../terminal/text.ts'

export const secretNames = new Set(
  Object.values(secretMembers)
    .flat()
    .map((name) => name.toLowerCase()),
)

/** Members that have an option of their own, or none that can be set by hand. */
const notByHand: Readonly<Record<string, string>> = {
  kind: 'The kind of an item stays as it is; add a new one.',
  name: 'Use --name.',
  urls: 'Use --url.',
  tags: 'Use --tag.',
  favourite: 'Use --favourite.',
  fields: 'Give the name of the field itself.',
  previousPasswords: '"limpet history" shows what there was.',
  passkeys: 'Apps and browsers make them.',
  attachments: '"limpet attach" adds a file, "limpet attachment rm" takes one out.',
}

const membersOfKind = new Map<string, readonly string[]>(
  ItemContent.options.map(({ shape }) => [shape.kind.value, Object.keys(shape)]),
)

/** The member that is meant, whatever its letters' case, or undefined for a field of the owner's own. */
export const memberNamed = (kind: ItemKind, name: string) =>
  membersOfKind.get(kind)?.find((member) => member.toLowerCase() === name.toLowerCase())

type Field = NonNullable<ItemContent['fields']>[number]

export type Draft = Record<string, unknown> & { fields: readonly Field[] }

export function requireByHand(kind: ItemKind, name: string) {
  const member = memberNamed(kind, name)
  const instead = member === undefined ? undefined : notByHand[member]
  if (instead) throw new CliError('usage', `"${safeLine(name)}" cannot be set this way. ${instead}`)
}

export function requireRemovable(kind: ItemKind, name: string) {
  const member = memberNamed(kind, name)
  if (member === 'attachments')
    throw new CliError('usage', 'Files are taken out one by one: "limpet attachment rm" does it.')
  if (member === 'kind' || member === 'name' || member === 'fields')
    throw new CliError('usage', `"${member}" cannot be removed.`)
}

export function setMember(draft: Draft, kind: ItemKind, name: string, value: string, hidden: boolean) {
  const member = memberNamed(kind, name)
  if (member !== undefined) {
    draft[member] = kind === 'card' && member === 'expiry' ? expiryFrom(value) : value
    return
  }
  const known = draft.fields.find((field) => field.name === name)
  if (known?.hidden && !hidden)
    throw new CliError(
      'usage',
      `"${safeLine(name)}" is a hidden field, and arguments can be read by others on this machine. Use --set-secret ${safeLine(name)}, which asks for it.`,
    )
  draft.fields = known
    ? draft.fields.map((field) => (field === known ? { ...field, value, hidden } : field))
    : [...draft.fields, { name, value, hidden }]
}

/** A month as docs/protocol.md has it, "Item content"; also as it stands on cards, MM/YY. */
function expiryFrom(text: string): string {
  const [, month, year] = /^(\d{2})\s*[/-]\s*((?:20)?\d{2})$/.exec(text.trim()) ?? []
  const expiry = month && year ? `${year.padStart(4, '20')}-${month}` : text.trim()
  if (/^\d{4}-(0[1-9]|1[0-2])$/.test(expiry)) return expiry
  throw new CliError(
    'usage',
    `"${safeLine(text)}" is not a month: --set expiry=2029-08, or as on the card, --set expiry=08/29.`,
  )
}

export function removeMember(draft: Draft, kind: ItemKind, name: string) {
  const field = draft.fields.find((one) => one.name === name)
  const member = memberNamed(kind, name) ?? name
  if (Object.hasOwn(draft, member)) delete draft[member]
  else if (field) draft.fields = draft.fields.filter((one) => one !== field)
  else throw new CliError('notFound', `There is no "${safeLine(name)}" to remove.`)
}
