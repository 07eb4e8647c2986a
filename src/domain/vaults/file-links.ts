// Addresses under which one file is read without a login, for minutes: what names the file is sealed, so nobody can make or guess one.
import { type Clock, minutes } from '../../clock.ts'
import type { Random } from '../../random.ts'
import { uuidFromBytes, uuidToBytes } from '../encoding.ts'
import { openToken, sealToken } from '../expiring-tokens.ts'
import type { ServerKeys } from '../server-keys.ts'
import type { AttachmentPlace } from './attachments.ts'

/** Clients ask for one right before they use it, and begin to read at once. */
const lifetime = minutes(5)

const idBytes = 16

interface Needs {
  readonly clock: Clock
  readonly keys: Pick<ServerKeys, 'bitwardenLinks'>
  readonly random: Random
}

/** What a file is beside: its owner reads that of an item, and strangers that of a send. */
export type FileOf = 'item' | 'send'

const about = (kind: FileOf, attachmentId: string) => `file of ${kind} ${attachmentId}`

/** @returns the token of an address, base64url */
export const sealFileLink = (
  { clock, keys, random }: Needs,
  kind: FileOf,
  { vaultId, itemId, attachmentId }: AttachmentPlace,
): string =>
  sealToken({ key: keys.bitwardenLinks, random }, about(kind, attachmentId), {
    content: Buffer.concat([uuidToBytes(vaultId), uuidToBytes(itemId)]),
    expiresAt: clock.now() + lifetime,
  })

/** @returns undefined unless `sealFileLink` made it for this file, and its time is not over */
export function openFileLink(
  { clock, keys }: Omit<Needs, 'random'>,
  kind: FileOf,
  { attachmentId, token }: { attachmentId: string; token: string },
): AttachmentPlace | undefined {
  const opened = openToken(keys.bitwardenLinks, about(kind, attachmentId), token, clock.now())
  if (!opened) return undefined
  const { content } = opened
  const [vaultId, itemId] = [content.subarray(0, idBytes), content.subarray(idBytes)].map(uuidFromBytes)
  return vaultId === undefined || itemId === undefined ? undefined : { vaultId, itemId, attachmentId }
}
