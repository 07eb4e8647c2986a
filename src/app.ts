// The one place where everything is put together: configuration and store in, an Express application out.
import type { Express } from 'express'
import type { Logger } from 'pino'
import { z } from 'zod'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import { createPasswordHasher } from './features/accounts/password-hasher.ts'
import { accountRoutes } from './features/accounts/routes.ts'
import { deriveServerKeys } from './features/keys.ts'
import { route, type Services } from './features/route.ts'
import { serverRoutes } from './features/server/routes.ts'
import { authenticators } from './features/sessions/authenticate.ts'
import { createLiveness } from './features/sessions/liveness.ts'
import { sessionRoutes } from './features/sessions/routes.ts'
import { itemRoutes } from './features/vaults/item-routes.ts'
import { vaultRoutes } from './features/vaults/routes.ts'
import { mount } from './http/mount.ts'
import { openApiDocument } from './http/openapi.ts'
import { addPages } from './http/pages.ts'
import { memoryRateLimiter, noRateLimiter } from './http/rate-limit.ts'
import type { Random } from './random.ts'
import type { Store } from './store/store.ts'
import { version } from './version.ts'

export interface Parts {
  readonly config: Config
  /** Of 32 bytes or more. */
  readonly jwtSecret: string
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly accepting: () => boolean
}

/** The contract itself, as a route among the routes. */
const openApi = route({
  method: 'get',
  path: '/api/v1/openapi.json',
  tag: 'Server',
  summary: 'This contract as an OpenAPI 3.1 document',
  auth: 'public',
  limit: 'read',
  request: {},
  success: { 200: z.looseObject({ openapi: z.string() }).meta({ description: 'An OpenAPI 3.1 document' }) },
  problems: [],
  async handler(_request, { config }) {
    return { status: 200, body: { ...contract(config.publicUrl) } }
  },
})

const routes = [...serverRoutes, openApi, ...accountRoutes, ...sessionRoutes, ...vaultRoutes, ...itemRoutes]

/** The OpenAPI document of every route there is. */
export const contract = (publicUrl: string): ReturnType<typeof openApiDocument> =>
  openApiDocument(routes, { version, publicUrl })

export async function createApp(parts: Parts): Promise<Express> {
  const { config, jwtSecret, store, clock, random, logger, accepting } = parts
  const services: Services = {
    config,
    store,
    clock,
    random,
    accepting,
    keys: deriveServerKeys(jwtSecret),
    passwordHasher: await createPasswordHasher(),
    liveness: createLiveness(store, clock),
  }
  const door = {
    authenticate: authenticators(services),
    count: config.rateLimits ? memoryRateLimiter() : noRateLimiter,
  }
  return mount(routes, services, door, {
    publicUrl: config.publicUrl,
    trustProxy: config.trustProxy,
    logger,
    pages: (app) => addPages(app, contract(config.publicUrl)),
  })
}
