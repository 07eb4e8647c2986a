// The cursors of lists: opaque to clients; inside, the place of the last row of a page.
import { z } from 'zod'
import { fromBase64url, toBase64url } from '../../domain/encoding.ts'
import { Failure } from '../../domain/failure.ts'
import type { VaultPosition } from '../../domain/vaults/vault-lists.ts'

/** The place of a vault in the list, as text. */
export const VaultPositionText = z
  .string()
  .regex(/^\d{1,15} [\da-f-]{36}$/)
  .transform((text): VaultPosition => {
    const [createdAt, id = ''] = text.split(' ')
    return { createdAt: Number(createdAt), id }
  })

export const vaultPositionText = ({ createdAt, id }: VaultPosition): string => `${createdAt} ${id}`

/** The place of a version among those of its item: its revision. */
export const VersionPositionText = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number)

/** @param position of the last row of a page, as text. @returns a cursor that is opaque to clients */
export const encodeListCursor = (position: string): string => toBase64url(Buffer.from(position))

/**
 * @param position reads a position from its text
 * @returns the position, or undefined without a cursor. Throws `malformed-request` for a cursor of something else
 */
export function decodeListCursor<Position>(
  cursor: string | undefined,
  position: z.ZodType<Position>,
): Position | undefined {
  if (cursor === undefined) return undefined
  const decoded = position.safeParse(Buffer.from(fromBase64url(cursor)).toString('utf8'))
  if (decoded.success) return decoded.data
  throw new Failure('malformed-request', 'The cursor is not one of this list.', {
    errors: [{ path: 'query.cursor', message: 'Expected nextCursor of an earlier answer' }],
  })
}
