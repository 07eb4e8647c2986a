// Wire shapes of files beside items. Their bytes are sealed by clients (docs/protocol.md, "Files") and are sent as they are.
import * as z from 'zod'
import { sealedFileBytes } from './file-sizes.ts'
import { AttachmentId, Cursor, KeyVersion, Timestamp } from './primitives.ts'
import { limits } from './sizes.ts'

/** Of a sealed file without content. */
export const smallestFileBytes = sealedFileBytes(0)

export const Attachment = z
  .object({
    id: AttachmentId,
    bytes: z.int().min(smallestFileBytes).meta({ description: 'Of the sealed file' }),
    receivedBytes: z.int().min(0).meta({
      description: 'How much of it the server has, from its beginning; the upload goes on there',
    }),
    keyVersion: KeyVersion,
    createdAt: Timestamp,
    expiresAt: Timestamp.nullable().meta({
      description: 'When it is deleted unless an item names it by then; null once one does',
    }),
  })
  .meta({ id: 'Attachment' })

export const AttachmentPage = z
  .object({
    attachments: z.array(Attachment),
    nextCursor: Cursor.nullable().meta({ description: 'For the next page; null on the last one' }),
  })
  .meta({ id: 'AttachmentPage' })

/** The files of an item. */
export const AttachmentIds = z
  .array(AttachmentId)
  .max(limits.itemAttachments)
  .refine((ids) => new Set(ids).size === ids.length, 'Each file may stand here once')
  .meta({ override: { uniqueItems: true } })

/** The ids in an answer: absent if there are none. */
export const NamedAttachments = z
  .array(AttachmentId)
  .optional()
  .meta({ description: 'The ids of its files; absent if it has none' })

export type Attachment = z.infer<typeof Attachment>
export type AttachmentPage = z.infer<typeof AttachmentPage>
