// At which revisions vaults are, and nothing else of them: what a stream of events tells.
import { and, asc, count, eq, inArray, max, sum } from 'drizzle-orm'
import type { Reader } from '../../store/store.ts'
import type { VaultCaller } from '../caller.ts'

export interface VaultRevision {
  readonly id: string
  readonly revision: number
}

/** The revisions of the caller's vaults, oldest vaults first. */
export async function listRevisions(
  { db, tables: { vaults } }: Reader,
  caller: VaultCaller,
  limit: number,
): Promise<{ vaults: VaultRevision[]; more: boolean }> {
  const { accountId, onlyVaultId } = caller.reach()
  const rows = await db
    .select({ id: vaults.id, revision: vaults.revision })
    .from(vaults)
    .where(
      and(eq(vaults.accountId, accountId), onlyVaultId === null ? undefined : eq(vaults.id, onlyVaultId)),
    )
    .orderBy(asc(vaults.createdAt), asc(vaults.id))
    .limit(limit + 1)
  return { vaults: rows.slice(0, limit), more: rows.length > limit }
}

/** A text for each account that has vaults, which is another one after every write to them, or to anything of Bitwarden's apps. */
export async function revisionMarks(
  { db, tables: { bitwardenAccounts, vaults } }: Reader,
  accountIds: readonly string[],
): Promise<Map<string, string>> {
  const rows = await db
    .select({
      accountId: vaults.accountId,
      vaults: count(),
      revisions: sum(vaults.revision),
      bitwarden: max(bitwardenAccounts.revisionAt),
    })
    .from(vaults)
    .leftJoin(bitwardenAccounts, eq(bitwardenAccounts.accountId, vaults.accountId))
    .where(inArray(vaults.accountId, [...accountIds]))
    .groupBy(vaults.accountId)
  return new Map(rows.map((row) => [row.accountId, `${row.vaults} ${row.revisions} ${row.bitwarden}`]))
}
