// An item in clear.
import type { ItemContent, UnknownContent } from '../contract/content.ts'

export interface OpenItem {
  readonly id: string
  readonly revision: number
  readonly content: ItemContent | UnknownContent
  readonly createdAt: string
  readonly updatedAt: string
  /** When it went to the trash; null outside of it. */
  readonly deletedAt: string | null
}
