// Sends of Bitwarden's apps for tests, with content that nobody can open.
import { days } from '../../src/clock.ts'
import { type BitwardenTestAccount, encString } from './bitwarden.ts'
import { type RawAnswer, type Server, send } from './requests.ts'

/** A request for a new send of a text. @param now milliseconds since 1970 */
export const textSend = (now: number, more: object = {}) => ({
  type: 0,
  name: encString(),
  notes: null,
  key: encString(32),
  text: { text: encString(64), hidden: true },
  maxAccessCount: null,
  expirationDate: null,
  deletionDate: new Date(now + days(7)).toISOString(),
  password: null,
  emails: null,
  authType: 2,
  disabled: false,
  hideEmail: false,
  ...more,
})

/** A request for a new send of a file. */
export const fileSend = (now: number, fileLength: number, more: object = {}) => ({
  ...textSend(now),
  type: 1,
  text: null,
  file: { fileName: encString() },
  fileLength,
  ...more,
})

/** Asks as the owner. */
export const asOwner = (
  server: Server,
  { token }: Pick<BitwardenTestAccount, 'token'>,
  method: string,
  path: string,
  body?: unknown,
): Promise<RawAnswer> => send(server, { method, path, token, ...(body !== undefined && { body }) })

const boundary = 'a boundary between parts'

/** Sends a file in a form, as clients do. @param fields parts beside it */
export const sendForm = (
  server: Server,
  token: string,
  path: string,
  file: Uint8Array,
  name = 'data',
): Promise<RawAnswer> =>
  send(server, {
    method: 'POST',
    path,
    token,
    headers: { 'Content-Type': `multipart/form-data; boundary="${boundary}"` },
    raw: Buffer.concat([
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="key"\r\n\r\nno file\r\n--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="2.a|b|c"\r\nContent-Type: application/octet-stream\r\n\r\n`,
      ),
      file,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]),
  })

/** Opens a send as older clients do. */
export const openOld = (server: Server, accessId: string, body: object = {}): Promise<RawAnswer> =>
  send(server, { method: 'POST', path: `/api/sends/access/${accessId}`, body })
