// Items: made, read, changed, put into the trash or the archive, deleted for good.
import { z } from 'zod'
import { bitwardenItemPaths } from '../../contract/bitwarden-paths.ts'
import { FolderId, ItemId } from '../../contract/primitives.ts'
import { limits } from '../../contract/sizes.ts'
import {
  changeFate,
  deleteCipher,
  deleteCiphers,
  type Fate,
  moveCiphers,
  purgeCiphers,
} from '../../domain/ciphers/bulk.ts'
import { allCiphers, getCipher, someCiphers } from '../../domain/ciphers/read.ts'
import { createCipher, placeCipher, replaceCipher } from '../../domain/ciphers/writes.ts'
import { notFound } from '../../domain/failure.ts'
import { bytesAtOnce } from '../../domain/vaults/pages.ts'
import { anyQuery } from '../../http/route.ts'
import { CipherAnswer, CiphersAnswer, cipherAnswer, ciphersAnswer, lastTypeFor } from './cipher-answers.ts'
import { CipherRequest, SomeIds } from './cipher-shapes.ts'
import { idsBody, removingOne, removingSome } from './removals.ts'
import { type BitwardenCaller, route, type Services } from './route.ts'
import { bySecret, proveSecret } from './secret.ts'
import { caseless } from './wire.ts'

const params = z.strictObject({ id: ItemId })

/** An item of the largest size, with what the server writes before it. */
const oneAnswer = limits.sealedBytes + 1024

/** What a list holds in memory at a time: texts of items, their text together, and its bytes. */
export const listAnswer = 3 * bytesAtOnce

/** An item has a field for each few hundred bytes. */
const itemBody = { values: 20_000 }

const reading = { auth: 'account', limit: 'read' } as const
const writing = { auth: 'account', limit: 'write' } as const

const readersOf = ({ accountId, client }: BitwardenCaller) => ({ accountId, lastType: lastTypeFor(client) })

const readAll = route({
  ...reading,
  method: 'get',
  path: bitwardenItemPaths.items,
  answerBytes: listAnswer,
  request: { query: anyQuery },
  success: { 200: CiphersAnswer },
  async handler({ caller }, services) {
    return { status: 200, body: ciphersAnswer(allCiphers(services, readersOf(caller)), services) }
  },
})

const { item, details, fullDetails } = bitwardenItemPaths

const readOne = [item, details, fullDetails].map((path) =>
  route({
    ...reading,
    method: 'get',
    path,
    answerBytes: oneAnswer,
    request: { query: anyQuery, params },
    success: { 200: CipherAnswer },
    async handler({ caller, params: { id } }, services) {
      const row = await services.store.read((reader) => getCipher(reader, caller, id))
      if (row.type > lastTypeFor(caller.client)) throw notFound()
      return { status: 200, body: cipherAnswer(row, services) }
    },
  }),
)

const create = route({
  ...writing,
  method: 'post',
  path: bitwardenItemPaths.items,
  bodyBounds: itemBody,
  answerBytes: oneAnswer,
  request: { query: anyQuery, body: CipherRequest },
  success: { 200: CipherAnswer },
  async handler({ caller, body }, services) {
    return { status: 200, body: cipherAnswer(await createCipher(services, caller, body), services) }
  },
})

/** The same in an envelope that can name collections, of which there are none. */
const clone = route({
  ...writing,
  method: 'post',
  path: bitwardenItemPaths.clone,
  bodyBounds: itemBody,
  answerBytes: oneAnswer,
  request: { query: anyQuery, body: caseless({ cipher: CipherRequest }) },
  success: { 200: CipherAnswer },
  async handler({ caller, body: { cipher } }, services) {
    return { status: 200, body: cipherAnswer(await createCipher(services, caller, cipher), services) }
  },
})

const methods = ['put', 'post'] as const

const replace = methods.map((method) =>
  route({
    ...writing,
    method,
    path: item,
    bodyBounds: itemBody,
    answerBytes: oneAnswer,
    request: { query: anyQuery, params, body: CipherRequest },
    success: { 200: CipherAnswer },
    async handler({ caller, params: { id }, body }, services) {
      return { status: 200, body: cipherAnswer(await replaceCipher(services, caller, id, body), services) }
    },
  }),
)

