// How items are shown: to people with their secrets masked, and to scripts as JSON.
import { type AttachedFile, filesOf, isItemContent, secretMembers } from '../sdk/index.ts'
import { CliError } from '../terminal/exit-codes.ts'
import { localTime, safeLine, safeText, table } from '../terminal/text.ts'
import { formatFileSize } from '../units.ts'
import type { Entry } from './workspace.ts'

type Content = Entry['item']['content']

const mask = '••••••••'

/** Of a kind or with members that came later nobody here knows what is secret, so that all of them are. */
const publicMembers = [
  'kind',
  'name',
  'username',
  'urls',
  'folder',
  'tags',
  'favourite',
  'fields',
  'attachments',
] as const
const publicOfKind: Readonly<Record<string, readonly string[]>> = {
  card: ['holder', 'expiry', 'brand'],
  identity: ['fullName', 'email', 'phone', 'address', 'organization'],
  'ssh-key': ['publicKey'],
}

function isSecret(content: Content, member: string): boolean {
  if (!isItemContent(content)) return member !== 'kind' && member !== 'name'
  const known: readonly string[] = [...publicMembers, ...(publicOfKind[content.kind] ?? [])]
  return secretMembers[content.kind].includes(member) || !known.includes(member)
}

const fieldsOf = (content: Content) => (isItemContent(content) ? (content.fields ?? []) : [])

/** The content without its secrets: secret members are left out, and hidden fields have no value. */
export function withoutSecrets(content: Content): Record<string, unknown> {
  const shown = Object.entries(content).filter(([member]) => !isSecret(content, member))
  const fields = fieldsOf(content).map(({ name, value, hidden }) =>
    hidden ? { name, hidden } : { name, value, hidden },
  )
  return { ...Object.fromEntries(shown), ...(fields.length > 0 && { fields }) }
}

/** An item for scripts. */
export const itemJson = ({ item, vault }: Entry, reveal: boolean) => ({
  id: item.id,
  vault: { id: vault.id, name: vault.name },
  revision: item.revision,
  createdAt: item.createdAt,
  updatedAt: item.updatedAt,
  deletedAt: item.deletedAt,
  content: reveal ? item.content : withoutSecrets(item.content),
})

/** What a list says of an item; nothing in it is secret. */
export function summaryJson({ item, vault }: Entry) {
  const { content } = item
  const known = isItemContent(content) ? content : undefined
  return {
    id: item.id,
    vault: { id: vault.id, name: vault.name },
    kind: content.kind,
    name: content.name,
    username: known?.kind === 'login' ? (known.username ?? null) : null,
    urls: known?.kind === 'login' ? (known.urls ?? []) : [],
    folder: known?.folder ?? null,
    tags: known?.tags ?? [],
    favourite: known?.favourite ?? false,
    updatedAt: item.updatedAt,
    deletedAt: item.deletedAt,
  }
}

export type Summary = ReturnType<typeof summaryJson>

/** A list for people. */
export const summaryTable = (summaries: readonly Summary[]) =>
  table(
    ['NAME', 'KIND', 'USERNAME', 'FOLDER', 'UPDATED'],
    summaries.map(({ name, kind, username, folder, updatedAt }) => [
      name,
      kind,
      username ?? '',
      folder ?? '',
      localTime(updatedAt),
    ]),
  )

/** Names the files that an item came back without, behind its name. */
export const lostFilesNote = (lostFiles: readonly string[] = []) =>
  lostFiles.length > 0 ? `, without its lost files: ${lostFiles.map(safeLine).join(', ')}` : ''

const asText = (value: unknown): string => {
  if (typeof value === 'string') return value
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value.join('\n')
  return JSON.stringify(value)
}

/** Rows with their names in a column; the second and later lines of a value stand below its first. */
function rows(pairs: readonly (readonly [string, string])[]): string[] {
  const column = Math.max(...pairs.map(([name]) => safeLine(name).length)) + 2
  return pairs.flatMap(([name, value]) => {
    const [first = '', ...others] = safeText(value).split('\n')
    return [safeLine(name).padEnd(column) + first, ...others.map((line) => ' '.repeat(column) + line)]
  })
}

/** A file in one line. */
const fileLine = ({ name, type, size }: AttachedFile) =>
  [name, [formatFileSize(size), ...(type === '' ? [] : [type])].join(', ')].join('  ')

function contentPairs(content: Content, reveal: boolean): [string, string][] {
  const shownBelow: readonly string[] = isItemContent(content) ? ['fields', 'attachments'] : []
  const members = Object.entries(content).filter(
    ([member, value]) => value !== undefined && !shownBelow.includes(member),
  )
  const last = ['folder', 'tags', 'favourite', 'notes']
  const ordered = members.toSorted(([left], [right]) => last.indexOf(left) - last.indexOf(right))
  return [
    ...ordered.map(([member, value]): [string, string] => [
      member,
      reveal || !isSecret(content, member) ? asText(value) : mask,
    ]),
    ...fieldsOf(content).map(({ name, value, hidden }): [string, string] => [
      name,
      hidden && !reveal ? mask : value,
    ]),
    ...(isItemContent(content) ? filesOf(content) : []).map((file): [string, string] => [
      'file',
      fileLine(file),
    ]),
  ]
}

/** An item for people. */
export function itemView({ item, vault }: Entry, reveal: boolean): string[] {
  return rows([
    ...contentPairs(item.content, reveal),
    ['vault', vault.name],
    ['id', item.id],
    ['updated', localTime(item.updatedAt)],
    ...(item.deletedAt === null ? [] : [['in the trash since', localTime(item.deletedAt)] as const]),
  ])
}

export const contentView = (content: Content, reveal: boolean) => rows(contentPairs(content, reveal))

/**
 * One value of an item, raw: a member, a field of the owner's own, or id, vault, revision and the times.
 * Throws CliError `notFound` with the names that there are.
 */
export function fieldOf({ item, vault }: Entry, name: string): string {
  const { content } = item
  const fields = fieldsOf(content).map((field): [string, unknown] => [field.name, field.value])
  const members = Object.entries(content).filter(([member]) => member !== 'fields' || !isItemContent(content))
  const { id, revision, createdAt, updatedAt, deletedAt } = item
  const meta = Object.entries({
    id,
    revision,
    createdAt,
    updatedAt,
    deletedAt: deletedAt ?? '',
    vault: vault.name,
  })
  const values = [...members, ...fields, ...meta].filter(([, value]) => value !== undefined)
  const found =
    values.find(([one]) => one === name) ?? values.find(([one]) => one.toLowerCase() === name.toLowerCase())
  if (found) return asText(found[1])
  const names = [...members, ...fields].map(([one]) => safeLine(one)).join(', ')
  throw new CliError('notFound', `"${safeLine(content.name)}" has no "${safeLine(name)}". It has: ${names}.`)
}
