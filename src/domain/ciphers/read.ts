// Reading items: one, some, or all of them page by page.
import { and, asc, eq, getTableColumns, gt, inArray, lte, type Placeholder, type SQL, sql } from 'drizzle-orm'
import { textIn } from '../../store/columns.ts'
import type { Tables } from '../../store/schema.ts'
import { statement } from '../../store/statement.ts'
import type { Reader, Store } from '../../store/store.ts'
import { Failure, notFound } from '../failure.ts'
import { filesOfItems } from '../vaults/announced-files.ts'
import { everything, ifSmall, inPieces, pageInPieces, rowsAtOnce } from '../vaults/pages.ts'
import type { AttachmentRow } from '../vaults/rows.ts'
import type { CipherRow, ListedCipher } from './rows.ts'

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

/** The columns of a ListedCipher. */
function listedColumns(reader: Reader, accountId: string | Placeholder, text: SQL<string | null>) {
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
    text,
    bytes: sql`${weightOf(reader.tables)}`,
    named: items.attachments,
    securityStamp: sql`(${stampOf(reader, accountId)})`,
  }
}

const idOf = (row: ListedCipher) => row[0]
const textOf = (row: ListedCipher) => row[8]
const bytesOf = (row: ListedCipher) => row[9]
const namesFiles = (row: ListedCipher) => row[10] !== null
const stampIn = (row: ListedCipher) => row[11]

const noFiles: readonly AttachmentRow[] = []

const textIfSmall = (tables: Tables) => ifSmall(textIn(tables.items.data), weightOf(tables))

const cipherPageStatement = statement((reader: Reader) => {
  const { db, tables } = reader
  const { ciphers, items } = tables
  const accountId = sql.placeholder('accountId')
  const page = db
    .select(listedColumns(reader, accountId, textIfSmall(tables)))
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
    .limit(sql.placeholder('count'))
  return reader.rows<ListedCipher>('cipher_page', page)
})

/** @param text of all of them, or of the small ones */
function ciphersByIds(
  reader: Reader,
  { accountId, lastType }: CiphersOf,
  ids: readonly string[],
  text: SQL<string | null>,
): Promise<ListedCipher[]> {
  const { ciphers, items } = reader.tables
  const some = reader.db
    .select(listedColumns(reader, accountId, text))
    .from(ciphers)
    .innerJoin(items, joined(reader.tables))
    .where(
      and(eq(ciphers.vaultId, accountId), inArray(ciphers.itemId, [...ids]), lte(ciphers.type, lastType)),
    )
  // The empty name is that of a statement which is not kept.
  return reader.rows<ListedCipher>('', some)({})
}

const isWhole = (row: ListedCipher) => textOf(row) !== null && !namesFiles(row)

/** Reads what is missing of items: texts of large ones, and files. One that is gone meanwhile, or has no body, is no item. */
async function completed(
  reader: Reader,
  of: CiphersOf,
  piece: readonly ListedCipher[],
): Promise<ListedCipher[]> {
  const large = piece.flatMap((row) => (textOf(row) === null ? [idOf(row)] : []))
  const read =
    large.length === 0 ? [] : await ciphersByIds(reader, of, large, textIn(reader.tables.items.data))
  const byId = new Map(read.map((row) => [idOf(row), row]))
  const rows = piece.map((row) => byId.get(idOf(row)) ?? row).filter((row) => textOf(row) !== null)
  const itemIds = rows.flatMap((row) => (namesFiles(row) ? [idOf(row)] : []))
  const files = await filesOfItems(reader, { vaultId: of.accountId, itemIds })
  for (const row of rows) if (namesFiles(row)) row[12] = files.get(idOf(row)) ?? noFiles
  return rows
}

/** Items, piece by piece; the last piece is what it returns. */
export type CipherPieces = AsyncGenerator<readonly ListedCipher[], { rows: readonly ListedCipher[] }>

/**
 * All items of an account, in the trash or not, in the order of their ids. No item that is there all the time is left out, and what is
 * written meanwhile is there or not, as if it came later. Throws `not-authenticated` if the keys of the account change meanwhile.
 * @param securityStamp of the account, as whatever else is told of it was read
 */
export function allCiphers(
  services: { readonly store: Store },
  of: CiphersOf,
  securityStamp?: string,
): CipherPieces {
  let before = securityStamp
  function requireStamp(stamp: string | undefined) {
    before ??= stamp
    if (stamp !== before) throw new Failure('not-authenticated', 'This session has ended. Log in again.')
  }
  return pageInPieces(
    services,
    {
      bytesOf,
      isWhole,
      async next(reader, last, count) {
        const rows = await cipherPageStatement(reader)({ ...of, after: last ? idOf(last) : '', count })
        for (const row of rows) requireStamp(stampIn(row))
        if (rows.length === 0) {
          const [account] = await stampOf(reader, of.accountId)
          requireStamp(account?.securityStamp)
        }
        return rows
      },
      async complete(reader, piece) {
        const rows = await completed(reader, of, piece)
        for (const row of rows) requireStamp(stampIn(row))
        return rows
      },
    },
    everything,
  )
}

/** Those of these items that there are, some at a time, in the order of the ids. */
export async function* someCiphers(
  { store }: { readonly store: Store },
  of: CiphersOf,
  ids: readonly string[],
): CipherPieces {
  for (let start = 0; start < ids.length; start += rowsAtOnce) {
    const wanted = ids.slice(start, start + rowsAtOnce)
    const found = await store.read((reader) => ciphersByIds(reader, of, wanted, textIfSmall(reader.tables)))
    const byId = new Map(found.map((row) => [idOf(row), row]))
    const rows = wanted.map((id) => byId.get(id)).filter((row) => row !== undefined)
    for (const piece of inPieces(rows, bytesOf))
      yield await store.read((reader) => completed(reader, of, piece))
  }
  return { rows: [] }
}
