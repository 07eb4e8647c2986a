// Sends of their readers, in both ways that clients know: with a grant of the token endpoint, and with the password in each request.
import { z } from 'zod'
import { bitwardenSendPaths } from '../../contract/bitwarden-paths.ts'
import { AttachmentId, Email } from '../../contract/primitives.ts'
import type { Visitor } from '../../domain/caller.ts'
import { Failure } from '../../domain/failure.ts'
import {
  checkSendPassword,
  creatorOf,
  findGrantedSend,
  findOpenSend,
  findSendFile,
  grantSend,
  openSend,
  toAccessId,
} from '../../domain/sends/access.ts'
import { isReader, requestReaderCode } from '../../domain/sends/readers.ts'
import type { Send, SendRow } from '../../domain/sends/rows.ts'
import { anyQuery, requestClient } from '../../http/route.ts'
import { fileLink, linkedFileRoute } from './file-links.ts'
import { route, type Services } from './route.ts'
import { SendAccess, SendPassword, sendContent } from './send-shapes.ts'
import { caseless } from './wire.ts'

/** What the form of a grant says, under names of ours. */
interface GrantForm {
  readonly sendId?: string | undefined
  readonly passwordHash?: string | undefined
  readonly email?: string | undefined
  readonly code?: string | undefined
}

/** Which mistake it is, as the apps know them: the kind of OAuth, the one of sends, and a sentence. */
const grantMistakes = {
  send_id_required: ['invalid_request', 'The Send to open is missing.'],
  password_hash_b64_required: ['invalid_request', 'This Send has a password.'],
  email_required: ['invalid_request', 'This Send is for certain people. Give your e-mail address.'],
  email_and_otp_required: [
    'invalid_request',
    'If this Send is for that address, a code was mailed to it. Give the address and the code.',
  ],
  send_id_invalid: ['invalid_grant', 'This Send does not exist or is no longer available.'],
  password_hash_b64_invalid: ['invalid_grant', 'The password is wrong.'],
} as const

const refusedGrant = (type: keyof typeof grantMistakes) => {
  const [error, description] = grantMistakes[type]
  const body = { error, error_description: description, send_access_error_type: type }
  return { status: 400 as const, body }
}

/** What the sender of a form has not proved of what a send asks for; undefined for nothing. Throws `too-many-requests` and `email-off`. */
async function missingProof(
  { passwordHash, email: address, code }: GrantForm,
  send: SendRow,
  visitor: Visitor,
  services: Services,
): Promise<keyof typeof grantMistakes | undefined> {
  if (send.readerEmails !== null) {
    const email = Email.safeParse(address)
    if (!email.success) return 'email_required'
    if (code && (await isReader(services, visitor, send, { email: email.data, code }))) return undefined
    // A wrong code has no new one mailed: apps ask for one with the address alone.
    if (!code) await requestReaderCode(services, visitor, send, email.data)
    return 'email_and_otp_required'
  }
  const password = passwordHash ? SendPassword.safeParse(passwordHash) : undefined
  if (password?.success === false) return 'password_hash_b64_invalid'
  const proved = await checkSendPassword(services, visitor, send, password?.data)
  if (proved === 'right') return undefined
  return proved === 'needed' ? 'password_hash_b64_required' : 'password_hash_b64_invalid'
}

/** The answer of the token endpoint to who wants to open a send. Throws `too-many-requests` and `email-off`. */
export async function answerSendAccess(
  form: GrantForm,
  visitor: Visitor,
  services: Services,
): Promise<
  | { readonly status: 200; readonly body: Readonly<Record<string, unknown>> }
  | { readonly status: 400; readonly body: Readonly<Record<string, unknown>> & { readonly error: string } }
> {
  if (!form.sendId) return refusedGrant('send_id_required')
  const found = await findOpenSend(services, form.sendId)
  if (!found) return refusedGrant('send_id_invalid')
  const missing = await missingProof(form, found.send, visitor, services)
  if (missing) return refusedGrant(missing)
  const { token, lifetime } = grantSend(services, found.send)
  const body = {
    access_token: token,
    expires_in: lifetime / 1000,
    token_type: 'Bearer',
    scope: 'api.send.access',
  }
  return { status: 200 as const, body }
}

const gone = () => new Failure('not-found', 'This Send does not exist or is no longer available.')

