// Addresses of one file of an item or a send. They are good for minutes, and anyone who has one can read the file.

import { z } from 'zod'
import { bitwardenFilePaths, bitwardenSendPaths } from '../../contract/bitwarden-paths.ts'
import { pathTo } from '../../contract/paths.ts'
import { AttachmentId } from '../../contract/primitives.ts'
import { type AttachmentPlace, openAttachment } from '../../domain/vaults/attachments.ts'
import { type FileOf, openFileLink, sealFileLink } from '../../domain/vaults/file-links.ts'
import type { AttachmentRow } from '../../domain/vaults/rows.ts'
import { ranged, rangedAnswer, rangeHeaders } from '../../http/ranged-answer.ts'
import { heldBytes } from './file-wire.ts'
import { route, type Services } from './route.ts'

const paths = {
  item: bitwardenFilePaths.content,
  send: bitwardenSendPaths.content,
} as const satisfies Record<FileOf, `/${string}`>

type LinkNeeds = Pick<Services, 'clock' | 'config' | 'keys' | 'random'>

/** The address of a file from now on, for some minutes. */
export function fileLink(kind: FileOf, place: AttachmentPlace, services: LinkNeeds): string {
  const path = pathTo(paths[kind], { fileId: place.attachmentId })
  return `${services.config.publicUrl}${path}?token=${sealFileLink(services, kind, place)}`
}

/**
 * The route of these addresses.
 * @param find the file, if it may still be read; throws if not. It gets undefined for an address that is none, or none any more
 */
export const linkedFileRoute = (
  kind: FileOf,
  find: (place: AttachmentPlace | undefined, services: Services) => Promise<AttachmentRow>,
) =>
  route({
    method: 'get',
    path: paths[kind],
    auth: 'public',
    limit: 'read',
    answerBytes: heldBytes,
    request: {
      params: z.strictObject({ fileId: AttachmentId }),
      query: z.looseObject({ token: z.string().max(300) }),
      headers: rangeHeaders,
    },
    ...ranged,
    async handler({ params: { fileId }, query: { token }, headers }, services) {
      const place = openFileLink(services, kind, { attachmentId: fileId, token })
      const file = await find(place, services)
      return rangedAnswer(headers, file.bytes, (range) => openAttachment(services, file, range))
    },
  })
