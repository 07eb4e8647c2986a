// What clients ask of their account.
import { z } from 'zod'
import { bitwardenAccountPaths } from '../../contract/bitwarden-paths.ts'
import { bitwardenRevision } from '../../domain/identity/bitwarden-accounts.ts'
import { anyQuery } from '../../http/route.ts'
import { route } from './route.ts'

/** Asked before each sync: a client that has seen this revision already does not load the vault. */
const readRevision = route({
  method: 'get',
  path: bitwardenAccountPaths.revision,
  auth: 'account',
  limit: 'read',
  request: { query: anyQuery },
  success: { 200: z.int() },
  async handler({ caller }, { store }) {
    return { status: 200, body: await store.read((reader) => bitwardenRevision(reader, caller)) }
  },
})

export const accountRoutes = [readRevision]
