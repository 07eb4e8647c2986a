// The pages for people, and what they load. GET and HEAD, for everybody.
import { z } from 'zod'
import { pagePaths } from '../../contract/paths.ts'
import { type Api, createApi, type ErrorForm } from '../../http/api.ts'
import { Asset } from '../../http/asset.ts'
import { Page } from '../../http/page.ts'
import { anyQuery } from '../../http/route.ts'
import { connectorRoutes } from './connectors.ts'
import { documentationPage } from './documentation.ts'
import { mailLinkRoutes } from './mail-links.ts'
import { stylesheet } from './plain-page.ts'
import { problemPage } from './problems.ts'
import { forEverybody, type PageServices, route } from './route.ts'
import { shareRoutes } from './shares.ts'
import { assetRoutes } from './shell.ts'

/** Of each server's contract; made at the first request for it. */
const documentationPages = new WeakMap<PageServices, Page>()

const documentation = route({
  ...forEverybody,
  path: pagePaths.documentation,
  request: { query: anyQuery },
  success: { 200: z.instanceof(Page) },
  async handler(_request, services) {
    const page = documentationPages.get(services) ?? documentationPage(services.document())
    documentationPages.set(services, page)
    return { status: 200, body: page }
  },
})

const style = route({
  ...forEverybody,
  path: pagePaths.stylesheet,
  request: { query: anyQuery },
  success: { 200: z.instanceof(Asset) },
  handler: async () => ({ status: 200, body: stylesheet }),
})

const problem = route({
  ...forEverybody,
  path: pagePaths.problem,
  request: { query: anyQuery, params: z.object({ code: z.string() }) },
  success: { 200: z.instanceof(Page) },
  handler: async ({ params: { code } }) => ({ status: 200, body: problemPage(code) }),
})

export const pagesApi = (services: PageServices, errorForm: ErrorForm): Api =>
  createApi({
    routes: [
      ...shareRoutes,
      ...mailLinkRoutes,
      ...(services.bitwarden ? connectorRoutes : []),
      documentation,
      style,
      problem,
      ...assetRoutes,
    ],
    services,
    errorForm,
    door: {
      authenticate: { public: async ({ address }) => ({ caller: undefined, rateLimitKey: address }) },
      count: async () => {},
    },
  })
