// Reading items: one, some, or all of them page by page.
import { and, asc, eq, getTableColumns, gt, inArray, lt, lte, sql } from 'drizzle-orm'
import { statement } from '../../store/statement.ts'
import type { Reader, Store } from '../../store/store.ts'
import { Failure, notFound } from '../failure.ts'
import { getBitwardenAccount } from '../identity/bitwarden-accounts.ts'
import { filesOfItems } from '../vaults/announced-files.ts'
import { bytesBefore, rowsFound, toPage } from '../vaults/pages.ts'
import type { CipherRow } from './rows.ts'

/** How many items are read at a time, and about how many bytes of them: what stands in memory for one reader. */
const ciphersAtOnce = 500
export const cipherBytesAtOnce = 1024 * 1024

/** The same where their bodies are not measured before. */
const bodiesAtOnce = 20

/** How much longer a file in an answer can be than its id in the list of an item's files. */
const fileWeight = sql.raw('64')

type Found = Pick<Reader['tables'], 'ciphers' | 'items'>

/** The columns of a CipherRow, of both tables. */
function columnsOf({ ciphers, items }: Found) {
  const { vaultId: _, itemId, ...head } = getTableColumns(ciphers)
  return { ...head, id: itemId, createdAt: items.createdAt, data: items.data, named: items.attachments }
}

const joined = ({ ciphers, items }: Found) =>
  and(eq(items.vaultId, ciphers.vaultId), eq(items.id, ciphers.itemId))

type FoundRow = Omit<CipherRow, 'body' | 'files'> & { data: Uint8Array | null; named: string | null }

/** Items with their files; what has no body is no item. */
async function withFiles(
  reader: Reader,
  { accountId }: { accountId: string },
  found: readonly FoundRow[],
): Promise<CipherRow[]> {
  const withSome = found.flatMap(({ id, named }) => (named === null ? [] : [id]))
  const files = await filesOfItems(reader, { vaultId: accountId, itemIds: withSome })
  return found.flatMap(({ data, named: _, ...row }) =>
    data === null ? [] : [{ ...row, body: data, files: files.get(row.id) ?? [] }],
  )
}

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
  const found = await cipherStatement(reader).execute({ accountId, id })
  const [row] = await withFiles(reader, { accountId }, found)
  if (!row) throw notFound()
  return row
}

const cipherPageStatement = statement(({ db, tables }: Reader) => {
  const { ciphers, items } = tables
  const inVault = eq(ciphers.vaultId, sql.placeholder('accountId'))
  const candidates = db
    .select({
      id: ciphers.itemId,
      size: sql<number>`coalesce(octet_length(${items.data}), 0)
        + ${fileWeight} * coalesce(octet_length(${items.attachments}), 0)`.as('size'),
    })
    .from(ciphers)
    .innerJoin(items, joined(tables))
    .where(
      and(
        inVault,
        gt(ciphers.itemId, sql.placeholder('after')),
        lte(ciphers.type, sql.placeholder('lastType')),
      ),
    )
    .orderBy(asc(ciphers.itemId))
    .limit(ciphersAtOnce + 1)
    .as('candidates')
  const summed = db
    .select({
      id: candidates.id,
      bytesBefore: bytesBefore(candidates.size, sql`${candidates.id}`),
      found: rowsFound(),
    })
    .from(candidates)
    .as('summed')
  return db
    .select({ row: columnsOf(tables), found: summed.found })
    .from(ciphers)
    .innerJoin(items, joined(tables))
    .innerJoin(summed, eq(ciphers.itemId, summed.id))
    .where(and(inVault, lt(summed.bytesBefore, cipherBytesAtOnce)))
    .orderBy(asc(ciphers.itemId))
    .prepare('cipher_page')
})

/** Which items of an account are read. */
export interface CiphersOf {
  readonly accountId: string
  /** The highest number of a kind that the client knows. */
  readonly lastType: number
}

/**
 * All items of an account, in the trash or not, in the order of their ids, page by page. Each page is read by itself, so that
 * a slow reader holds neither a connection nor a snapshot: no item that is there all the time is left out, and what is
 * written meanwhile is there or not, as if it came later. Throws `not-authenticated` if the keys of the account change meanwhile.
 * @param securityStamp of the account, as whatever else is told of it was read
 */
export async function* allCiphers(
  { store }: { store: Store },
  { accountId, lastType }: CiphersOf,
  securityStamp?: string,
): AsyncGenerator<CipherRow[]> {
  let before = securityStamp
  for (let after = ''; ; ) {
    const page = await store.read(async (reader) => {
      const found = await cipherPageStatement(reader).execute({ accountId, after, lastType })
      const { rows, more } = toPage(found, ciphersAtOnce)
      return {
        last: rows.at(-1),
        more,
        rows: await withFiles(reader, { accountId }, rows),
        // Behind the page: if it is still the same, so were the keys.
        stamp: (await getBitwardenAccount(reader, { accountId })).own.securityStamp,
      }
    })
    before ??= page.stamp
    if (page.stamp !== before) throw new Failure('not-authenticated', 'This session has ended. Log in again.')
    yield page.rows
    if (!page.more || !page.last) return
    after = page.last.id
  }
}

/** Those of these items that there are, some at a time, in the order of the ids. */
export async function* someCiphers(
  { store }: { store: Store },
  { accountId, lastType }: CiphersOf,
  ids: readonly string[],
): AsyncGenerator<CipherRow[]> {
  for (let start = 0; start < ids.length; start += bodiesAtOnce) {
    const wanted = ids.slice(start, start + bodiesAtOnce)
    const found = await store.read(async (reader) => {
      const { db, tables } = reader
      const { ciphers, items } = tables
      const rows = await db
        .select(columnsOf(tables))
        .from(ciphers)
        .innerJoin(items, joined(tables))
        .where(
          and(eq(ciphers.vaultId, accountId), inArray(ciphers.itemId, wanted), lte(ciphers.type, lastType)),
        )
      return withFiles(reader, { accountId }, rows)
    })
    const byId = new Map(found.map((row) => [row.id, row]))
    yield wanted.flatMap((id) => byId.get(id) ?? [])
  }
}
