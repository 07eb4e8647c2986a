// What clients ask of their account.
import { z } from 'zod'
import { bitwardenAccountPaths } from '../../contract/bitwarden-paths.ts'
import { bitwardenRevision, getBitwardenAccount } from '../../domain/identity/bitwarden-accounts.ts'
import { hasFactors } from '../../domain/identity/second-factors.ts'
import { anyQuery } from '../../http/route.ts'
import { Profile, profileOf } from './account-shapes.ts'
import { type BitwardenCaller, route, type Services } from './route.ts'

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

const readProfileOf = (caller: BitwardenCaller, { store }: Services) =>
  store.read(async (reader) =>
    profileOf(await getBitwardenAccount(reader, caller), {
      twoFactorEnabled: await hasFactors(reader, caller),
    }),
  )

const readProfile = route({
  method: 'get',
  path: bitwardenAccountPaths.profile,
  auth: 'account',
  limit: 'read',
  request: { query: anyQuery },
  success: { 200: Profile },
  async handler({ caller }, services) {
    return { status: 200, body: await readProfileOf(caller, services) }
  },
})

export const accountRoutes = [readRevision, readProfile]
