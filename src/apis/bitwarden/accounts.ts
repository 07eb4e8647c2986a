// What clients ask of their account.
import { z } from 'zod'
import { bitwardenAccountPaths } from '../../contract/bitwarden-paths.ts'
import { line } from '../../contract/primitives.ts'
import { Failure, notFound } from '../../domain/failure.ts'
import { bitwardenRevision, getBitwardenAccount } from '../../domain/identity/bitwarden-accounts.ts'
import { changeSettings, nameUserKey } from '../../domain/identity/bitwarden-settings.ts'
import { hasFactors } from '../../domain/identity/second-factors.ts'
import { anyQuery } from '../../http/route.ts'
import { AccountKeys, accountKeysOf, Profile, profileOf } from './account-shapes.ts'
import { UserKeyId } from './password-shapes.ts'
import { type BitwardenCaller, route, type Services } from './route.ts'
import { caseless } from './wire.ts'

const Keys = z.object({
  key: z.string(),
  publicKey: z.string(),
  privateKey: z.string(),
  accountKeys: AccountKeys,
  object: z.literal('keys'),
})

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

/** An empty text is none. */
const textOrNull = (text: string | null | undefined) => (text === '' ? null : (text ?? null))

const changeProfile = (method: 'put' | 'post') =>
  route({
    method,
    path: bitwardenAccountPaths.profile,
    auth: 'account',
    limit: 'write',
    request: { query: anyQuery, body: caseless({ name: line(50).or(z.literal('')).nullish() }) },
    success: { 200: Profile },
    async handler({ body, caller }, services) {
      await changeSettings(caller, { name: textOrNull(body.name) }, services)
      return { status: 200, body: await readProfileOf(caller, services) }
    },
  })

const AvatarColor = z.string().regex(/^#[\dA-Fa-f]{6}$/, 'Expected a colour as #rrggbb')

const changeAvatar = (method: 'put' | 'post') =>
  route({
    method,
    path: bitwardenAccountPaths.avatar,
    auth: 'account',
    limit: 'write',
    request: { query: anyQuery, body: caseless({ avatarColor: AvatarColor.nullish() }) },
    success: { 200: Profile },
    async handler({ body, caller }, services) {
      await changeSettings(caller, { avatarColor: body.avatarColor ?? null }, services)
      return { status: 200, body: await readProfileOf(caller, services) }
    },
  })

const readKeys = route({
  method: 'get',
  path: bitwardenAccountPaths.keys,
  auth: 'account',
  limit: 'read',
  request: { query: anyQuery },
  success: { 200: Keys },
  async handler({ caller }, { store }) {
    const account = await store.read((reader) => getBitwardenAccount(reader, caller))
    const { publicKey, privateKey, userKey: key } = account.own
    const accountKeys = accountKeysOf(account)
    return { status: 200, body: { key, publicKey, privateKey, accountKeys, object: 'keys' } }
  },
})

const hasKeys = 'This account has a key pair already.'

/** For accounts without a key pair, which there are none of here. */
const addKeys = route({
  method: 'post',
  path: bitwardenAccountPaths.keys,
  auth: 'account',
  limit: 'write',
  request: { query: anyQuery },
  success: { 200: null },
  async handler() {
    throw new Failure('malformed-request', hasKeys, { errors: [{ path: '', message: hasKeys }] })
  },
})

/** Newer clients send it after each login for as long as `sync` does not have it, and fail without this. */
const setUserKeyId = route({
  method: 'post',
  path: bitwardenAccountPaths.userKeyId,
  auth: 'account',
  limit: 'write',
  request: { query: anyQuery, body: caseless({ userKeyId: UserKeyId }) },
  success: { 200: null },
  async handler({ body, caller }, services) {
    await nameUserKey(caller, body.userKeyId, services)
    return { status: 200 }
  },
})

/** Of the caller alone: nobody shares with others, and a stranger's id tells nothing. */
const readPublicKey = route({
  method: 'get',
  path: bitwardenAccountPaths.publicKey,
  auth: 'account',
  limit: 'read',
  request: { query: anyQuery, params: z.object({ id: z.string() }) },
  success: { 200: z.object({ userId: z.string(), publicKey: z.string(), object: z.literal('userKey') }) },
  async handler({ params, caller }, { store }) {
    if (params.id.toLowerCase() !== caller.accountId) throw notFound()
    const { own } = await store.read((reader) => getBitwardenAccount(reader, caller))
    return { status: 200, body: { userId: own.accountId, publicKey: own.publicKey, object: 'userKey' } }
  },
})

export const accountRoutes = [
  readRevision,
  readProfile,
  changeProfile('put'),
  changeProfile('post'),
  changeAvatar('put'),
  changeAvatar('post'),
  readKeys,
  addKeys,
  setUserKeyId,
  readPublicKey,
]
