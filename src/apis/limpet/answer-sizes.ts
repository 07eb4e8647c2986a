// How large answers about vaults and items can be, for the memory that is reserved for them. As sent: base64url, and what is around it.
import { limits } from '../../contract/sizes.ts'
import { bytesAtOnce, rowsAtOnce } from '../../domain/vaults/pages.ts'

const asSent = (sealedBytes: number) => Math.ceil((sealedBytes * 4) / 3)

/** Of one item, or of one vault with its key and the one that is to follow. */
export const oneAnswer = asSent(limits.sealedBytes + 2 * limits.sealedKeyBytes) + 1024

/** Of a page, which holds one more than fits if the first is large; 300 bytes are around each item. */
export const pageAnswer = asSent(limits.pageBytes + limits.sealedBytes) + limits.pageItems * 300

/** Of a page of items: what is in memory of it at a time, whose pieces are sent as they are read. */
export const streamedAnswer = asSent(bytesAtOnce + limits.sealedBytes) + rowsAtOnce * 300

/** Of a list of ids and revisions, without content: 110 bytes are one. */
export const leftAnswer = limits.pageItems * 110 + 1024

/** Of a batch: what it touches, as it was sent or as it was found (docs/decisions/sizes.md). */
export const batchAnswer = asSent(limits.batchBodyBytes)
