// Sends as their owner's clients write and get them.
import { z } from 'zod'
import { Email, Instant } from '../../contract/primitives.ts'
import { toTimestamp, toTimestampOrNull } from '../../domain/encoding.ts'
import { toAccessId } from '../../domain/sends/access.ts'
import { listSends } from '../../domain/sends/read.ts'
import type { Send, SendRow } from '../../domain/sends/rows.ts'
import type { NewProof, ReplacedProof, SendContent } from '../../domain/sends/sends.ts'
import { fileBytes } from '../../domain/vaults/announced-files.ts'
import type { Reader } from '../../store/store.ts'
import { EncString, encStringOf } from './enc-string.ts'
import { FileSize, sizesOf } from './file-wire.ts'
import { caseless } from './wire.ts'

/** The numbers by which clients name the kinds. */
const types = { text: 0, file: 1 } as const

/** The numbers by which clients name what a reader has to prove. */
const authTypes = { email: 0, password: 1, none: 2 } as const

/** Stands for a password that there is. Clients look whether there is one, and might send back what they got. */
const passwordIsSet = '********'

/** Some clients write nothing as an empty text. */
const nothing = (value: unknown) => (value === '' || value === undefined ? null : value)

const OptionalText = z.preprocess(nothing, EncString.nullable())

/** What clients derive from the password of a send, in base64. */
export const SendPassword = z
  .string()
  .max(1000)
  .regex(/^(?:[0-9A-Za-z+/]{4})*(?:[0-9A-Za-z+/]{2}==|[0-9A-Za-z+/]{3}=)?$/, 'Expected base64')
  .transform((text) => Buffer.from(text, 'base64'))

const OptionalPassword = z.preprocess(
  (value) => (value === passwordIsSet ? null : nothing(value)),
  SendPassword.nullable(),
)

/** The addresses of those whom a send is for, with commas between them. */
const Emails = z
  .string()
  .max(4000)
  .transform((text) =>
    text
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== ''),
  )
  .pipe(z.array(Email).min(1, 'Expected e-mail addresses with commas between them'))
  .transform((emails) => [...new Set(emails)])

const DateTime = Instant.transform((date) => Date.parse(date))

const OptionalTime = z.preprocess(nothing, DateTime.nullable())

/** The key of a send is made from 16 bytes, or from as many as an older client took. */
const SendKey = encStringOf(16, 64)

const TextContent = caseless({ text: OptionalText, hidden: z.boolean().nullish() })

const shared = {
  name: EncString,
  notes: OptionalText,
  key: SendKey,
  maxAccessCount: z.int().min(1).max(1_000_000_000).nullish(),
  expirationDate: OptionalTime,
  deletionDate: DateTime,
  password: OptionalPassword,
  emails: z
    .preprocess(
      (value) => (Array.isArray(value) && value.length === 0 ? null : nothing(value)),
      Emails.nullable(),
    )
    .optional(),
  authType: z.literal([authTypes.email, authTypes.password, authTypes.none]).nullish(),
  disabled: z.boolean().nullish(),
  hideEmail: z.boolean().nullish(),
  type: z.literal([types.text, types.file]),
  text: TextContent.nullish(),
  file: caseless({ fileName: EncString }).nullish(),
  fileLength: FileSize.nullish(),
}

type Given = z.output<z.ZodObject<typeof shared>>

/** What is kept of a request as it stands: the members that clients have encrypted, in this order. */
const dataOf = ({ name, notes, key, text }: Given): Uint8Array =>
  Buffer.from(
    JSON.stringify({
      name,
      notes,
      key,
      ...(text && { text: { text: text.text, hidden: text.hidden ?? false } }),
    }),
  )

const Kept = z.object({
  name: z.string(),
  notes: z.string().nullable(),
  key: z.string(),
  text: z.object({ text: z.string().nullable(), hidden: z.boolean() }).optional(),
})

const contentOf = (given: Given): SendContent => ({
  data: dataOf(given),
  maxAccessCount: given.maxAccessCount ?? null,
  isDisabled: given.disabled ?? false,
  hidesEmail: given.hideEmail ?? false,
  expiresAt: given.expirationDate,
  deletesAt: given.deletionDate,
})

/** Of the kind that `type` says, with its member and not with that of the other kind. */
const kinded = (given: Given): Given => ({
  ...given,
  text: given.type === types.text ? given.text : undefined,
})

const needs = (path: string, message: string) => ({
  code: 'custom' as const,
  path: [path],
  message,
  input: null,
})

/** The proof that a request names; undefined for none. What names two is told so. */
function proofIn({ password, emails }: Given, issues: z.core.$ZodRawIssue[]) {
  if (password && emails)
    issues.push(needs('emails', 'A Send asks its readers for a password or for a code by mail, not for both'))
  if (emails) return { kind: 'emails' as const, emails }
  return password ? { kind: 'password' as const, password } : undefined
}

