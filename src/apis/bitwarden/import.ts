// What an app brings of another program: thousands of items in one request.
import { z } from 'zod'
import { bitwardenItemPaths } from '../../contract/bitwarden-paths.ts'
import { FolderId } from '../../contract/primitives.ts'
import { maxFolders } from '../../domain/ciphers/folders.ts'
import { importCiphers } from '../../domain/ciphers/import.ts'
import { newCipher } from '../../domain/ciphers/writes.ts'
import { checkPieces, inJsonPieces } from '../../http/json-pieces.ts'
import { anyQuery } from '../../http/route.ts'
import { CipherRequest, FolderName } from './cipher-shapes.ts'
import { route } from './route.ts'
import { caseless } from './wire.ts'

/** Ten thousand items, of two or three KiB each. */
const importBody = { bytes: 32 * 1024 * 1024, values: 2_000_000 }
const maxCiphers = 20_000

/** A folder that the account has, or a new one: an id that is none comes from elsewhere. */
const ImportedFolder = caseless({ id: FolderId.nullable().catch(null), name: FolderName })

const Index = z.int().min(0)

/** The indexes of an item, and of the folder that it goes into. */
const Placement = caseless({ key: Index, value: Index })

const importItems = route({
  method: 'post',
  path: bitwardenItemPaths.import,
  auth: 'account',
  limit: 'write',
  bodyBounds: importBody,
  request: {
    query: anyQuery,
    body: inJsonPieces(
      caseless({
        ciphers: z.array(z.unknown()).max(maxCiphers),
        folders: z.array(z.unknown()).max(maxFolders).nullable().default([]),
        folderRelationships: z.array(z.unknown()).max(maxCiphers).nullable().default([]),
      }),
      { objects: 2 * maxCiphers + maxFolders },
    ),
  },
  success: { 200: null },
  async handler({ caller, body }, services) {
    // Apps read in this form which item is meant.
    const folders = await checkPieces(
      ImportedFolder,
      body.folders ?? [],
      (index) => [`Folders[${index}]`],
      (folder) => folder,
    )
    const ciphers = await checkPieces(
      CipherRequest,
      body.ciphers,
      (index) => [`Ciphers[${index}]`],
      newCipher,
    )
    const placements = await checkPieces(
      Placement,
      body.folderRelationships ?? [],
      (index) => [`FolderRelationships[${index}]`],
      (placement) => placement,
    )
    await importCiphers(services, caller, { ciphers, folders, placements })
    return { status: 200 }
  },
})

export const importRoutes = [importItems]
