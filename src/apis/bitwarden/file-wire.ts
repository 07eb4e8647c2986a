// What files of items and of sends have in common on the wire: their size, and their upload as one part of a form.
import { z } from 'zod'
import { limits } from '../../contract/sizes.ts'
import { malformedBody } from '../../http/body.ts'
import { type IncomingParts, multipart } from '../../http/multipart-body.ts'
import { formatFileSize } from '../../units.ts'

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
