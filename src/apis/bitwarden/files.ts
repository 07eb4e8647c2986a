// Files of items: announced, sent as one part of a form, read under an address of their own, deleted.
import { z } from 'zod'
import { bitwardenFilePaths } from '../../contract/bitwarden-paths.ts'
import { pathTo } from '../../contract/paths.ts'
import { AttachmentId, ItemId } from '../../contract/primitives.ts'
import { limits } from '../../contract/sizes.ts'
import {
  announceCipherFile,
  deleteCipherFile,
  getCipherFile,
  receiveCipherFile,
} from '../../domain/ciphers/files.ts'
import type { CipherRow } from '../../domain/ciphers/rows.ts'
import { Failure, notFound } from '../../domain/failure.ts'
import { isHere } from '../../domain/vaults/announced-files.ts'
import { findAttachment } from '../../domain/vaults/attachments.ts'
import type { AttachmentRow } from '../../domain/vaults/rows.ts'
import { anyQuery } from '../../http/route.ts'
import { answerWithCipher, CipherAnswer } from './cipher-answers.ts'
import { LastKnown } from './cipher-shapes.ts'
import { EncString, encStringOf } from './enc-string.ts'
import { FileAnswer, fileOfItem } from './file-answers.ts'
import { linkedFileRoute } from './file-links.ts'
import { FileSize, fileForm, fileIn } from './file-wire.ts'
import { route, type Services } from './route.ts'
import { caseless } from './wire.ts'

const params = z.strictObject({ id: ItemId })
const fileParams = z.strictObject({ id: ItemId, fileId: AttachmentId })

/** An item of the largest size, with its files. */
const itemAnswer = 2 * limits.sealedBytes

/** Characters of the encrypted name of a file: an answer can have a hundred of them. */
const longestName = 2000

const Announcement = caseless({
  fileName: EncString.refine((name) => name.length <= longestName, 'Choose a shorter name for the file'),
  key: encStringOf(64),
  fileSize: FileSize,
  lastKnownRevisionDate: LastKnown,
})

/** Where a file is sent to that has not arrived yet, with its item as its client is to keep it. */
function uploadAnswer(cipher: CipherRow, file: AttachmentRow, services: Services) {
  const path = pathTo(bitwardenFilePaths.file, { id: cipher.id, fileId: file.id })
  const members = {
    object: 'attachment-fileUpload',
    attachmentId: file.id,
    fileUploadType: 0,
    url: `${services.config.publicUrl}${path}`,
    cipherMiniResponse: null,
  }
  const kept = { ...cipher, files: [...cipher.files, file] }
  return answerWithCipher(members, 'cipherResponse', kept, services)
}

const announce = route({
  method: 'post',
  path: bitwardenFilePaths.announce,
  auth: 'account',
  limit: 'write',
  answerBytes: itemAnswer,
  request: { params, query: anyQuery, body: Announcement },
  success: { 200: CipherAnswer },
  async handler({ caller, params: { id }, body }, services) {
    const { fileName, key, fileSize, lastKnownRevisionDate } = body
    const announced = { fileName, fileKey: key, bytes: fileSize, known: lastKnownRevisionDate }
    const { cipher, file } = await announceCipherFile(services, caller, id, announced)
    return { status: 200, body: uploadAnswer(cipher, file, services) }
  },
})

const renew = route({
  method: 'get',
  path: bitwardenFilePaths.renew,
  auth: 'account',
  limit: 'read',
  answerBytes: itemAnswer,
  request: { params: fileParams, query: anyQuery },
  success: { 200: CipherAnswer },
  async handler({ caller, params: { id, fileId } }, services) {
    const found = await services.store.read((reader) => getCipherFile(reader, caller, { itemId: id, fileId }))
    if (isHere(found.file)) throw notFound()
    return { status: 200, body: uploadAnswer(found.cipher, found.file, services) }
  },
})

const upload = route({
  method: 'post',
  path: bitwardenFilePaths.file,
  auth: 'account',
  limit: 'write',
  request: { params: fileParams, query: anyQuery, body: fileForm },
  success: { 200: null },
  async handler({ caller, params: { id, fileId }, body }, services) {
    await receiveCipherFile(services, caller, { itemId: id, fileId }, fileIn(body))
    return { status: 200 }
  },
})

const read = route({
  method: 'get',
  path: bitwardenFilePaths.file,
  auth: 'account',
  limit: 'read',
  request: { params: fileParams, query: anyQuery },
  success: { 200: FileAnswer },
  async handler({ caller, params: { id, fileId } }, services) {
    const { file } = await services.store.read((reader) =>
      getCipherFile(reader, caller, { itemId: id, fileId }),
    )
    if (!isHere(file)) throw notFound()
    return { status: 200, body: fileOfItem(file, services) }
  },
})

const remove = route({
  method: 'delete',
  path: bitwardenFilePaths.file,
  auth: 'account',
  limit: 'write',
  answerBytes: itemAnswer,
  request: { params: fileParams, query: anyQuery },
  success: { 200: CipherAnswer },
  async handler({ caller, params: { id, fileId } }, services) {
    const cipher = await deleteCipherFile(services, caller, { itemId: id, fileId })
    return { status: 200, body: answerWithCipher({}, 'cipher', cipher, services) }
  },
})

const readContent = linkedFileRoute('item', async (place, { store }) => {
  const file = place && (await store.read((reader) => findAttachment(reader, place)))
  if (file && isHere(file)) return file
  throw new Failure('not-found', 'This address has run out, or the file is gone. Ask for it again.')
})

export const fileRoutes = [announce, renew, upload, read, remove, readContent]
