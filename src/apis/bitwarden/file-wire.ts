// What files of items and of sends have in common on the wire: their size, their upload as one part of a form, and the address under which
// they are read.
import { z } from 'zod'
import { AttachmentId } from '../../contract/primitives.ts'
import { limits } from '../../contract/sizes.ts'
import { openAttachment } from '../../domain/vaults/attachments.ts'
import type { AttachmentRow } from '../../domain/vaults/rows.ts'
import { malformedBody } from '../../http/body.ts'
import { ByteAnswer } from '../../http/byte-answer.ts'
import { type IncomingParts, multipart } from '../../http/multipart-body.ts'
import { formatFileSize } from '../../units.ts'
import type { Services } from './route.ts'

/** What one transfer holds in memory: a stored piece, and what waits around it. */
export const heldBytes = 2 * limits.attachmentPartBytes

/** The size of a file as clients get it: a text, and one for people. */
export const sizesOf = (bytes: number) => ({ size: String(bytes), sizeName: formatFileSize(bytes) })

/** The size of a file as clients announce it: some as a text. */
export const FileSize = z.preprocess(
  (given) => (typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : given),
  z.int().min(1),
)

/** The form that a file comes in: one part of it named `data`. What a server takes is a setting, which the rule looks at. */
export const fileForm = multipart({ maxBytes: Number.MAX_SAFE_INTEGER, maxParts: 5, heldBytes })

/** The bytes of the part that is the file, as they arrive; what else is in the form is skipped. Fails if it is not there. */
export async function* fileIn(form: IncomingParts): AsyncGenerator<Uint8Array> {
  for await (const { name, stream } of form)
    if (name === 'data') {
      yield* stream
      return
    }
  throw malformedBody('Expected a part that is named data')
}

/** The query of an address that `sealFileLink` made. */
export const linkQuery = z.looseObject({ token: z.string().max(300) })
export const linkParams = z.strictObject({ fileId: AttachmentId })

/** The bytes of a whole file. */
export const fileAnswer = async (services: Pick<Services, 'objects' | 'store'>, row: AttachmentRow) =>
  new ByteAnswer(await openAttachment(services, row, { first: 0, last: row.bytes - 1 }), {
    length: row.bytes,
  })
