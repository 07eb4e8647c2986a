// The one place where everything is put together: configuration and store in, an Express application out.
import type { Express } from 'express'
import type { Logger } from 'pino'
import { z } from 'zod'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import { contactRoutes } from './features/accounts/contact-routes.ts'
import { deletionRoutes } from './features/accounts/deletion-routes.ts'
import { createPasswordHasher } from './features/accounts/password-hasher.ts'
import { accountRoutes } from './features/accounts/routes.ts'
import { addEmailPages } from './features/email/pages.ts'
import { emailRoutes } from './features/email/routes.ts'
import { failedLoginsOver } from './features/events/failed-logins.ts'
import { eventRoutes } from './features/events/routes.ts'
import { startedLoginsOver } from './features/events/started-logins.ts'
import type { ServerKeys } from './features/keys.ts'
import { createMetrics, type Metrics } from './features/metrics/metrics.ts'
import type { OpaqueServer } from './features/opaque/opaque.ts'
import { opaqueRoutes } from './features/opaque/routes.ts'
import { addAssets } from './features/pages/shell.ts'
import type { Postponed } from './features/postponed.ts'
import { route, type Services } from './features/route.ts'
import { secondFactorRoutes } from './features/second-factors/routes.ts'
import { security } from './features/security.ts'
import { addReflection } from './features/server/reflection.ts'
import { serverRoutes } from './features/server/routes.ts'
import { sessionAuthenticators } from './features/sessions/authenticate.ts'
import { createLiveness } from './features/sessions/liveness.ts'
import { sessionRoutes } from './features/sessions/routes.ts'
import { shareAuthenticators } from './features/shares/authenticate.ts'
import { addSharePages } from './features/shares/pages.ts'
import { shareRoutes } from './features/shares/routes.ts'
import { addSnapPass } from './features/shares/snappass.ts'
import { tokenAuthenticators } from './features/tokens/authenticate.ts'
import { tokenRoutes } from './features/tokens/routes.ts'
import { itemRoutes } from './features/vaults/item-routes.ts'
import { vaultRoutes } from './features/vaults/routes.ts'
import { countWrongTokens } from './features/wrong-tokens.ts'
import { mount } from './http/mount.ts'
import { openApiDocument } from './http/openapi.ts'
import { addPages } from './http/pages.ts'
import { PreparedJson } from './http/prepared-json.ts'
import type { RateLimiter } from './http/rate-limit.ts'
import type { Random } from './random.ts'
import type { Store } from './store/store.ts'
import { version } from './version.ts'

export interface Parts {
  readonly config: Config
  readonly keys: ServerKeys
  readonly opaque: OpaqueServer
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly postponed: Postponed
  readonly accepting: () => boolean
  /** How long bodies may take to arrive, if it is not the usual time. */
  readonly bodyMs?: number
  readonly limiter: RateLimiter
}

/** The contract itself, as a route among the routes. */
const openApi = route({
  method: 'get',
  path: '/api/v1/openapi.json',
  operationId: 'getContract',
  tag: 'Server',
  summary: 'This contract as an OpenAPI 3.1 document',
  description: 'Made from the same declarations that check the requests.',
  auth: 'public',
  limit: 'read',
  request: {},
  success: {
    200: z.instanceof(PreparedJson).meta({
      id: 'OpenApiDocument',
      override: {
        type: 'object',
        description: 'An OpenAPI 3.1 document',
        properties: { openapi: { type: 'string' } },
        required: ['openapi'],
        additionalProperties: {},
      },
    }),
  },
  problems: [],
  async handler(_request, { contract }) {
    return { status: 200, body: contract }
  },
})

const routes = [
  ...serverRoutes,
  openApi,
  ...accountRoutes,
  ...contactRoutes,
  ...opaqueRoutes,
  ...sessionRoutes,
  ...eventRoutes,
  ...secondFactorRoutes,
  ...vaultRoutes,
  ...itemRoutes,
  ...tokenRoutes,
  ...shareRoutes,
  ...emailRoutes,
  ...deletionRoutes,
]

/** The OpenAPI document of every route there is. */
export const contract = (publicUrl: string): ReturnType<typeof openApiDocument> =>
  openApiDocument(routes, { version, publicUrl, security })

/** @returns the application, and what it tells of itself */
export async function createApp(parts: Parts): Promise<{ app: Express; metrics: Metrics }> {
  const { config, keys, opaque, store, clock, random, logger, postponed, accepting, limiter, bodyMs } = parts
  const document = contract(config.publicUrl)
  const services: Services = {
    config,
    contract: new PreparedJson(document),
    store,
    clock,
    random,
    accepting,
    keys,
    postponed,
    failedLogins: failedLoginsOver(postponed, store),
    startedLogins: startedLoginsOver(postponed, store),
    passwordHasher: await createPasswordHasher(),
    opaque,
    liveness: createLiveness(store, clock),
    limiter,
    wrongTokens: countWrongTokens(limiter),
  }
  const sessions = sessionAuthenticators(services)
  const { accountSharer, ...tokens } = tokenAuthenticators(services, sessions.session)
  const door = {
    authenticate: { ...sessions, ...tokens, ...shareAuthenticators(services, accountSharer) },
    count: services.limiter.count,
  }
  const metrics = createMetrics(services)
  const app = mount(routes, services, door, {
    publicUrl: config.publicUrl,
    trustProxy: config.trustProxy,
    logger,
    bodyMs,
    observe: metrics.observe,
    pages: (app) => {
      addSnapPass(app, services)
      addSharePages(app, config)
      addEmailPages(app)
      addReflection(app, services)
      addAssets(app)
      addPages(app, document)
    },
  })
  return { app, metrics }
}