const place = methods.map((method) =>
  route({
    ...writing,
    method,
    path: bitwardenItemPaths.itemPlace,
    answerBytes: oneAnswer,
    request: {
      query: anyQuery,
      params,
      body: caseless({ folderId: FolderId.nullable().default(null), favorite: z.boolean().default(false) }),
    },
    success: { 200: CipherAnswer },
    async handler({ caller, params: { id }, body: { folderId, favorite } }, services) {
      const row = await placeCipher(services, caller, id, { folderId, isFavorite: favorite })
      return { status: 200, body: cipherAnswer(row, services) }
    },
  }),
)

/** Throws `not-found` if there is no such item. */
async function changeFateOf(services: Services, caller: BitwardenCaller, id: string, fate: Fate) {
  await changeFate(services, caller, [id], fate)
  return services.store.read((reader) => getCipher(reader, caller, id))
}

const trashOne = removingOne([['put', bitwardenItemPaths.itemDeletion]], ItemId, (services, caller, id) =>
  changeFateOf(services, caller, id, 'trash'),
)

const fatesOfOne = [
  ['restore', bitwardenItemPaths.itemRestoration],
  ['archive', bitwardenItemPaths.itemArchive],
  ['unarchive', bitwardenItemPaths.itemUnarchive],
] as const

const changeOne = fatesOfOne.map(([fate, path]) =>
  route({
    ...writing,
    method: 'put',
    path,
    answerBytes: oneAnswer,
    request: { query: anyQuery, params },
    success: { 200: CipherAnswer },
    async handler({ caller, params: { id } }, services) {
      return { status: 200, body: cipherAnswer(await changeFateOf(services, caller, id, fate), services) }
    },
  }),
)

const deletionsOfOne = [
  ['delete', item],
  ['post', bitwardenItemPaths.itemDeletion],
] as const

const deleteOne = removingOne(deletionsOfOne, ItemId, deleteCipher)

const trashSome = removingSome([['put', bitwardenItemPaths.deletion]], (services, caller, ids) =>
  changeFate(services, caller, ids, 'trash'),
)

const fatesOfSome = [
  ['restore', bitwardenItemPaths.restoration],
  ['archive', bitwardenItemPaths.archive],
  ['unarchive', bitwardenItemPaths.unarchive],
] as const

const changeSome = fatesOfSome.map(([fate, path]) =>
  route({
    ...writing,
    method: 'put',
    path,
    bodyBounds: idsBody,
    answerBytes: listAnswer,
    request: { query: anyQuery, body: SomeIds },
    success: { 200: CiphersAnswer },
    async handler({ caller, body: { ids } }, services) {
      await changeFate(services, caller, ids, fate)
      return { status: 200, body: ciphersAnswer(someCiphers(services, readersOf(caller), ids), services) }
    },
  }),
)

const deletionsOfSome = [
  ['delete', bitwardenItemPaths.items],
  ['post', bitwardenItemPaths.deletion],
] as const

const deleteSome = removingSome(deletionsOfSome, deleteCiphers)

const move = methods.map((method) =>
  route({
    ...writing,
    method,
    path: bitwardenItemPaths.move,
    bodyBounds: idsBody,
    request: {
      query: anyQuery,
      body: SomeIds.and(caseless({ folderId: FolderId.nullable().default(null) })),
    },
    success: { 200: null },
    async handler({ caller, body: { ids, folderId } }, services) {
      await moveCiphers(services, caller, ids, folderId)
      return { status: 200 }
    },
  }),
)

/** Of an organization there is nothing to purge. */
const purge = route({
  ...writing,
  limit: 'proof',
  method: 'post',
  path: bitwardenItemPaths.purge,
  request: {
    query: z.looseObject({ organizationId: z.undefined('This server has no organizations.').optional() }),
    body: bySecret.request.body,
  },
  success: { 200: null },
  async handler({ caller, body }, services) {
    await purgeCiphers(services, caller, await proveSecret(caller, body, services))
    return { status: 200 }
  },
})

// Paths of words before those with an id: the first one that fits answers.
export const cipherRoutes = [
  readAll,
  create,
  clone,
  ...trashSome,
  ...changeSome,
  ...deleteSome,
  ...move,
  purge,
  ...readOne,
  ...replace,
  ...place,
  ...trashOne,
  ...changeOne,
  ...deleteOne,
]
