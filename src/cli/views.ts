// How items are shown: to people with their secrets masked, and to scripts as JSON.
import { type AttachedFile, filesOf, isItemContent, secretMembers } from '../sdk/index.ts'
import { CliError } from '../terminal/exit-codes.ts'
import { table } from '../terminal/table.ts'
import { type Line, localTime, safeLine, safeText, width } from '../terminal/text.ts'
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

/** The site of a URL, which is what people know it by. */
export const siteOf = (url: string) => (URL.canParse(url) && new URL(url).host) || url

/** A list for people. Columns in which there is nothing are left out; ids are shown if names are not enough. */
export function summaryTable(summaries: readonly Summary[]): Line[] {
  const names = new Set(summaries.map(({ name }) => name))
  const vaults = new Set(summaries.map(({ vault }) => vault.id))
  const columns: readonly [string, (summary: Summary) => string, boolean?][] = [
    ['NAME', ({ name }) => name, true],
    ['KIND', ({ kind }) => kind, true],
    ['USERNAME', ({ username }) => username ?? ''],
    ['SITE', ({ urls: [url = ''] }) => siteOf(url)],
    ['FOLDER', ({ folder }) => folder ?? ''],
    ['VAULT', ({ vault }) => (vaults.size > 1 ? vault.name : '')],
    ['UPDATED', ({ updatedAt }) => localTime(updatedAt), true],
    ['ID', ({ id }) => (names.size < summaries.length ? id : '')],
  ]
  const shown = columns.filter(([, cell, always]) => always || summaries.some((one) => cell(one) !== ''))
  return table(
    shown.map(([heading]) => heading),
    summaries.map((summary) => shown.map(([, cell]) => cell(summary))),
    { whole: ['UPDATED', 'ID'] },
  )
}

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
  const column = Math.max(...pairs.map(([name]) => width(safeLine(name)))) + 2
  return pairs.flatMap(([name, value]) => {
    const [first = '', ...others] = safeText(value).split('\n')
    return [
      `${safeLine(name)}${' '.repeat(column - width(safeLine(name)))}${first}`,
      ...others.map((line) => ' '.repeat(column) + line),
    ]
  })
}

/** A file in one line. */
const fileLine = ({ name, type, size }: AttachedFile) =>
  [name, [formatFileSize(size), ...(type === '' ? [] : [type])].join(', ')].join('  ')

/** What an item has under a name, as people see it. */
interface Shown {
  readonly name: string
  readonly value: string
  readonly secret: boolean
  /** By which it is compared where that is not its value. */
  readonly id?: string
}

/** Members that are lists of objects, a line for each. */
function memberText(content: Content, member: string, value: unknown): string {
  if (isItemContent(content) && content.kind === 'login') {
    if (member === 'previousPasswords')
      return (content.previousPasswords ?? [])
        .map(({ password, replacedAt }) =>
          replacedAt === undefined ? password : `${password}  (until ${replacedAt})`,
        )
        .join('\n')
    if (member === 'passkeys')
      return (content.passkeys ?? [])
        .map(({ rpId, userName, credentialId }) => [rpId, userName ?? '', credentialId].join('  '))
        .join('\n')
  }
  return asText(value)
}

const membersBelow: readonly string[] = ['fields', 'attachments']
const lastMembers = ['folder', 'tags', 'favourite', 'notes']

function shownOf(content: Content): Shown[] {
  const members = Object.entries(content).filter(
    ([member, value]) => value !== undefined && !(isItemContent(content) && membersBelow.includes(member)),
  )
  const ordered = members.toSorted(
    ([left], [right]) => lastMembers.indexOf(left) - lastMembers.indexOf(right),
  )
  return [
    ...ordered.map(([name, value]) => ({
      name,
      value: memberText(content, name, value),
      secret: isSecret(content, name),
    })),
    ...fieldsOf(content).map(({ name, value, hidden }) => ({ name, value, secret: hidden })),
    ...(isItemContent(content) ? filesOf(content) : []).map((file) => ({
      name: 'file',
      value: fileLine(file),
      secret: false,
      id: file.id,
    })),
  ]
}

const contentPairs = (content: Content, reveal: boolean) =>
  shownOf(content).map(({ name, value, secret }): [string, string] => [
    name,
    secret && !reveal ? mask : value,
  ])

/** Whether a view without `reveal` masks something of it. */
export const hasSecrets = (content: Content) => shownOf(content).some(({ secret }) => secret)

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

function changeOf(was: Shown | undefined, is: Shown | undefined, reveal: boolean): [string, string] {
  const name = (is ?? was)?.name ?? ''
  const isMasked = !reveal && [was, is].some((one) => one?.secret)
  if (!was) return [name, isMasked ? 'added' : `added: ${is?.value}`]
  if (!is) return [name, isMasked ? 'removed' : `removed: ${was.value}`]
  return [name, isMasked ? 'changed' : `${was.value} → ${is.value}`]
}

/** What is other in content than in the content of before, for people. Secrets are named, and shown with `reveal` only. */
export function changesView(before: Content, after: Content, reveal: boolean): string[] {
  const gone = shownOf(before)
  const changes: [string, string][] = []
  const take = (fits: (one: Shown) => boolean) => {
    const at = gone.findIndex(fits)
    return at < 0 ? undefined : gone.splice(at, 1)[0]
  }
  // What is as it was goes first, so that of several of one name the others are compared.
  const left = shownOf(after).filter(
    (is) => !take(({ name, value, id }) => name === is.name && value === is.value && id === is.id),
  )
  for (const is of left)
    changes.push(
      changeOf(
        take(({ name }) => name === is.name && name !== 'file'),
        is,
        reveal,
      ),
    )
  for (const was of gone) changes.push(changeOf(was, undefined, reveal))
  return changes.length > 0 ? rows(changes) : []
}

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
