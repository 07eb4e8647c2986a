// Sealed files as a server sees them: bytes of which it knows the length alone.
import { randomBytes, randomUUID } from 'node:crypto'
import type { Server } from './requests.ts'
import { outcomeOf, type RawAnswer, send } from './requests.ts'

/** What the server takes for a sealed file; real enough for a server. */
export const fakeFile = (bytes = 1000): Buffer => randomBytes(bytes)

export interface FilePlace {
  readonly vaultId: string
  readonly itemId: string
  readonly id: string
}

export const filePath = ({ vaultId, itemId, id }: FilePlace) =>
  `/api/v1/vaults/${vaultId}/items/${itemId}/attachments/${id}`

export const newPlace = (vaultId: string, itemId: string): FilePlace => ({
  vaultId,
  itemId,
  id: randomUUID(),
})

/** Uploads a file, or a part of it: from `first` so many bytes. */
export function putFile(
  server: Server,
  token: string,
  place: FilePlace,
  file: Uint8Array,
  { first, last = file.length - 1, query = '' }: { first?: number; last?: number; query?: string } = {},
): Promise<RawAnswer> {
  const from = first ?? 0
  const isPart = first !== undefined || last !== file.length - 1
  return send(server, {
    method: 'PUT',
    path: filePath(place) + query,
    token,
    headers: {
      'Content-Type': 'application/octet-stream',
      ...(isPart && { 'Content-Range': `bytes ${from}-${last}/${file.length}` }),
    },
    raw: file.subarray(from, last + 1),
  })
}

/** The bytes of a file, or of a part of it. */
export async function getFile(
  { url }: Server,
  token: string,
  place: FilePlace,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<{ status: number; headers: Headers; bytes: Buffer }> {
  const answer = await fetch(url + filePath(place), {
    method,
    headers: { Authorization: `Bearer ${token}`, ...headers },
  })
  return { status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) }
}

export const uploadOutcome = async (answer: Promise<RawAnswer>) => outcomeOf(await answer)
