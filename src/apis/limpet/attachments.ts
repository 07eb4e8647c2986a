// Files beside items over HTTP: uploaded in parts, listed, read with ranges, deleted. Items name them (items.ts).
import { z } from 'zod'
import { Attachment, AttachmentPage, smallestFileBytes } from '../../contract/attachments.ts'
import { attachmentPaths, pathTo } from '../../contract/paths.ts'
import {
  AttachmentId,
  Cursor,
  Flag,
  ItemId,
  KeyVersionText,
  PageLimit,
  VaultId,
} from '../../contract/primitives.ts'
import { limits } from '../../contract/sizes.ts'
import { toTimestamp, toTimestampOrNull } from '../../domain/encoding.ts'
import { Failure } from '../../domain/failure.ts'
import { deleteAttachment } from '../../domain/vaults/attachment-deletion.ts'
import { type Part, uploadPart } from '../../domain/vaults/attachment-uploads.ts'
import { getAttachment, listAttachments, openAttachment } from '../../domain/vaults/attachments.ts'
import type { AttachmentRow } from '../../domain/vaults/rows.ts'
import { bytes, type IncomingBytes } from '../../http/byte-body.ts'
import { OptionalPrecondition } from '../../http/precondition.ts'
import { parseContentRange } from '../../http/range.ts'
import { ranged, rangedAnswer, rangeHeaders } from '../../http/ranged-answer.ts'
import { formatFileSize } from '../../units.ts'
import { keyChangedFailure } from './key-failures.ts'
import { decodeListCursor, encodeListCursor } from './list-cursors.ts'
import { route } from './route.ts'
import { toItemState } from './vault-shapes.ts'

const tag = 'Attachments'

const itemParams = z.strictObject({ vaultId: VaultId, itemId: ItemId })
const params = z.strictObject({ vaultId: VaultId, itemId: ItemId, attachmentId: AttachmentId })

/** What one transfer holds in memory: a stored piece, and what waits around it. */
const heldBytes = 2 * limits.attachmentPartBytes

/** The body of an upload. What a server takes is a setting, which the rule looks at before anything is read. */
const fileBytes = bytes({ maxBytes: Number.MAX_SAFE_INTEGER, heldBytes })

const toAttachment = (row: AttachmentRow): Attachment => ({
  id: row.id,
  bytes: row.bytes,
  receivedBytes: row.receivedBytes,
  keyVersion: row.keyVersion,
  createdAt: toTimestamp(row.createdAt),
  expiresAt: toTimestampOrNull(row.expiresAt),
})

const list = route({
  method: 'get',
  path: attachmentPaths.attachments,
  operationId: 'listAttachments',
  tag,
  summary: 'The files of an item, by id',
  description:
    'Those that it or one of its versions names, and uploads that it does not name yet: `expiresAt` tells them apart.',
  auth: 'reader',
  limit: 'read',
  answerBytes: limits.pageItems * 300,
  request: {
    params: itemParams,
    query: z.strictObject({ limit: PageLimit, cursor: Cursor.optional() }),
  },
  success: { 200: AttachmentPage },
  problems: ['not-found'],
  async handler({ caller, params: place, query: { limit, cursor } }, { store }) {
    const after = decodeListCursor(cursor, AttachmentId)
    const { rows, more } = await store.read((reader) =>
      listAttachments(reader, caller, place, { limit, after }),
    )
    const last = rows.at(-1)
    return {
      status: 200,
      body: {
        attachments: rows.map(toAttachment),
        nextCursor: more && last ? encodeListCursor(last.id) : null,
      },
    }
  },
})

const wrongPart = (path: string, message: string) =>
  new Failure('malformed-request', 'The request does not say which part of the file it brings.', {
    errors: [{ path, message }],
  })

