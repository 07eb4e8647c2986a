// What an app brings of another program: thousands of items in one request.
import { z } from 'zod'
import { bitwardenItemPaths } from '../../contract/bitwarden-paths.ts'
import { FolderId } from '../../contract/primitives.ts'
import { inPieces } from '../../domain/ciphers/change.ts'
import { maxFolders } from '../../domain/ciphers/folders.ts'
import { importCiphers } from '../../domain/ciphers/import.ts'
import { type NewCipher, newCipher } from '../../domain/ciphers/writes.ts'
import { anyQuery, parse } from '../../http/route.ts'
import { CipherRequest, FolderName } from './cipher-shapes.ts'
import { route } from './route.ts'
import { caseless } from './wire.ts'

/** Ten thousand items, of two or three KiB each. */
const importBody = { bytes: 32 * 1024 * 1024, values: 2_000_000 }
const maxCiphers = 20_000

/** How many items are looked at before other requests have their turn. */
const lookedAtOnce = 100

/** A folder that the account has, or a new one: an id that is none comes from elsewhere. */
const ImportedFolder = caseless({ id: FolderId.nullable().catch(null), name: FolderName })

const Index = z.int().min(0)

const importItems = route({
  method: 'post',
  path: bitwardenItemPaths.import,
  auth: 'account',
  limit: 'write',
  bodyBounds: importBody,
  request: {
    query: anyQuery,
    body: caseless({
      // Looked at piece by piece.
      ciphers: z.array(z.unknown()).max(maxCiphers),
      folders: z.array(z.unknown()).max(maxFolders).nullable().default([]),
      folderRelationships: z
        .array(caseless({ key: Index, value: Index }))
        .max(maxCiphers)
        .nullable()
        .default([]),
    }),
  },
  success: { 200: null },
  async handler({ caller, body }, services) {
    // Apps read in this form which item is meant.
    const folders = (body.folders ?? []).map((folder, index) =>
      parse(ImportedFolder, folder, [`Folders[${index}]`]),
    )
    const ciphers: NewCipher[] = []
    for await (const piece of inPieces(body.ciphers, lookedAtOnce))
      for (const cipher of piece)
        ciphers.push(newCipher(parse(CipherRequest, cipher, [`Ciphers[${ciphers.length}]`])))
    const placements = body.folderRelationships ?? []
    await importCiphers(services, caller, { ciphers, folders, placements })
    return { status: 200 }
  },
})

export const importRoutes = [importItems]
