// Reading items: one, some, or all of them page by page.
import { and, asc, eq, getTableColumns, gt, inArray, lt, lte, sql } from 'drizzle-orm'
import { statement } from '../../store/statement.ts'
import type { Reader } from '../../store/store.ts'
import { notFound } from '../failure.ts'
import { bytesBefore, type Page, rowsFound, toPage } from '../vaults/pages.ts'
import type { CipherRow } from './rows.ts'

/** How many items are read at a time, and about how many bytes of them: what stands in memory for one reader. */
export const ciphersAtOnce = 500
export const cipherBytesAtOnce = 1024 * 1024

type Found = Pick<Reader['tables'], 'ciphers' | 'items'>

/** The columns of a CipherRow, of both tables. */
function columnsOf({ ciphers, items }: Found) {
  const { vaultId: _, itemId, ...head } = getTableColumns(ciphers)
  return { ...head, id: itemId, createdAt: items.createdAt, data: items.data }
}

const joined = ({ ciphers, items }: Found) =>
  and(eq(items.vaultId, ciphers.vaultId), eq(items.id, ciphers.itemId))

/** @returns undefined for what has no body, which is no item */
function rowOf({ data, ...row }: Omit<CipherRow, 'body'> & { data: Uint8Array | null }): CipherRow[] {
  return data === null ? [] : [{ ...row, body: data }]
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
  const [row] = found.flatMap(rowOf)
  if (!row) throw notFound()
  return row
}

const cipherPageStatement = statement(({ db, tables }: Reader) => {
  const { ciphers, items } = tables
  const inVault = eq(ciphers.vaultId, sql.placeholder('accountId'))
  const candidates = db
    .select({ id: ciphers.itemId, size: sql<number>`coalesce(octet_length(${items.data}), 0)`.as('size') })
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
    .select({ id: candidates.id, bytesBefore: bytesBefore(candidates.size, sql`${candidates.id}`), found: rowsFound() })
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

/**
 * A page of the items of an account, in the trash or not, in the order of their ids.
 * @param from.after the id of the last one before; empty for the first page
 * @param from.lastType the highest number of a kind that the client knows
 */
export async function listCiphers(
  reader: Reader,
  { accountId }: { accountId: string },
  { after, lastType }: { after: string; lastType: number },
): Promise<Page<CipherRow>> {
  const { rows, more } = toPage(
    await cipherPageStatement(reader).execute({ accountId, after, lastType }),
    ciphersAtOnce,
  )
  return { rows: rows.flatMap(rowOf), more }
}

/** Those of these items that there are. @param ids some dozens at the most: their bodies stand in memory together */
export async function findCiphers(
  { db, tables }: Reader,
  { accountId }: { accountId: string },
  ids: readonly string[],
): Promise<CipherRow[]> {
  const { ciphers, items } = tables
  const found = await db
    .select(columnsOf(tables))
    .from(ciphers)
    .innerJoin(items, joined(tables))
    .where(and(eq(ciphers.vaultId, accountId), inArray(ciphers.itemId, [...ids])))
  return found.flatMap(rowOf)
}