function newProof(given: Given, issues: z.core.$ZodRawIssue[]): NewProof {
  const proof = proofIn(given, issues)
  if (given.authType === authTypes.email && !given.emails)
    issues.push(needs('emails', 'Expected the addresses of those whom the Send is for'))
  return proof ?? { kind: 'none' }
}

/** Clients that know of addresses say without them that there are to be none any more; older ones say nothing of it. */
const replacedProof = (given: Given, issues: z.core.$ZodRawIssue[]): ReplacedProof =>
  proofIn(given, issues) ?? { kind: given.authType === authTypes.none ? 'kept-password' : 'kept' }

/** A new send of a text. */
export const NewTextSend = caseless(shared).transform((given, { issues }) => {
  if (given.type !== types.text) issues.push(needs('type', 'Expected the kind of a text'))
  if (!given.text) issues.push(needs('text', 'Expected a text'))
  return { ...contentOf(kinded(given)), proof: newProof(given, issues), type: 'text' as const }
})

/** A new send of a file, which is to follow. */
export const NewFileSend = caseless(shared).transform((given, { issues }) => {
  const { file, fileLength } = given
  if (given.type !== types.file) issues.push(needs('type', 'Expected the kind of a file'))
  if (!file || !fileLength) {
    issues.push(needs(file ? 'fileLength' : 'file', 'Expected the name and the length of a file'))
    return z.NEVER
  }
  return {
    ...contentOf(kinded(given)),
    proof: newProof(given, issues),
    type: 'file' as const,
    file: { name: file.fileName, bytes: fileLength },
  }
})

/** What replaces a send: its file stays as it is. */
export const ReplacedSend = caseless(shared).transform((given, { issues }) => {
  if (given.type === types.text && !given.text) issues.push(needs('text', 'Expected a text'))
  return {
    ...contentOf(kinded(given)),
    proof: replacedProof(given, issues),
    type: given.type === types.text ? ('text' as const) : ('file' as const),
  }
})

/** A send among those that get a new key with the account: only its key is another one. */
export const RotatedSend = caseless({ ...shared, id: z.string().toLowerCase().pipe(z.uuid()) }).transform(
  ({ id, ...given }) => ({ id, data: dataOf(kinded(given)) }),
)

function authTypeOf({ passwordVerifier, readerEmails }: SendRow) {
  if (readerEmails !== null) return authTypes.email
  return passwordVerifier === null ? authTypes.none : authTypes.password
}

/** The content of a send, as its owner and its readers get it. */
export function sendContent({ send, file }: Send) {
  const { key, name, notes, text } = Kept.parse(JSON.parse(Buffer.from(send.data).toString()))
  const isText = send.type === 'text'
  return {
    key,
    name,
    notes,
    type: types[send.type],
    authType: authTypeOf(send),
    text: isText ? (text ?? { text: null, hidden: false }) : null,
    file:
      isText || !file ? null : { id: file.id, fileName: file.fileName ?? '', ...sizesOf(fileBytes(file)) },
    expirationDate: toTimestampOrNull(send.expiresAt),
  }
}

/** A send as its owner gets it. */
export const sendAnswer = (found: Send) => {
  const { send } = found
  return {
    object: 'send' as const,
    id: send.id,
    accessId: toAccessId(send.id),
    ...sendContent(found),
    data: null,
    maxAccessCount: send.maxAccessCount,
    accessCount: send.accessCount,
    password: send.passwordVerifier === null ? null : passwordIsSet,
    emails: send.readerEmails,
    disabled: send.isDisabled,
    hideEmail: send.hidesEmail,
    revisionDate: toTimestamp(send.revisionAt),
    deletionDate: toTimestamp(send.deletesAt),
  }
}

const type = z.literal([types.text, types.file])
const authType = z.literal([authTypes.email, authTypes.password, authTypes.none])
const text = z.object({ text: z.string().nullable(), hidden: z.boolean() }).nullable()
const file = z
  .object({ id: z.string(), fileName: z.string(), size: z.string(), sizeName: z.string() })
  .nullable()

export const SendAnswer = z.object({
  object: z.literal('send'),
  id: z.string(),
  accessId: z.string(),
  type,
  authType,
  name: z.string(),
  notes: z.string().nullable(),
  file,
  text,
  data: z.null(),
  key: z.string(),
  maxAccessCount: z.number().nullable(),
  accessCount: z.number(),
  password: z.string().nullable(),
  emails: z.string().nullable(),
  disabled: z.boolean(),
  hideEmail: z.boolean(),
  revisionDate: z.string(),
  expirationDate: z.string().nullable(),
  deletionDate: z.string(),
})

/** All sends of an account, for `sync` and the list of them. */
export const sendAnswers = async (reader: Reader, accountId: string) =>
  (await listSends(reader, accountId)).map(sendAnswer)

/** What its readers get of a send. */
export const SendAccess = z.object({
  object: z.literal('send-access'),
  id: z.string(),
  type,
  authType,
  name: z.string(),
  file,
  text,
  expirationDate: z.string().nullable(),
  creatorIdentifier: z.string().nullable(),
})
