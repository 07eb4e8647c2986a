// Files of items as clients get them, each with an address under which it can be read for minutes.
import { z } from 'zod'
import type { CipherRow } from '../../domain/ciphers/rows.ts'
import { fileBytes } from '../../domain/vaults/announced-files.ts'
import type { AttachmentRow } from '../../domain/vaults/rows.ts'
import { fileLink } from './file-links.ts'
import { sizesOf } from './file-wire.ts'
import type { Services } from './route.ts'

type AnswerNeeds = Pick<Services, 'clock' | 'config' | 'keys' | 'random'>

export const FileAnswer = z.object({
  object: z.literal('attachment'),
  id: z.string(),
  url: z.string(),
  fileName: z.string(),
  key: z.string().nullable(),
  size: z.string(),
  sizeName: z.string(),
})

/** A file of an item. */
export function fileOfItem(file: AttachmentRow, services: AnswerNeeds): z.output<typeof FileAnswer> {
  const { id, vaultId, itemId, fileName, fileKey } = file
  return {
    object: 'attachment',
    id,
    url: fileLink('item', { vaultId, itemId, attachmentId: id }, services),
    fileName: fileName ?? '',
    key: fileKey,
    ...sizesOf(fileBytes(file)),
  }
}

/** The files of an item; null if it has none. */
export const fileAnswers = ({ files }: Pick<CipherRow, 'files'>, services: AnswerNeeds) =>
  files.length === 0 ? null : files.map((file) => fileOfItem(file, services))
