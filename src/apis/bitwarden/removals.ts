// Routes that take items or folders away and answer nothing, each in all of its spellings.
import { z } from 'zod'
import type { FolderId, ItemId } from '../../contract/primitives.ts'
import { anyQuery } from '../../http/route.ts'
import { SomeIds } from './cipher-shapes.ts'
import { type BitwardenCaller, route, type Services } from './route.ts'

/** The ways in which clients say one thing: older ones by the path what newer ones say by the method. */
type Spellings = readonly (readonly [method: 'delete' | 'post' | 'put', path: `/${string}`])[]

type Removal<What> = (services: Services, caller: BitwardenCaller, what: What) => Promise<unknown>

const writing = { auth: 'account', limit: 'write' } as const

/** Some thousand ids. */
export const idsBody = { values: 20_100 }

/** @param Id of the one, which the paths have as `id` */
export const removingOne = (
  spellings: Spellings,
  Id: typeof ItemId | typeof FolderId,
  remove: Removal<string>,
) =>
  spellings.map(([method, path]) =>
    route({
      ...writing,
      method,
      path,
      request: { query: anyQuery, params: z.strictObject({ id: Id }) },
      success: { 200: null },
      async handler({ caller, params: { id } }, services) {
        await remove(services, caller, id)
        return { status: 200 }
      },
    }),
  )

export const removingSome = (spellings: Spellings, remove: Removal<readonly string[]>) =>
  spellings.map(([method, path]) =>
    route({
      ...writing,
      method,
      path,
      bodyBounds: idsBody,
      request: { query: anyQuery, body: SomeIds },
      success: { 200: null },
      async handler({ caller, body: { ids } }, services) {
        await remove(services, caller, ids)
        return { status: 200 }
      },
    }),
  )
