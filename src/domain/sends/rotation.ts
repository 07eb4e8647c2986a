// The sends of an account, under its new key.
import { eq } from 'drizzle-orm'
import type { Tx } from '../../store/store.ts'
import { addUsage, noGrowth } from '../quotas/usage.ts'
import { mistake } from './change.ts'

/**
 * Puts the sends of an account under its new key: all of them, and no other. Vault and account are held. Throws `malformed-request`,
 * and `not-found` for nothing.
 */
export async function replaceSends(
  tx: Tx,
  accountId: string,
  given: readonly { readonly id: string; readonly data: Uint8Array }[],
  { revisionAt }: { readonly revisionAt: number },
): Promise<void> {
  const { sends } = tx.tables
  const known = await tx.db.select().from(sends).where(eq(sends.accountId, accountId))
  const data = new Map(given.map((send) => [send.id, send.data]))
  if (known.length !== given.length || known.some(({ id }) => !data.has(id)))
    throw mistake(
      'accountData.sends',
      'The key changes for all Sends of the account at once. Sync, and try again.',
    )
  let bytes = 0
  for (const send of known) {
    const replaced = data.get(send.id) ?? send.data
    bytes += replaced.length - send.data.length
    await tx.db.update(sends).set({ data: replaced, revisionAt }).where(eq(sends.id, send.id))
  }
  await addUsage(tx, accountId, { ...noGrowth, bytes })
}
