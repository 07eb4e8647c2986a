// Items over HTTP: list, create, read, replace, trash, purge, restore, and the versions that were replaced.

import { z } from 'zod'
import { itemPaths, pathTo } from '../../contract/paths.ts'
import { Cursor, Flag, ItemId, PageLimit, VaultId } from '../../contract/primitives.ts'
import { CreateItem, Item, ItemPage, ItemVersions, ReplaceItem } from '../../contract/vaults.ts'
import { fromBase64url } from '../../domain/encoding.ts'
import { Failure, notFound } from '../../domain/failure.ts'
import { createItem, type ItemOutcome, writeItem } from '../../domain/vaults/item-writes.ts'
import { getItem, listItems } from '../../domain/vaults/items.ts'
import { type ItemRow, isStored } from '../../domain/vaults/rows.ts'
import { listVersions } from '../../domain/vaults/versions.ts'
import { jsonStreamOf } from '../../http/json-text.ts'
import { OptionalPrecondition, RequiredPrecondition } from '../../http/precondition.ts'
import { oneAnswer, pageAnswer, streamedAnswer } from './answer-sizes.ts'
import { keyChangedFailure } from './key-failures.ts'
import { decodeListCursor, encodeListCursor, VersionPositionText } from './list-cursors.ts'
import { route } from './route.ts'
import { itemsAnswer, toItem, toItemState, toItemVersion } from './vault-shapes.ts'

const tag = 'Items'

const vaultParams = z.strictObject({ vaultId: VaultId })
const itemParams = z.strictObject({ vaultId: VaultId, itemId: ItemId })

/** The row that a write left behind. Throws `revision-conflict` and `key-changed`. */
function writtenRow(outcome: ItemOutcome): ItemRow {
  if (outcome.kind === 'written') return outcome.row
  if (outcome.kind === 'key-changed') throw keyChangedFailure(outcome)
  const { current } = outcome
  throw new Failure('revision-conflict', `The item is at revision ${current.revision}.`, {
    current: toItemState(current),
  })
}

function writtenItem(outcome: ItemOutcome): Item {
  const row = writtenRow(outcome)
  if (!isStored(row)) throw notFound()
  return toItem(row)
}

const itemPath = ({ vaultId, id }: Item) => pathTo(itemPaths.item, { vaultId, itemId: id })

const list = route({
  method: 'get',
  path: itemPaths.items,
  operationId: 'listItems',
  tag,
  summary: 'The items of a vault, or of its trash, by id',
  description: 'To follow a vault use its changes.',
  auth: 'reader',
  limit: 'read',
  answerBytes: streamedAnswer,
  request: {
    params: vaultParams,
    query: z.strictObject({
      state: z.enum(['active', 'trash']).default('active'),
      limit: PageLimit,
      cursor: Cursor.optional(),
    }),
  },
  success: { 200: jsonStreamOf(ItemPage) },
  problems: ['not-found'],
  async handler({ caller, params: { vaultId }, query: { state, limit, cursor } }, services) {
    const after = decodeListCursor(cursor, ItemId)
    const page = await listItems(services, caller, vaultId, { state, limit, after })
    const body = itemsAnswer(vaultId, page, ({ last, more }) => ({
      nextCursor: more && last ? encodeListCursor(last[0]) : null,
    }))
    return { status: 200, body }
  },
})

const create = route({
  method: 'post',
  path: itemPaths.items,
  operationId: 'createItem',
  tag,
  summary: 'Create an item',
  description: 'The same id and data again is 200 and changes nothing.',
  auth: 'writer',
  limit: 'write',
  answerBytes: oneAnswer,
  request: { params: vaultParams, body: CreateItem },
  success: { 200: Item, 201: Item },
  headers: { 200: ['ETag'], 201: ['ETag', 'Location'] },
  problems: ['not-found', 'id-taken', 'key-changed', 'attachment-missing', 'quota-exceeded'],
  async handler({ caller, params: { vaultId }, body: { id, data, ...rest } }, services) {
    const wanted = { id: id ?? services.random.uuid(), data: fromBase64url(data), ...rest }
    const outcome = await createItem(services, caller, vaultId, wanted)
    if (outcome.kind === 'key-changed') throw keyChangedFailure(outcome)
    const [body, etag] = [toItem(outcome.item), outcome.item.revision]
    return outcome.kind === 'created'
      ? { status: 201, body, etag, location: itemPath(body) }
      : { status: 200, body, etag }
  },
})

