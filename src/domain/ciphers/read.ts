// Reading items: one, some, or all of them page by page.
import { and, asc, eq, getTableColumns, gt, inArray, lte, type Placeholder, type SQL, sql } from 'drizzle-orm'
import { textIn } from '../../store/columns.ts'
import type { Tables } from '../../store/schema.ts'
import { statement } from '../../store/statement.ts'
import type { Reader, Store } from '../../store/store.ts'
import { Failure, notFound } from '../failure.ts'
import { filesOfItems } from '../vaults/announced-files.ts'
import type { AttachmentRow } from '../vaults/rows.ts'
import type { CipherRow, ListedCipher } from './rows.ts'

/** How many items are read at a time: the event loop is held for one or two milliseconds. */
const ciphersAtOnce = 250
/** The bodies of larger ones are read by themselves, about so many bytes at a time. */
const smallBytes = 4096
const largeBytesAtOnce = 1024 * 1024

/** The most that the bodies have which are in memory at a time for one reader. */
export const cipherBytesAtOnce = ciphersAtOnce * smallBytes + largeBytesAtOnce

/** How much longer a file in an answer can be than its id in the list of an item's files. */
const fileWeight = sql.raw('64')

type Both = Pick<Reader['tables'], 'ciphers' | 'items'>

/** The columns of a CipherRow, of both tables. */
function columnsOf({ ciphers, items }: Both) {
  const { vaultId: _, itemId, ...head } = getTableColumns(ciphers)
  return { ...head, id: itemId, createdAt: items.createdAt, data: items.data, named: items.attachments }
}

const joined = ({ ciphers, items }: Both) =>
  and(eq(items.vaultId, ciphers.vaultId), eq(items.id, ciphers.itemId))

const cipherStatement = statement(({ db, tables }: Reader) =>
  db
    .select(columnsOf(tables))
    .from(tables.ciphers)
    .innerJoin(tables.items, joined(tables))
    .where(
      and(
        eq(tables.ciphers.vaultId, sql.placeholder('accountId')),
        eq(tables.ciphers.itemId, sql.placeholder('id')),
      ),
    )
    .prepare('cipher'),
)

/** One item of an account, in the trash or not; throws `not-found`. */
export async function getCipher(
  reader: Reader,
  { accountId }: { accountId: string },
  id: string,
): Promise<CipherRow> {
  const [found] = await cipherStatement(reader).execute({ accountId, id })
  // What has no body is no item.
  if (!found?.data) throw notFound()
  const { data: body, named, ...row } = found
  const files = await filesOfItems(reader, { vaultId: accountId, itemIds: named === null ? [] : [id] })
  return { ...row, body, files: files.get(id) ?? noFiles }
}

/** Which items of an account are read. */
export interface CiphersOf {
  readonly accountId: string
  /** The highest number of a kind that the client knows. */
  readonly lastType: number
}

const stampOf = ({ db, tables: { bitwardenAccounts } }: Reader, accountId: string | Placeholder) =>
  db
    .select({ securityStamp: bitwardenAccounts.securityStamp })
    .from(bitwardenAccounts)
    .where(eq(bitwardenAccounts.accountId, accountId))

const weightOf = ({ items }: Tables) =>
  sql`(coalesce(octet_length(${items.data}), 0) + ${fileWeight} * coalesce(octet_length(${items.attachments}), 0))`

/** An item of a list as a statement gives it. */
type FoundRow = [
  id: string,
  type: number,
  folderId: string | null,
  isFavorite: 0 | 1,
  createdAt: number,
  revisionAt: number,
  archivedAt: number | null,
  deletedAt: number | null,
  /** The list of its files, as it is stored. */
  named: string | null,
  /** Of its body and, about, of its files in an answer. */
  bytes: number,
  text: string | null,
  securityStamp: string,
]

/**
 * The columns of a FoundRow. With them comes the account's security stamp: a statement has one snapshot, so it is that of the keys
 * under which the row lies.
 */
function foundColumns(reader: Reader, accountId: string | Placeholder, text: SQL<string | null>) {
  const { ciphers, items } = reader.tables
  return {
    id: ciphers.itemId,
    type: ciphers.type,
    folderId: ciphers.folderId,
    isFavorite: sql`case when ${ciphers.isFavorite} then 1 else 0 end`,
    createdAt: items.createdAt,
    revisionAt: ciphers.revisionAt,
    archivedAt: ciphers.archivedAt,
    deletedAt: ciphers.deletedAt,
    named: items.attachments,
    bytes: sql`${weightOf(reader.tables)}`,
    text,
    securityStamp: sql`(${stampOf(reader, accountId)})`,
  }
}

/** Of a large item there is no text yet. */
interface Found extends Omit<ListedCipher, 'text'> {
  readonly text: string | null
  readonly hasFiles: boolean
  readonly bytes: number
  readonly securityStamp: string
}

const noFiles: readonly AttachmentRow[] = []

const foundOf = (row: FoundRow): Found => ({
  id: row[0],
  type: row[1],
  folderId: row[2],
  isFavorite: row[3] === 1,
  createdAt: row[4],
  revisionAt: row[5],
  archivedAt: row[6],
  deletedAt: row[7],
  hasFiles: row[8] !== null,
  files: noFiles,
  bytes: row[9],
  text: row[10],
  securityStamp: row[11],
})

const textIfSmall = (tables: Tables) =>
  sql<
    string | null
  >`case when ${weightOf(tables)} <= ${sql.raw(String(smallBytes))} then ${textIn(tables.items.data)} end`

