// What ends sends: their owner, their time, a file that never came, and a restore.
import { and, asc, eq, isNotNull, isNull, lte } from 'drizzle-orm'
import type { Clock } from '../../clock.ts'
import type { Store, Tx } from '../../store/store.ts'
import { VaultCaller } from '../caller.ts'
import { noteBitwardenChange } from '../identity/bitwarden-accounts.ts'
import { addUsage, noGrowth } from '../quotas/usage.ts'
import { freeFilesOf } from '../vaults/attachment-naming.ts'
import { holdOwnVault, holdVault } from '../vaults/vault-row.ts'
import { beginChange, type SendOwner } from './change.ts'
import { getSend, sendsWithFiles } from './read.ts'
import type { SendRow } from './rows.ts'

/** Most that are deleted in one turn; the rest has its turn a minute later. */
const maxAtOnce = 1000

interface Needs {
  readonly clock: Clock
  readonly store: Store
}

/** Deletes the row of a send and its file, and gives back what they took. The vault is held. */
async function removeSend(tx: Tx, { id, accountId, data }: SendRow): Promise<void> {
  const removed = await tx.db
    .delete(tx.tables.sends)
    .where(eq(tx.tables.sends.id, id))
    .returning({ id: tx.tables.sends.id })
  const freed = await freeFilesOf(tx, accountId, [id])
  const usage = removed.length === 0 ? noGrowth : { ...noGrowth, items: -1, bytes: -data.length }
  await addUsage(tx, accountId, { ...usage, attachmentBytes: -freed })
}

/** Deletes a send; throws `not-found`. */
export const deleteSend = ({ clock, store }: Needs, caller: SendOwner, sendId: string): Promise<void> =>
  store.write(async (tx) => {
    await holdOwnVault(tx, VaultCaller.bySession(caller), caller.accountId)
    await beginChange(tx, caller, { now: clock.now(), what: 'send-deleted', id: sendId })
    const { send } = await getSend(tx, caller, sendId)
    await removeSend(tx, send)
  })

/** Deletes a send by its end, or without its file, if that is still so. */
async function deleteEnded(tx: Tx, { id, accountId }: SendRow, now: number): Promise<void> {
  if (!(await holdVault(tx, accountId))) return
  const [found] = await sendsWithFiles(tx).where(eq(tx.tables.sends.id, id))
  if (!found) return
  const { send, file } = found
  if (send.deletesAt > now && (send.fileId === null || file !== null)) return
  await noteBitwardenChange(tx, { accountId, deviceIdentifier: null }, { now, what: 'send-deleted', id })
  await removeSend(tx, send)
}

/** Deletes the sends whose end has come, and those of files that never arrived. */
export async function deleteOldSends({ store }: Pick<Needs, 'store'>, now: number): Promise<void> {
  const old = await store.read(({ db, tables: { sends } }) =>
    db.select().from(sends).where(lte(sends.deletesAt, now)).orderBy(asc(sends.deletesAt)).limit(maxAtOnce),
  )
  const empty = await store.read((reader) => {
    const { attachments, sends } = reader.tables
    return sendsWithFiles(reader)
      .where(and(isNotNull(sends.fileId), isNull(attachments.id)))
      .limit(maxAtOnce)
  })
  for (const send of [...old, ...empty.map(({ send }) => send)])
    await store.write((tx) => deleteEnded(tx, send, now))
}

/**
 * After a restore: disables all sends. Since the backup they may have been opened as often as they may be, deleted, or given a password;
 * their owner can enable them again. @returns how many there were
 */
export async function disableSends({ db, tables: { sends } }: Tx): Promise<number> {
  const disabled = await db
    .update(sends)
    .set({ isDisabled: true })
    .where(eq(sends.isDisabled, false))
    .returning({ id: sends.id })
  return disabled.length
}
