// Vaults with how many items they have: one, and a page of them.
import { and, asc, count, eq, getTableColumns, inArray, lt, sql } from 'drizzle-orm'
import { limits } from '../../contract/sizes.ts'
import type { Reader } from '../../store/store.ts'
import type { VaultCaller } from '../caller.ts'
import { bytesBefore, type Page, rowsFound, toPage } from './pages.ts'
import type { Vault, VaultRow } from './rows.ts'

async function countActive(
  { db, tables: { items } }: Reader,
  vaultIds: string[],
): Promise<Map<string, number>> {
  if (vaultIds.length === 0) return new Map()
  const rows = await db
    .select({ vaultId: items.vaultId, active: count() })
    .from(items)
    .where(and(inArray(items.vaultId, vaultIds), eq(items.state, 'active')))
    .groupBy(items.vaultId)
  return new Map(rows.map(({ vaultId, active }) => [vaultId, active]))
}

async function withItemCount(reader: Reader, rows: VaultRow[]): Promise<Vault[]> {
  const counts = await countActive(
    reader,
    rows.map(({ id }) => id),
  )
  return rows.map((row) => ({ ...row, itemCount: counts.get(row.id) ?? 0 }))
}

/** The place of a vault in the list: when it was made, in milliseconds since 1970, and its id. */
export type VaultPosition = Pick<VaultRow, 'createdAt' | 'id'>
/** A page of the caller's vaults, oldest first. */
export async function listVaults(
  reader: Reader,
  caller: VaultCaller,
  { limit, after }: { limit: number; after: VaultPosition | undefined },
): Promise<Page<Vault>> {
  const { vaults } = reader.tables
  const { accountId, onlyVaultId } = caller.reach()
  const candidates = reader.db
    .select({
      id: vaults.id,
      createdAt: vaults.createdAt,
      size: sql<number>`octet_length(${vaults.key}) + octet_length(${vaults.data})
        + coalesce(octet_length(${vaults.nextKey}), 0)`.as('size'),
    })
    .from(vaults)
    .where(
      and(
        eq(vaults.accountId, accountId),
        onlyVaultId === null ? undefined : eq(vaults.id, onlyVaultId),
        after && sql`(${vaults.createdAt}, ${vaults.id}) > (${after.createdAt}, ${after.id})`,
      ),
    )
    .orderBy(asc(vaults.createdAt), asc(vaults.id))
    .limit(limit + 1)
    .as('candidates')
  const summed = reader.db
    .select({
      id: candidates.id,
      bytesBefore: bytesBefore(candidates.size, sql`${candidates.createdAt}, ${candidates.id}`),
      found: rowsFound(),
    })
    .from(candidates)
    .as('summed')
  const found = await reader.db
    .select({ row: getTableColumns(vaults), found: summed.found })
    .from(vaults)
    .innerJoin(summed, eq(vaults.id, summed.id))
    .where(lt(summed.bytesBefore, limits.pageBytes))
    .orderBy(asc(vaults.createdAt), asc(vaults.id))
  const { rows, more } = toPage(found, limit)
  return { rows: await withItemCount(reader, rows), more }
}

export const withCount = async (reader: Reader, row: VaultRow): Promise<Vault> => ({
  ...row,
  itemCount: (await countActive(reader, [row.id])).get(row.id) ?? 0,
})
