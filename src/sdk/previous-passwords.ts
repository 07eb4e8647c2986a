// What a login's password was before (docs/protocol.md, "Item content"): kept in the item, where every client shows it.
import type { ItemContent } from '../contract/content.ts'

/** Those beyond these go, the oldest first. One has some 100 bytes, and an item 256 KiB. */
const mostKept = 100

/**
 * What replaces a content, with the password that it replaces among the previous ones. Nothing is added if the password stays, or if
 * the replacing content names it already.
 * @param replacedAt RFC 3339
 */
export function withPreviousPassword(
  before: ItemContent,
  next: ItemContent,
  replacedAt: string,
): ItemContent {
  if (before.kind !== 'login' || next.kind !== 'login') return next
  const { password } = before
  const { previousPasswords = [] } = next
  if (!password || password === next.password || previousPasswords[0]?.password === password) return next
  return { ...next, previousPasswords: [{ password, replacedAt }, ...previousPasswords].slice(0, mostKept) }
}