/** A send as it is read. A text is opened by that, and counted; a file when its address is asked for. Throws `not-found`. */
async function readSend(found: Send, services: Services): Promise<z.output<typeof SendAccess>> {
  const send = found.send.type === 'text' ? await openSend(services, found.send) : found.send
  if (!send) throw gone()
  const { name, type, authType, text, file, expirationDate } = sendContent({ ...found, send })
  const creatorIdentifier = await services.store.read((reader) => creatorOf(reader, send))
  return {
    object: 'send-access',
    id: toAccessId(send.id),
    type,
    authType,
    name,
    text,
    file,
    expirationDate,
    creatorIdentifier,
  }
}

const FileDownload = z.object({ object: z.literal('send-fileDownload'), id: z.string(), url: z.string() })

/** Opens a send of a file, counts that, and says where the file is read. Throws `not-found`. */
async function readSendFile({ send, file }: Send, fileId: string, services: Services) {
  if (!file || send.fileId !== fileId || !(await openSend(services, send))) throw gone()
  const place = { vaultId: send.accountId, itemId: send.id, attachmentId: fileId }
  return { object: 'send-fileDownload' as const, id: fileId, url: fileLink('send', place, services) }
}

const read = route({
  method: 'post',
  path: bitwardenSendPaths.access,
  auth: 'sendReader',
  limit: 'read',
  request: { query: anyQuery },
  success: { 200: SendAccess },
  async handler({ caller }, services) {
    const found = await findGrantedSend(services, caller)
    if (!found) throw gone()
    return { status: 200, body: await readSend(found, services) }
  },
})

const readFile = route({
  method: 'post',
  path: bitwardenSendPaths.accessFile,
  auth: 'sendReader',
  limit: 'read',
  request: { params: z.strictObject({ fileId: AttachmentId }), query: anyQuery },
  success: { 200: FileDownload },
  async handler({ caller, params: { fileId } }, services) {
    const found = await findGrantedSend(services, caller)
    if (!found) throw gone()
    return { status: 200, body: await readSendFile(found, fileId, services) }
  },
})

/** The body of older clients: without a password some send none at all, and some an object without one. */
const oldBody = caseless({ password: SendPassword.nullish() })

/**
 * A send whose password the request has. Throws `not-found`, `not-authenticated` if it needs one, and `malformed-request` for a wrong one
 * and for a send that asks for a code.
 */
async function provedSend(
  accessId: string,
  password: Uint8Array | null | undefined,
  visitor: Visitor,
  services: Services,
): Promise<Send> {
  const found = await findOpenSend(services, accessId)
  if (!found) throw gone()
  if (found.send.readerEmails !== null)
    throw new Failure(
      'malformed-request',
      'This Send is for certain people, who get a code by mail. Open it with an app of 2026.8 or later.',
      { errors: [] },
    )
  const proved = await checkSendPassword(services, visitor, found.send, password ?? undefined)
  if (proved === 'needed') throw new Failure('not-authenticated', 'This Send has a password.')
  if (proved === 'wrong')
    throw new Failure('malformed-request', 'The password is wrong.', {
      errors: [{ path: 'password', message: 'Expected the password of this Send' }],
    })
  return found
}

/** Of any form: what is none is no link, and not a mistake of the client. */
const AccessId = z.string().max(100)

const client = requestClient.pick({ address: true })

const oldRead = route({
  method: 'post',
  path: bitwardenSendPaths.oldAccess,
  auth: 'public',
  limit: 'read',
  request: { params: z.strictObject({ accessId: AccessId }), query: anyQuery, body: oldBody, client },
  success: { 200: SendAccess },
  async handler({ params: { accessId }, body: { password }, client: visitor }, services) {
    const found = await provedSend(accessId, password, visitor, services)
    return { status: 200, body: await readSend(found, services) }
  },
})

const oldReadFile = route({
  method: 'post',
  path: bitwardenSendPaths.oldAccessFile,
  auth: 'public',
  limit: 'read',
  request: {
    params: z.strictObject({ accessId: AccessId, fileId: AttachmentId }),
    query: anyQuery,
    body: oldBody,
    client,
  },
  success: { 200: FileDownload },
  async handler({ params: { accessId, fileId }, body: { password }, client: visitor }, services) {
    const found = await provedSend(accessId, password, visitor, services)
    return { status: 200, body: await readSendFile(found, fileId, services) }
  },
})

const readContent = linkedFileRoute('send', async (place, services) => {
  const file = place && (await findSendFile(services, place))
  if (!file) throw gone()
  return file
})

export const sendAccessRoutes = [read, readFile, oldRead, oldReadFile, readContent]
