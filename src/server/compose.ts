// The one place where everything is put together: configuration and store in, an Express application out.

import type { Express } from 'express'
import type { Logger } from 'pino'
import { z } from 'zod'
import { contactRoutes } from '../apis/limpet/account-contact.ts'
import { deletionRoutes } from '../apis/limpet/account-deletion.ts'
import { accountRoutes } from '../apis/limpet/accounts.ts'
import { eventRoutes } from '../apis/limpet/audit-log.ts'
import { sessionAuthenticators } from '../apis/limpet/authenticate-session.ts'
import { shareAuthenticators } from '../apis/limpet/authenticate-share.ts'
import { tokenAuthenticators } from '../apis/limpet/authenticate-token.ts'
import { emailRoutes } from '../apis/limpet/email.ts'
import { itemRoutes } from '../apis/limpet/items.ts'
import { opaqueRoutes } from '../apis/limpet/opaque.ts'
import { addReflection } from '../apis/limpet/reflection.ts'
import { route, type Services } from '../apis/limpet/route.ts'
import { secondFactorRoutes } from '../apis/limpet/second-factors.ts'
import { security } from '../apis/limpet/security-schemes.ts'
import { serverRoutes } from '../apis/limpet/server.ts'
import { sessionRoutes } from '../apis/limpet/sessions.ts'
import { shareRoutes } from '../apis/limpet/shares.ts'
import { tokenRoutes } from '../apis/limpet/tokens.ts'
import { vaultRoutes } from '../apis/limpet/vaults.ts'
import { addPages } from '../apis/pages/documentation.ts'
import { addEmailPages } from '../apis/pages/mail-links.ts'
import { addSharePages } from '../apis/pages/shares.ts'
import { addAssets } from '../apis/pages/shell.ts'
import { addSnapPass } from '../apis/snappass/routes.ts'
import { serverPaths } from '../contract/paths.ts'
import { mount } from '../http/mount.ts'
import { openApiDocument } from '../http/openapi.ts'
import { PreparedJson } from '../http/prepared-json.ts'
import { version } from '../version.ts'
import { createDomainServices, type DomainParts } from './domain-services.ts'
import { createMetrics, type Metrics } from './metrics.ts'

export interface Parts extends DomainParts {
  readonly logger: Logger
  readonly accepting: () => boolean
  /** How long bodies may take to arrive, if it is not the usual time. */
  readonly bodyMs?: number
}

/** The contract itself, as a route among the routes. */
const openApi = route({
  method: 'get',
  path: serverPaths.contract,
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
  const { config, logger, accepting, bodyMs } = parts
  /** Not made before somebody asks: it takes a tenth of what a start takes. */
  const document = () => contract(config.publicUrl)
  const services: Services = {
    ...(await createDomainServices(parts)),
    contract: new PreparedJson(document),
    accepting,
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