const read = route({
  method: 'get',
  path: itemPaths.item,
  operationId: 'getItem',
  tag,
  summary: 'One item, in the trash or not',
  description: 'With If-None-Match the answer is 304 if the item is still at that revision.',
  auth: 'reader',
  limit: 'read',
  answerBytes: oneAnswer,
  request: { params: itemParams },
  success: { 200: Item, 304: null },
  headers: { 200: ['ETag'], 304: ['ETag'] },
  problems: ['not-found'],
  async handler({ caller, params }, { store }) {
    const item = await store.read((reader) => getItem(reader, caller, params))
    return { status: 200, body: toItem(item), etag: item.revision }
  },
})

const replace = route({
  method: 'put',
  path: itemPaths.item,
  operationId: 'putItem',
  tag,
  summary: 'Create or replace one encrypted item',
  description:
    'With If-Match only if the item is still at that revision, with If-None-Match: * only if there never was one. The replaced version is kept. An item that was deleted for good is created again with If-Match and the revision of its tombstone.',
  auth: 'writer',
  limit: 'write',
  answerBytes: oneAnswer,
  request: { params: itemParams, body: ReplaceItem, precondition: RequiredPrecondition },
  success: { 200: Item, 201: Item },
  headers: { 200: ['ETag'], 201: ['ETag', 'Location'] },
  problems: ['not-found', 'revision-conflict', 'key-changed', 'attachment-missing', 'quota-exceeded'],
  async handler({ caller, params: { vaultId, itemId }, body, precondition: expected }, services) {
    const data = fromBase64url(body.data)
    const put = { ...body, op: 'put', id: itemId, data, expected } as const
    const item = writtenItem(await writeItem(services, caller, vaultId, put))
    return expected === 'nothing'
      ? { status: 201, body: item, etag: item.revision, location: itemPath(item) }
      : { status: 200, body: item, etag: item.revision }
  },
})

const remove = route({
  method: 'delete',
  path: itemPaths.item,
  operationId: 'deleteItem',
  tag,
  summary: 'Move an item to the trash, or delete it for good',
  description:
    'To the trash: 200 with the item, and again 200 without a change. With ?permanent=true: 204, also out of the trash; only a tombstone stays, for sync.',
  auth: 'writer',
  limit: 'write',
  answerBytes: oneAnswer,
  request: {
    params: itemParams,
    query: z.strictObject({
      permanent: Flag,
    }),
    precondition: OptionalPrecondition,
  },
  success: { 200: Item, 204: null },
  headers: { 200: ['ETag'] },
  problems: ['not-found', 'revision-conflict'],
  async handler({ caller, params: { vaultId, itemId }, query: { permanent }, precondition }, services) {
    const op = permanent ? 'purge' : 'trash'
    const expected = precondition ?? 'anything'
    const outcome = await writeItem(services, caller, vaultId, { op, id: itemId, expected })
    if (op === 'purge') {
      writtenRow(outcome)
      return { status: 204 }
    }
    const item = writtenItem(outcome)
    return { status: 200, body: item, etag: item.revision }
  },
})

const restore = route({
  method: 'post',
  path: itemPaths.restore,
  operationId: 'restoreItem',
  tag,
  summary: 'Take an item out of the trash',
  description: 'Again is 200 without a change.',
  auth: 'writer',
  limit: 'write',
  answerBytes: oneAnswer,
  request: { params: itemParams, precondition: OptionalPrecondition },
  success: { 200: Item },
  headers: { 200: ['ETag'] },
  problems: ['not-found', 'revision-conflict'],
  async handler({ caller, params: { vaultId, itemId }, precondition }, services) {
    const expected = precondition ?? 'anything'
    const item = writtenItem(
      await writeItem(services, caller, vaultId, { op: 'restore', id: itemId, expected }),
    )
    return { status: 200, body: item, etag: item.revision }
  },
})

const versions = route({
  method: 'get',
  path: itemPaths.versions,
  operationId: 'listItemVersions',
  tag,
  summary: 'The versions of an item that were replaced, newest first',
  description:
    'They are kept for as long as `limits` of `GET /api/v1/server` says. A page ends at `limit` versions or at `pageBytes`.',
  auth: 'reader',
  limit: 'read',
  answerBytes: pageAnswer,
  request: {
    params: itemParams,
    query: z.strictObject({ limit: PageLimit, cursor: Cursor.optional() }),
  },
  success: { 200: ItemVersions },
  problems: ['not-found'],
  async handler({ caller, params, query: { limit, cursor } }, { clock, store }) {
    const before = decodeListCursor(cursor, VersionPositionText)
    const { rows, more } = await store.read((reader) =>
      listVersions(reader, caller, params, { limit, before, now: clock.now() }),
    )
    const last = rows.at(-1)
    return {
      status: 200,
      body: {
        versions: rows.map(toItemVersion),
        nextCursor: more && last ? encodeListCursor(String(last.revision)) : null,
      },
    }
  },
})

export const itemRoutes = [list, create, read, replace, remove, restore, versions]
