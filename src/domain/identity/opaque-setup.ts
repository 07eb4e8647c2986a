// Keeps a server from running with another OPAQUE setup than its accounts were made with: every login of theirs would fail.
import { hkdfSync } from 'node:crypto'
import { eq, isNull } from 'drizzle-orm'
import type { Reader, Store, Tx } from '../../store/store.ts'

/** 32 bytes that stand for a setup and a purpose, and tell nothing of either. */
export const deriveFromSetup = (setup: string, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', Buffer.from(setup, 'base64url'), '', `limpet/v1/opaque/${purpose}`, 32))

/** Stands for the whole setup and tells nothing of it: what the database remembers it by. */
export const fingerprintOf = (setup: string): string =>
  deriveFromSetup(setup, 'fingerprint').toString('base64url')

async function fingerprintIn({ db, tables: { instance } }: Reader): Promise<string | null | undefined> {
  const [row] = await db.select().from(instance).where(eq(instance.id, 1))
  return row?.opaqueFingerprint
}

/** Claims a database that has no setup yet. @returns the fingerprint of the one that it has now */
async function claim(tx: Tx, fingerprint: string): Promise<string | null | undefined> {
  const { instance } = tx.tables
  await tx.db
    .update(instance)
    .set({ opaqueFingerprint: fingerprint })
    .where(isNull(instance.opaqueFingerprint))
  return fingerprintIn(tx)
}

/**
 * Rejects where the setup is none, or the database was used with another one. Of two processes that start first, one decides.
 * @param setup OPAQUE_SERVER_SETUP
 */
export async function requireSameSetup(store: Store, setup: string): Promise<void> {
  const fingerprint = fingerprintOf(setup)
  // Checked when the database was first used with it. The library is loaded for others alone.
  if ((await store.read(fingerprintIn)) === fingerprint) return
  const { isOpaqueSetup } = await import('./opaque-library.ts')
  if (!(await isOpaqueSetup(setup)))
    throw new Error(
      'OPAQUE_SERVER_SETUP is not a server setup. Make one with: limpet-server new-opaque-setup. Where accounts exist, it has to be the one that they were made with.',
    )
  if ((await store.write((tx) => claim(tx, fingerprint))) !== fingerprint)
    throw new Error(
      'OPAQUE_SERVER_SETUP is not the one that this database was first used with. Nobody could log in to accounts made with that one. Put it back: it was in the environment, or in the file opaque-setup beside the SQLite file; a backup of the database needs the setup of its time.',
    )
}
