// The sync cursor: opaque to clients; inside, what it is about and how far its holder has come.
import { hash } from 'node:crypto'
import { fromBase64url, toBase64url, uuidFromBytes, uuidToBytes } from '../encoding.ts'

/** How far a client has come: everything up to `revision`, of which the items up to `itemId` if it ended inside a batch. */
export interface Position {
  readonly revision: number
  readonly itemId: string
}

/** Before every revision, and within a revision before every id. */
export const start: Position = { revision: 0, itemId: '' }

/** Behind every item of a revision: no id is greater. */
export const lastItem = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** The history that a cursor is about; a cursor of another one is refused. Both are random. */
export interface History {
  /** Replaced by a restore. */
  readonly databaseEpoch: string
  /** Another one for each vault, and for each time that a vault is made under the same id. */
  readonly vaultEpoch: string
}

const version = 1
const historyBytes = 12

const tagOf = ({ databaseEpoch, vaultEpoch }: History): Buffer =>
  hash('sha256', `${databaseEpoch}/${vaultEpoch}`, 'buffer').subarray(0, historyBytes)

// version (1) ‖ revision (8, big endian) ‖ history (12) ‖ item id (16, or nothing)
export function encodeCursor(history: History, { revision, itemId }: Position): string {
  const head = Buffer.alloc(9)
  head.writeUInt8(version)
  head.writeBigUInt64BE(BigInt(revision), 1)
  return toBase64url(Buffer.concat([head, tagOf(history), uuidToBytes(itemId)]))
}

/** What a cursor turned out to be: a position, one of another history, or not a cursor of this server at all. */
export type DecodedCursor =
  | { kind: 'position'; position: Position }
  | { kind: 'foreign' }
  | { kind: 'malformed' }

export function decodeCursor(history: History, cursor: string): DecodedCursor {
  const bytes = Buffer.from(fromBase64url(cursor))
  const tagEnd = 9 + historyBytes
  // Encoded again, because two texts may decode to the same bytes, and this server wrote one of them.
  if (toBase64url(bytes) !== cursor) return { kind: 'malformed' }
  if ((bytes.length !== tagEnd && bytes.length !== tagEnd + 16) || bytes.readUInt8() !== version)
    return { kind: 'malformed' }
  const revision = Number(bytes.readBigUInt64BE(1))
  if (!Number.isSafeInteger(revision)) return { kind: 'malformed' }
  if (!bytes.subarray(9, tagEnd).equals(tagOf(history))) return { kind: 'foreign' }
  const itemId = bytes.subarray(tagEnd)
  return { kind: 'position', position: { revision, itemId: uuidFromBytes(itemId) } }
}
