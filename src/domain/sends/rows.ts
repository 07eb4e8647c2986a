// Rows of sends. Times are milliseconds since 1970.
import type { InferSelectModel } from 'drizzle-orm'
import type { Tables } from '../../store/schema.ts'
import type { AttachmentRow } from '../vaults/rows.ts'

export type SendRow = InferSelectModel<Tables['sends']>

/** A send, and its file: null for a text, and once the file is gone. */
export interface Send {
  readonly send: SendRow
  readonly file: AttachmentRow | null
}
