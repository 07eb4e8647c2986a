// Limpet's own API: every route of the contract, and the contract itself.
import { z } from 'zod'
import { serverPaths } from '../../contract/paths.ts'
import { type Api, createApi } from '../../http/api.ts'
import { type OpenApi, openApiDocument } from '../../http/openapi.ts'
import { PreparedJson } from '../../http/prepared-json.ts'
import { version } from '../../version.ts'
import { contactRoutes } from './account-contact.ts'
import { deletionRoutes } from './account-deletion.ts'
import { accountRoutes } from './accounts.ts'
import { attachmentRoutes } from './attachments.ts'
import { auditLogRoutes } from './audit-log.ts'
import { sessionAuthenticators } from './authenticate-session.ts'
import { shareAuthenticators } from './authenticate-share.ts'
import { tokenAuthenticators } from './authenticate-token.ts'
import { emailRoutes } from './email.ts'
import { eventRoutes } from './events.ts'
import { itemRoutes } from './items.ts'
import { opaqueRoutes } from './opaque.ts'
import { problemsOf } from './problems.ts'
import { rotationRoutes } from './rotation.ts'
import { route, type Services } from './route.ts'
import { secondFactorRoutes } from './second-factors.ts'
import { security } from './security-schemes.ts'
import { serverRoutes } from './server.ts'
import { sessionRoutes } from './sessions.ts'
import { shareRoutes } from './shares.ts'
import { tokenRoutes } from './tokens.ts'
import { vaultRoutes } from './vaults.ts'

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
  ...auditLogRoutes,
  ...secondFactorRoutes,
  ...vaultRoutes,
  ...eventRoutes,
  ...itemRoutes,
  ...attachmentRoutes,
  ...rotationRoutes,
  ...tokenRoutes,
  ...shareRoutes,
  ...emailRoutes,
  ...deletionRoutes,
]

/** The OpenAPI document of every route there is. */
export const contract = (publicUrl: string): OpenApi =>
  openApiDocument(routes, { version, publicUrl, security })

export function limpetApi(services: Services): Api {
  const sessions = sessionAuthenticators(services)
  const { accountSharer, ...tokens } = tokenAuthenticators(services, sessions.session)
  return createApi({
    routes,
    services,
    errorForm: problemsOf(services.config.publicUrl),
    door: {
      authenticate: { ...sessions, ...tokens, ...shareAuthenticators(services, accountSharer) },
      count: services.limiter.count,
    },
  })
}
