// What a request looks like from here, for `limpet-server doctor`: whose address is seen through the proxies in front. No part of
// the contract, and for the operator alone: a stranger who could ask it would learn which forged headers work.
import type { z } from 'zod'
import type { Clock } from '../../clock.ts'
import { operatorPaths } from '../../contract/paths.ts'
import { notFound } from '../../domain/failure.ts'
import { isReflectionToken, Reflection, reflectionHeader } from '../../domain/reflection.ts'
import type { ServerKeys } from '../../domain/server-keys.ts'
import { type Api, createApi, type ErrorForm } from '../../http/api.ts'
import { type RawRequest, routeFor } from '../../http/route.ts'

interface Callers {
  /** A caller who has the secrets of the server; the caller is what its request looks like. */
  operator: z.input<typeof Reflection>
}

const reflection = routeFor<unknown, Callers, never>([])({
  method: 'get',
  path: operatorPaths.reflection,
  auth: 'operator',
  limit: 'none',
  request: {},
  success: { 200: Reflection },
  handler: async ({ caller }) => ({ status: 200, body: caller }),
})

/** @param errorForm that of paths that do not exist: to everybody else this is one of them */
export const reflectionApi = (
  { clock, keys }: { clock: Clock; keys: Pick<ServerKeys, 'reflections'> },
  errorForm: ErrorForm,
): Api =>
  createApi({
    routes: [reflection],
    services: undefined,
    errorForm,
    door: {
      authenticate: {
        async operator({ address: rateLimitKey, headers, ip, peer }: RawRequest) {
          const token = headers[reflectionHeader.toLowerCase()]
          if (typeof token !== 'string' || !isReflectionToken(keys.reflections, token, clock.now()))
            throw notFound()
          const forwardedFor = headers['x-forwarded-for']
          const caller = { address: ip, peer, forwardedFor: [forwardedFor].flat().join(', ') || null }
          return { caller, rateLimitKey }
        },
      },
      count: async () => {},
    },
  })
