// Sends, found and listed.
import { and, asc, eq } from 'drizzle-orm'
import type { Reader } from '../../store/store.ts'
import type { Caller } from '../caller.ts'
import { notFound } from '../failure.ts'
import type { Send } from './rows.ts'

/** Which row a send of an account is. */
export const ofOwner = ({ sends }: Reader['tables'], accountId: string, sendId: string) =>
  and(eq(sends.id, sendId), eq(sends.accountId, accountId))

/** Each send with its file, in a query that says which. */
export const sendsWithFiles = ({ db, tables: { attachments, sends } }: Reader) =>
  db
    .select({ send: sends, file: attachments })
    .from(sends)
    .leftJoin(
      attachments,
      and(
        eq(attachments.vaultId, sends.accountId),
        eq(attachments.itemId, sends.id),
        eq(attachments.id, sends.fileId),
      ),
    )

/** All sends of an account, oldest first. */
export const listSends = (reader: Reader, accountId: string): Promise<Send[]> => {
  const { sends } = reader.tables
  return sendsWithFiles(reader)
    .where(eq(sends.accountId, accountId))
    .orderBy(asc(sends.createdAt), asc(sends.id))
}

/** A send of the caller's; throws `not-found`. */
export async function getSend(reader: Reader, { accountId }: Caller, sendId: string): Promise<Send> {
  const [found] = await sendsWithFiles(reader).where(ofOwner(reader.tables, accountId, sendId))
  if (!found) throw notFound()
  return found
}