/** Which part of a file a request sends, by its headers. */
function partOf(body: IncomingBytes, contentRange: string | undefined, keyVersion: number): Part {
  const { length: announced, stream: content } = body
  const range = contentRange === undefined ? undefined : parseContentRange(contentRange)
  if (contentRange !== undefined && !range)
    throw wrongPart('content-range', 'Expected a range such as bytes 0-1023/4096')
  const length = range ? range.last - range.first + 1 : announced
  if (length === undefined) throw wrongPart('content-length', 'Expected Content-Length or Content-Range')
  if (announced !== undefined && announced !== length)
    throw wrongPart('content-range', 'Expected as many bytes as Content-Length says')
  const { first, last, total } = range ?? { first: 0, last: length - 1, total: length }
  if (total < smallestFileBytes)
    throw wrongPart('body', `A sealed file has ${smallestFileBytes} bytes at the least`)
  if (last < total - 1 && length < limits.attachmentPartBytes)
    throw wrongPart(
      'content-range',
      `A part that does not end the file has ${formatFileSize(limits.attachmentPartBytes)} at the least`,
    )
  return { total, first, length, keyVersion, content }
}

const upload = route({
  method: 'put',
  path: attachmentPaths.attachment,
  operationId: 'putAttachment',
  tag,
  summary: 'Upload a sealed file, or a part of it',
  description:
    'Without Content-Range the body is the whole file. A part begins where the upload ends, which `receivedBytes` says; a part that begins with byte 0 begins the upload anew. What arrived before a connection was lost stays. A file that is here already is 200 and changes nothing. The item need not exist yet; the file belongs to it once the item is written with its id in `attachments`. Until then it is deleted a day after its last part. The length of the whole file counts from its first part on.',
  auth: 'writer',
  limit: 'write',
  request: {
    params,
    query: z.strictObject({ keyVersion: KeyVersionText }),
    headers: z.object({
      'content-range': z.string().max(100).optional().meta({
        description: 'Which part of the file the body is (RFC 9110, section 14.5)',
        example: 'bytes 0-1048575/4194304',
      }),
    }),
    body: fileBytes,
  },
  success: { 200: Attachment, 201: Attachment },
  headers: { 201: ['Location'] },
  problems: ['not-found', 'id-taken', 'upload-offset', 'key-changed', 'quota-exceeded'],
  async handler({ caller, params: place, query: { keyVersion }, headers, body }, services) {
    const part = partOf(body, headers['content-range'], keyVersion)
    const outcome = await uploadPart(services, caller, place, part)
    if (outcome.kind === 'key-changed') throw keyChangedFailure(outcome)
    const { row, isNew } = outcome
    const answer = toAttachment(row)
    return isNew
      ? { status: 201, body: answer, location: pathTo(attachmentPaths.attachment, place) }
      : { status: 200, body: answer }
  },
})

const read = route({
  method: 'get',
  path: attachmentPaths.attachment,
  operationId: 'getAttachment',
  tag,
  summary: 'The bytes of a sealed file, or a part of them',
  description:
    'With one range in Range the answer is 206 with that part. A file that is deleted meanwhile ends in a closed connection. An upload that is not whole is 404.',
  auth: 'reader',
  limit: 'read',
  answerBytes: heldBytes,
  request: {
    params,
    headers: rangeHeaders,
  },
  ...ranged,
  problems: ['not-found', 'range-not-satisfiable'],
  async handler({ caller, params: place, headers }, services) {
    const row = await services.store.read((reader) => getAttachment(reader, caller, place))
    return rangedAnswer(headers, row.bytes, (range) => openAttachment(services, row, range))
  },
})

const remove = route({
  method: 'delete',
  path: attachmentPaths.attachment,
  operationId: 'deleteAttachment',
  tag,
  summary: 'Delete an upload, or take a file out of its item',
  description:
    'An upload that no item names goes. A file that its item names is taken out of its list under a new revision; the version before keeps it. With ?permanent=true it is taken out of the versions too, and its bytes go. If-Match is the revision of the item.',
  auth: 'writer',
  limit: 'write',
  request: { params, query: z.strictObject({ permanent: Flag }), precondition: OptionalPrecondition },
  success: { 204: null },
  problems: ['not-found', 'revision-conflict', 'quota-exceeded'],
  async handler({ caller, params: place, query: { permanent }, precondition: expected }, services) {
    const moved = await deleteAttachment(services, caller, place, { expected, permanent })
    if (moved)
      throw new Failure('revision-conflict', `The item is at revision ${moved.current.revision}.`, {
        current: toItemState(moved.current),
      })
    return { status: 204 }
  },
})

export const attachmentRoutes = [list, upload, read, remove]