const cipherPageStatement = statement((reader: Reader) => {
  const { db, tables } = reader
  const { ciphers, items } = tables
  const accountId = sql.placeholder('accountId')
  const page = db
    .select(foundColumns(reader, accountId, textIfSmall(tables)))
    .from(ciphers)
    .innerJoin(items, joined(tables))
    .where(
      and(
        eq(ciphers.vaultId, accountId),
        gt(ciphers.itemId, sql.placeholder('after')),
        lte(ciphers.type, sql.placeholder('lastType')),
      ),
    )
    .orderBy(asc(ciphers.itemId))
    .limit(ciphersAtOnce)
  return reader.rows<FoundRow>('cipher_page', page)
})

/** @param text of all of them, or of the small ones */
async function ciphersByIds(
  reader: Reader,
  { accountId, lastType }: CiphersOf,
  ids: readonly string[],
  text: SQL<string | null>,
): Promise<Found[]> {
  const { ciphers, items } = reader.tables
  const some = reader.db
    .select(foundColumns(reader, accountId, text))
    .from(ciphers)
    .innerJoin(items, joined(reader.tables))
    .where(
      and(eq(ciphers.vaultId, accountId), inArray(ciphers.itemId, [...ids]), lte(ciphers.type, lastType)),
    )
  // The empty name is that of a statement which is not kept.
  return (await reader.rows<FoundRow>('', some)({})).map(foundOf)
}

/** The same items in pieces, of which none has much more than `largeBytesAtOnce` without a text. */
function piecesOf(page: readonly Found[]): Found[][] {
  const pieces: Found[][] = [[]]
  let large = 0
  for (const row of page) {
    if (row.text === null && large > 0 && large + row.bytes > largeBytesAtOnce) {
      pieces.push([])
      large = 0
    }
    if (row.text === null) large += row.bytes
    pieces.at(-1)?.push(row)
  }
  return pieces
}

const isWhole = (found: Found): found is Found & ListedCipher => found.text !== null

/** Reads what is missing of items: texts of large ones, and files. One that is gone meanwhile, or has no body, is no item. */
async function completed(reader: Reader, of: CiphersOf, piece: readonly Found[]) {
  const large = piece.flatMap(({ id, text }) => (text === null ? [id] : []))
  const read =
    large.length === 0 ? [] : await ciphersByIds(reader, of, large, sql`${textIn(reader.tables.items.data)}`)
  const byId = new Map(read.map((found) => [found.id, found]))
  const rows = piece.map((found) => byId.get(found.id) ?? found).filter(isWhole)
  const itemIds = rows.flatMap(({ id, hasFiles }) => (hasFiles ? [id] : []))
  const files = await filesOfItems(reader, { vaultId: of.accountId, itemIds })
  return rows.map((row) => ({ ...row, files: files.get(row.id) ?? noFiles }))
}

/** What was found, with all that belongs to it. Throws `not-authenticated` unless all of it has the stamp `before`. */
async function* filled(
  { store }: { store: Store },
  of: CiphersOf,
  page: readonly Found[],
  before: string | undefined,
): AsyncGenerator<ListedCipher[]> {
  for (const piece of piecesOf(page)) {
    const isComplete = piece.every(({ hasFiles, text }) => !hasFiles && text !== null)
    const rows = isComplete
      ? piece.filter(isWhole)
      : await store.read((reader) => completed(reader, of, piece))
    for (const { securityStamp } of rows) requireStamp(securityStamp, before)
    yield rows
  }
}

/** Throws `not-authenticated` if an account has other keys than before. @param before undefined if that does not matter */
function requireStamp(securityStamp: string | undefined, before: string | undefined): void {
  if (before !== undefined && securityStamp !== before)
    throw new Failure('not-authenticated', 'This session has ended. Log in again.')
}

/**
 * All items of an account, in the trash or not, in the order of their ids, page by page. Each page is read by itself, so that
 * a slow reader holds neither a connection nor a snapshot: no item that is there all the time is left out, and what is
 * written meanwhile is there or not, as if it came later. Throws `not-authenticated` if the keys of the account change meanwhile.
 * @param securityStamp of the account, as whatever else is told of it was read
 */
export async function* allCiphers(
  { store }: { store: Store },
  of: CiphersOf,
  securityStamp?: string,
): AsyncGenerator<ListedCipher[]> {
  let before = securityStamp
  for (let after = ''; ; ) {
    const page = (await store.read((reader) => cipherPageStatement(reader)({ ...of, after }))).map(foundOf)
    const last = page.at(-1)
    if (!last) {
      const [account] = await store.read(async (reader) => stampOf(reader, of.accountId))
      return requireStamp(account?.securityStamp, before)
    }
    before ??= last.securityStamp
    yield* filled({ store }, of, page, before)
    if (page.length < ciphersAtOnce) return
    after = last.id
  }
}

/** Those of these items that there are, some at a time, in the order of the ids. */
export async function* someCiphers(
  { store }: { store: Store },
  of: CiphersOf,
  ids: readonly string[],
): AsyncGenerator<ListedCipher[]> {
  for (let start = 0; start < ids.length; start += ciphersAtOnce) {
    const wanted = ids.slice(start, start + ciphersAtOnce)
    const found = await store.read((reader) => ciphersByIds(reader, of, wanted, textIfSmall(reader.tables)))
    const byId = new Map(found.map((row) => [row.id, row]))
    yield* filled(
      { store },
      of,
      wanted.flatMap((id) => byId.get(id) ?? []),
      undefined,
    )
  }
}
