// What the formats of other programs have in common: what they have no place for, and what they keep of a history.
import type { ItemContent } from '../../contract/content.ts'
import { isItemContent } from '../../protocol/item-content.ts'
import type { OutgoingItem } from './outgoing.ts'
import type { WriteOptions } from './writer.ts'

/** The members of each kind that the writers know, but for those of a kind of its own. */
const common = ['kind', 'name', 'notes', 'folder', 'tags', 'favourite', 'fields', 'attachments']
const own: Readonly<Record<ItemContent['kind'], readonly string[]>> = {
  login: ['username', 'password', 'urls', 'totp', 'previousPasswords', 'passkeys'],
  note: [],
  card: ['holder', 'number', 'expiry', 'code', 'brand'],
  identity: ['fullName', 'email', 'phone', 'address', 'organization'],
  'ssh-key': ['privateKey', 'publicKey'],
}

/**
 * The content of an item for a format that knows the kinds of this version. Tells of members that came later.
 * @returns undefined for an item of a later kind, of which is told too
 */
export function leavingContent(
  { item: { content } }: OutgoingItem,
  { onUnplaced }: WriteOptions,
): ItemContent | undefined {
  if (!isItemContent(content)) {
    onUnplaced('kinds', 1)
    return undefined
  }
  const known = [...common, ...own[content.kind]]
  onUnplaced('members', Object.keys(content).filter((member) => !known.includes(member)).length)
  return content
}

/** The items for a format that has no trash, no files and no versions. Tells of each item and part that it has no place for. */
export async function* withoutTrashAndFiles(
  items: AsyncIterable<OutgoingItem>,
  options: WriteOptions,
): AsyncGenerator<{ outgoing: OutgoingItem; content: ItemContent }> {
  for await (const outgoing of items) {
    if (outgoing.item.deletedAt !== null) {
      options.onUnplaced('trashed', 1)
      continue
    }
    const content = leavingContent(outgoing, options)
    if (!content) continue
    options.onUnplaced('files', outgoing.files.length)
    options.onUnplaced('versions', outgoing.versions.length)
    yield { outgoing, content }
  }
}

/** The folder of an item, within its vault where several are exported. */
export function folderOf({ vault, item }: OutgoingItem, { vaults }: WriteOptions): string {
  const folder = isItemContent(item.content) ? (item.content.folder ?? '') : ''
  return [vaults.length > 1 ? vault.content.name : '', folder].filter((name) => name !== '').join('/')
}

/** The passwords that a login had before, newest first: those of its versions, and those that it names itself. */
export function passwordsBefore({
  item,
  versions,
}: OutgoingItem): { password: string; replacedAt?: string }[] {
  const { content } = item
  if (!isItemContent(content) || content.kind !== 'login') return []
  const before: { password: string; replacedAt?: string }[] = []
  let next = content.password
  for (const version of versions.toReversed()) {
    if (!isItemContent(version.content) || version.content.kind !== 'login') continue
    const { password } = version.content
    if (password && password !== next) before.push({ password, replacedAt: version.replacedAt })
    next = password
  }
  const known = new Set(before.map(({ password }) => password))
  const named = (content.previousPasswords ?? []).filter(({ password }) => !known.has(password))
  return [
    ...before,
    ...named.map(({ password, replacedAt }) => ({ password, ...(replacedAt && { replacedAt }) })),
  ]
}
