// Sends of their owner.
import { z } from 'zod'
import { bitwardenSendPaths } from '../../contract/bitwarden-paths.ts'
import { pathTo } from '../../contract/paths.ts'
import { AttachmentId } from '../../contract/primitives.ts'
import { notFound } from '../../domain/failure.ts'
import { deleteSend } from '../../domain/sends/ends.ts'
import { getSend } from '../../domain/sends/read.ts'
import type { Send } from '../../domain/sends/rows.ts'
import {
  createSend,
  type NewSend,
  receiveSendFile,
  removeSendProof,
  replaceSend,
} from '../../domain/sends/sends.ts'
import { isHere } from '../../domain/vaults/announced-files.ts'
import { anyQuery } from '../../http/route.ts'
import { fileForm, fileIn } from './file-wire.ts'
import { route, type Services } from './route.ts'
import { NewFileSend, NewTextSend, ReplacedSend, SendAnswer, sendAnswer, sendAnswers } from './send-shapes.ts'

const SendId = z.string().toLowerCase().pipe(z.uuid())
const params = z.strictObject({ sendId: SendId })
const fileParams = z.strictObject({ sendId: SendId, fileId: AttachmentId })

const reading = { auth: 'account', limit: 'read' } as const
const writing = { auth: 'account', limit: 'write' } as const

/** Bytes of a list of sends, as a guess: some hundred of them. */
const listBytes = 1024 * 1024

const list = route({
  method: 'get',
  path: bitwardenSendPaths.sends,
  ...reading,
  answerBytes: listBytes,
  request: { query: anyQuery },
  success: {
    200: z.object({
      object: z.literal('list'),
      data: z.array(z.custom<z.output<typeof SendAnswer>>()),
      continuationToken: z.null(),
    }),
  },
  async handler({ caller }, { store }) {
    const data = await store.read((reader) => sendAnswers(reader, caller.accountId))
    return { status: 200, body: { object: 'list', data, continuationToken: null } }
  },
})

/** @param answer what its owner's client gets of a new send */
const creatingAt = <Answer>(
  path: `/${string}`,
  body: z.ZodType<NewSend>,
  success: z.ZodType<unknown, Answer>,
  answer: (made: Send, services: Services) => Answer,
) =>
  route({
    ...writing,
    method: 'post',
    path,
    request: { query: anyQuery, body },
    success: { 200: success },
    async handler({ caller, body: content }, services) {
      return { status: 200, body: answer(await createSend(services, caller, content), services) }
    },
  })

const create = creatingAt(bitwardenSendPaths.sends, NewTextSend, SendAnswer, sendAnswer)

const FileUpload = z.object({
  object: z.literal('send-fileUpload'),
  fileUploadType: z.literal(0),
  url: z.string(),
  sendResponse: SendAnswer,
})

/** Where the file of a send is sent to, which has not arrived yet; throws `not-found`. */
function uploadOf(found: Send, { config }: Pick<Services, 'config'>) {
  const { send, file } = found
  if (!file || isHere(file)) throw notFound()
  return {
    object: 'send-fileUpload' as const,
    fileUploadType: 0 as const,
    url: `${config.publicUrl}${pathTo(bitwardenSendPaths.file, { sendId: send.id, fileId: file.id })}`,
    sendResponse: sendAnswer(found),
  }
}

const createFile = creatingAt(bitwardenSendPaths.newFile, NewFileSend, FileUpload, uploadOf)

const renewFile = route({
  method: 'get',
  path: bitwardenSendPaths.file,
  ...reading,
  request: { params: fileParams, query: anyQuery },
  success: { 200: FileUpload },
  async handler({ caller, params: { sendId, fileId } }, services) {
    const found = await services.store.read((reader) => getSend(reader, caller, sendId))
    if (found.send.fileId !== fileId) throw notFound()
    return { status: 200, body: uploadOf(found, services) }
  },
})

const upload = route({
  method: 'post',
  path: bitwardenSendPaths.file,
  ...writing,
  request: { params: fileParams, query: anyQuery, body: fileForm },
  success: { 200: null },
  async handler({ caller, params: place, body }, services) {
    await receiveSendFile(services, caller, place, fileIn(body))
    return { status: 200 }
  },
})

const read = route({
  method: 'get',
  path: bitwardenSendPaths.send,
  ...reading,
  request: { params, query: anyQuery },
  success: { 200: SendAnswer },
  async handler({ caller, params: { sendId } }, { store }) {
    return { status: 200, body: sendAnswer(await store.read((reader) => getSend(reader, caller, sendId))) }
  },
})

const replace = route({
  method: 'put',
  path: bitwardenSendPaths.send,
  ...writing,
  request: { params, query: anyQuery, body: ReplacedSend },
  success: { 200: SendAnswer },
  async handler({ caller, params: { sendId }, body }, services) {
    return { status: 200, body: sendAnswer(await replaceSend(services, caller, sendId, body)) }
  },
})

const removePassword = route({
  method: 'put',
  path: bitwardenSendPaths.removePassword,
  ...writing,
  request: { params, query: anyQuery },
  success: { 200: SendAnswer },
  async handler({ caller, params: { sendId } }, services) {
    return { status: 200, body: sendAnswer(await removeSendProof(services, caller, sendId)) }
  },
})

const remove = route({
  method: 'delete',
  path: bitwardenSendPaths.send,
  ...writing,
  request: { params, query: anyQuery },
  success: { 200: null },
  async handler({ caller, params: { sendId } }, services) {
    await deleteSend(services, caller, sendId)
    return { status: 200 }
  },
})

export const sendRoutes = [list, create, createFile, renewFile, upload, removePassword, read, replace, remove]
