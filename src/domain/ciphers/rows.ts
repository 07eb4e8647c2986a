// Items of Bitwarden's apps as the rules see them: what the server itself changes stands in `ciphers`, what their owner's client has
// made in the body of `items`, which is never parsed to be read. Their vault has the id of the account.
import type { InferSelectModel } from 'drizzle-orm'
import type { Tables } from '../../store/schema.ts'
import type { Caller } from '../caller.ts'
import { Failure } from '../failure.ts'
import type { AttachmentRow } from '../vaults/rows.ts'

export type CipherHead = Omit<InferSelectModel<Tables['ciphers']>, 'vaultId' | 'itemId'>

/** An item with its body. Times are milliseconds since 1970. */
export interface CipherRow extends CipherHead {
  readonly id: string
  readonly createdAt: number
  /** JSON in UTF-8: an object with a member at least. */
  readonly body: Uint8Array
  /** Those that are here, in the order in which they were announced. */
  readonly files: readonly AttachmentRow[]
}

/**
 * What the server knows of an item, as an array: to make an object of each of thousands takes longer than to read them. Times are
 * milliseconds since 1970.
 */
export type HeadColumns = [
  id: string,
  type: number,
  folderId: string | null,
  isFavorite: 0 | 1,
  createdAt: number,
  revisionAt: number,
  archivedAt: number | null,
  deletedAt: number | null,
]

/** An item of a list, as a statement gives it. */
export type ListedCipher = [
  ...head: HeadColumns,
  /** The body as text, which goes into an answer as it is; null if it is large and not read yet. */
  text: string | null,
  /** Of its body and, about, of its files in an answer. */
  bytes: number,
  /** The list of its files, as it is stored. */
  named: string | null,
  /** The account's: a statement has one snapshot, so it is that of the keys under which the row lies. */
  securityStamp: string,
  /** Those that are here, if it names some and they are read. */
  files?: readonly AttachmentRow[],
]

/** Who changes items. */
export interface CipherCaller extends Caller {
  /** Of the device, which is not told of its own changes. */
  readonly deviceIdentifier: string
}

/** A request that cannot be done as it stands; the sentence says what to do. */
export const refused = (sentence: string) => new Failure('malformed-request', sentence, { errors: [] })

/** The same, of one member of the request. */
export const refusedMember = (path: string, message: string) =>
  new Failure('malformed-request', 'The request is not as the contract says.', {
    errors: [{ path, message }],
  })

/** The revision date of an item as a client has it: of dates with fewer digits, the times that they can stand for. */
export interface KnownRevision {
  /** Milliseconds since 1970. */
  readonly from: number
  readonly to: number
}

/** Throws `malformed-request` if an item is not at the revision that the client has. @param known undefined if it does not say */
export function requireKnown({ revisionAt }: CipherRow, known: KnownRevision | undefined): void {
  if (known && (revisionAt < known.from || revisionAt >= known.to))
    throw refused(
      'The item was changed on another device since this one has loaded it. Sync, and change it again.',
    )
}
