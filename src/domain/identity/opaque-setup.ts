// Keeps a server from running with another OPAQUE setup than its accounts were made with: every login of theirs would fail.
import { eq, isNull } from 'drizzle-orm'
import type { Store, Tx } from '../../store/store.ts'

/** Claims a database that has no setup yet. @returns the fingerprint of the one that it has now */
async function claim(
  { db, tables: { instance } }: Tx,
  fingerprint: string,
): Promise<string | null | undefined> {
  await db.update(instance).set({ opaqueFingerprint: fingerprint }).where(isNull(instance.opaqueFingerprint))
  const [row] = await db.select().from(instance).where(eq(instance.id, 1))
  return row?.opaqueFingerprint
}

/** Rejects where the database was used with another setup. Of two processes that start first, one decides. */
export async function requireSameSetup(store: Store, fingerprint: string): Promise<void> {
  if ((await store.write((tx) => claim(tx, fingerprint))) !== fingerprint)
    throw new Error(
      'OPAQUE_SERVER_SETUP is not the one that this database was first used with. Nobody could log in to accounts made with that one. Put it back: it was in the environment, or in the file opaque-setup beside the SQLite file; a backup of the database needs the setup of its time.',
    )
}
