// Items as clients get them. What the server itself knows of an item is written before its stored body, whose text follows as it is:
// an answer with thousands of items costs little more than the reading of their bytes.
import { z } from 'zod'
import { memberOfType } from '../../domain/ciphers/content.ts'
import type { CipherPieces } from '../../domain/ciphers/read.ts'
import type { CipherRow, HeadColumns, ListedCipher } from '../../domain/ciphers/rows.ts'
import { toTimestamp, toTimestampOrNull } from '../../domain/encoding.ts'
import type { AttachmentRow } from '../../domain/vaults/rows.ts'
import { JsonStream, JsonText, jsonWithList } from '../../http/json-text.ts'
import { fileAnswers } from './file-answers.ts'
import type { ClientKind, Services } from './route.ts'

/** For each kind the members of all others, which are null: clients need every member. */
const othersOf = new Map(
  Object.entries(memberOfType).map(([type, own]) => [
    Number(type),
    Object.values(memberOfType)
      .filter((member) => member !== own)
      .map((member) => `"${member}":null,`)
      .join(''),
  ]),
)

/** What is the same for every item of an account without organizations. */
const always = Object.entries({
  object: 'cipherDetails',
  organizationId: null,
  edit: true,
  viewPassword: true,
  permissions: { delete: true, restore: true },
  organizationUseTotp: true,
  collectionIds: [],
  data: null,
})
  .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)},`)
  .join('')

/** What the addresses of files are made with. */
type AnswerNeeds = Pick<Services, 'clock' | 'config' | 'keys' | 'random'>

/** A text that needs no escapes, or null. */
const quoted = (text: string | null) => (text === null ? 'null' : `"${text}"`)

/** The text of an item up to its stored body, without the closing brace. Ids and dates are written as they are: they hold nothing to escape. */
function headOf(
  [id, type, folderId, isFavorite, createdAt, revisionAt, archivedAt, deletedAt]: readonly [
    ...HeadColumns,
    ...unknown[],
  ],
  files: readonly AttachmentRow[],
  services: AnswerNeeds,
): string {
  const created = toTimestamp(createdAt)
  const named = files.length === 0 ? 'null' : JSON.stringify(fileAnswers({ files }, services))
  return `{${always}${othersOf.get(type) ?? ''}"id":"${id}","folderId":${quoted(folderId)},"type":${type},"favorite":${isFavorite === 1},"creationDate":"${created}","revisionDate":"${toTimestamp(revisionAt)}","deletedDate":${quoted(toTimestampOrNull(deletedAt))},"archivedDate":${quoted(toTimestampOrNull(archivedAt))},"attachments":${named},`
}

/** What `headOf` takes of an item that is no row of a list. */
const headIn = (row: CipherRow): HeadColumns => {
  const { id, type, folderId, isFavorite, createdAt, revisionAt, archivedAt, deletedAt } = row
  return [id, type, folderId, isFavorite ? 1 : 0, createdAt, revisionAt, archivedAt, deletedAt]
}

const noFiles: readonly AttachmentRow[] = []

/** An item of a list as JSON. */
const textOf = (row: ListedCipher, services: AnswerNeeds): string =>
  // Without the brace that opens the body.
  `${headOf(row, row[12] ?? noFiles, services)}${row[8]?.slice(1)}`

/** An item as JSON in UTF-8, in pieces. */
const piecesOf = (row: CipherRow, services: AnswerNeeds): Uint8Array[] => [
  Buffer.from(headOf(headIn(row), row.files, services)),
  // Without the brace that opens it.
  row.body.subarray(1),
]

const closing = Buffer.from('}')

/** One item as an answer. */
export const cipherAnswer = (row: CipherRow, services: AnswerNeeds) =>
  new JsonText(Buffer.concat(piecesOf(row, services)))

/** An object as an answer, with an item as its last member. */
export const answerWithCipher = (members: object, name: string, row: CipherRow, services: AnswerNeeds) => {
  const before = `${JSON.stringify({ ...members, [name]: null }).slice(0, -'null}'.length)}`
  return new JsonText(Buffer.concat([Buffer.from(before), ...piecesOf(row, services), closing]))
}

/** How a route declares it. */
export const CipherAnswer = z.instanceof(JsonText)
export const CiphersAnswer = z.instanceof(JsonStream)

/** Items as JSON each, as they come. */
async function* texts(pages: CipherPieces, after: string, services: AnswerNeeds) {
  const made = (rows: readonly ListedCipher[]) => rows.map((row) => textOf(row, services))
  for (;;) {
    const { done, value } = await pages.next()
    if (done) return { entries: made(value.rows), after }
    yield made(value)
  }
}

/** A list of items as an answer. */
export const ciphersAnswer = (pages: CipherPieces, services: AnswerNeeds) =>
  new JsonStream(
    jsonWithList('{"object":"list","data":[', texts(pages, '],"continuationToken":null}', services)),
  )

/** An object as an answer, with items as its member `ciphers`. */
export const answerWithCiphers = (members: object, pages: CipherPieces, services: AnswerNeeds) =>
  new JsonStream(
    jsonWithList(`${JSON.stringify(members).slice(0, -1)},"ciphers":[`, texts(pages, ']}', services)),
  )

/** The highest kind that a client knows. Older ones crash over kinds that they do not know, and some say no version at all. */
export function lastTypeFor({ version }: ClientKind): number {
  if (!version) return 4
  const [year, month] = version
  const since = year * 12 + month
  if (since < 2024 * 12 + 12) return 4
  return since < 2026 * 12 + 5 ? 5 : 8
}
