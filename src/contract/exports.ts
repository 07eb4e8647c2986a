// Shapes of what is in the file of an export (docs/export-format.md): its first line, and its records. The server never sees any.
import * as z from 'zod'
import { UnknownContent, VaultContent } from './content.ts'
import { AttachmentId, base64urlOf, ItemId, VaultId } from './primitives.ts'

/** The form of exports that is written here. */
export const exportForm = 1

/** The form, of whatever else there is. */
export const ExportForm = z.looseObject({ limpetExport: z.int().min(1) })

// The bounds of the costs are checked by what derives the key, which says which of them it is.
/** The first line of an export. */
export const ExportHeader = z.looseObject({
  limpetExport: z.literal(exportForm),
  kdf: z.strictObject({
    algorithm: z.literal('argon2id'),
    memoryKiB: z.number(),
    iterations: z.number(),
    parallelism: z.number(),
    salt: base64urlOf(16),
  }),
  commitment: base64urlOf(32),
})

/** When a server did something, RFC 3339. */
const time = z.string()

/** The first record. */
export const ExportBegin = z.looseObject({ type: z.literal('export'), createdAt: time, program: z.string() })

/** A vault; the items behind it are in it. */
const ExportedVault = z.looseObject({ type: z.literal('vault'), id: VaultId, content: VaultContent })

/** An item. What `content` has to be is checked by its kind. */
const ExportedItem = z.looseObject({
  type: z.literal('item'),
  id: ItemId,
  createdAt: time,
  updatedAt: time,
  deletedAt: time.nullable(),
  content: UnknownContent,
})

/** What the last item was before. */
const ExportedVersion = z.looseObject({
  type: z.literal('version'),
  createdAt: time,
  replacedAt: time,
  content: UnknownContent,
})

/** A file of the last item: so many bytes follow, and then a line feed. */
const ExportedFile = z.looseObject({ type: z.literal('file'), id: AttachmentId, size: z.int().min(0) })

/** A file of the last item that could not be had; the bytes that stand before under its id count for nothing. */
const LostFile = z.looseObject({ type: z.literal('lost'), id: AttachmentId })

/** The last record. */
const ExportEnd = z.looseObject({ type: z.literal('end') })

/** Every record behind the first one. */
export const ExportRecord = z.discriminatedUnion('type', [
  ExportedVault,
  ExportedItem,
  ExportedVersion,
  ExportedFile,
  LostFile,
  ExportEnd,
])

export type ExportBegin = z.infer<typeof ExportBegin>
export type ExportRecord = z.infer<typeof ExportRecord>
