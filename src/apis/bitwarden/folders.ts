// Folders: names that items refer to.
import { z } from 'zod'
import { bitwardenItemPaths } from '../../contract/bitwarden-paths.ts'
import { FolderId } from '../../contract/primitives.ts'
import {
  createFolder,
  deleteFolder,
  deleteFolders,
  type FolderRow,
  getFolder,
  listFolders,
  maxFolders,
  renameFolder,
} from '../../domain/ciphers/folders.ts'
import { toTimestamp } from '../../domain/encoding.ts'
import { anyQuery } from '../../http/route.ts'
import { FolderName } from './cipher-shapes.ts'
import { removingOne, removingSome } from './removals.ts'
import { route } from './route.ts'
import { caseless } from './wire.ts'

const params = z.strictObject({ id: FolderId })

const Folder = z.object({
  id: z.string(),
  name: z.string(),
  revisionDate: z.string(),
  object: z.literal('folder'),
})

/** A folder as clients get it. */
export const folderAnswer = ({ id, name, revisionAt }: FolderRow) => ({
  id,
  name,
  revisionDate: toTimestamp(revisionAt),
  object: 'folder' as const,
})

/** All folders of an account with the longest names. */
export const foldersAnswer = maxFolders * 1200

const reading = { auth: 'account', limit: 'read' } as const
const writing = { auth: 'account', limit: 'write' } as const

const readAll = route({
  ...reading,
  method: 'get',
  path: bitwardenItemPaths.folders,
  answerBytes: foldersAnswer,
  request: { query: anyQuery },
  success: {
    200: z.object({ object: z.literal('list'), data: z.array(Folder), continuationToken: z.null() }),
  },
  async handler({ caller }, { store }) {
    const folders = await store.read((reader) => listFolders(reader, caller))
    return {
      status: 200,
      body: { object: 'list', data: folders.map(folderAnswer), continuationToken: null },
    }
  },
})

const readOne = route({
  ...reading,
  method: 'get',
  path: bitwardenItemPaths.folder,
  request: { query: anyQuery, params },
  success: { 200: Folder },
  async handler({ caller, params: { id } }, { store }) {
    return { status: 200, body: folderAnswer(await store.read((reader) => getFolder(reader, caller, id))) }
  },
})

const body = caseless({ name: FolderName })

const create = route({
  ...writing,
  method: 'post',
  path: bitwardenItemPaths.folders,
  request: { query: anyQuery, body },
  success: { 200: Folder },
  async handler({ caller, body: { name } }, services) {
    return { status: 200, body: folderAnswer(await createFolder(services, caller, name)) }
  },
})

const methods = ['put', 'post'] as const

const rename = methods.map((method) =>
  route({
    ...writing,
    method,
    path: bitwardenItemPaths.folder,
    request: { query: anyQuery, params, body },
    success: { 200: Folder },
    async handler({ caller, params: { id }, body: { name } }, services) {
      return { status: 200, body: folderAnswer(await renameFolder(services, caller, id, name)) }
    },
  }),
)

const deletions = [
  ['delete', bitwardenItemPaths.folder],
  ['post', bitwardenItemPaths.folderDeletion],
] as const

const deleteOne = removingOne(deletions, FolderId, deleteFolder)

const deleteSome = removingSome([['delete', bitwardenItemPaths.folders]], deleteFolders)

const deleteAll = route({
  ...writing,
  method: 'delete',
  path: bitwardenItemPaths.allFolders,
  request: { query: anyQuery },
  success: { 200: null },
  async handler({ caller }, services) {
    await deleteFolders(services, caller, undefined)
    return { status: 200 }
  },
})

export const folderRoutes = [readAll, create, ...deleteSome, deleteAll, readOne, ...rename, ...deleteOne]
