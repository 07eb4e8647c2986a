// SnapPass mode: the routes of SnapPass over one-time shares, for scripts that exist (docs/snappass.md). The server encrypts
// for them and sees the plaintext while it does; what it keeps is what it keeps of every share.
import { z } from 'zod'
import { snapPassPaths } from '../../contract/paths.ts'
import type { Visitor } from '../../domain/caller.ts'
import { Failure } from '../../domain/failure.ts'
import type { RateLimit } from '../../domain/rate-limits/budgets.ts'
import { type Api, createApi, type ErrorForm } from '../../http/api.ts'
import { form } from '../../http/form-body.ts'
import { Page } from '../../http/page.ts'
import { anyQuery, requestTarget, routeFor } from '../../http/route.ts'
import { gonePage, linkPage, previewPage, secretPage } from './pages.ts'
import { createSecret, isThere, revealSecret, type SecretServices } from './secrets.ts'
import { type Mistake, type Order, quoteToken, readFormOrder, readOrder, tokenAt, wantsJson } from './wire.ts'

export interface SnapPassServices extends SecretServices {
  /** The base of the links that are handed out, without a slash at the end. */
  readonly baseUrl: string
}

const route = routeFor<SnapPassServices, { visitor: Visitor }, RateLimit>([])

// ---- Requests and answers

const query = anyQuery
const target = requestTarget.transform(({ path }) => tokenAt(path))
const order = z.unknown().transform(readOrder)

/** Exact, as in Flask: Express would let a slash at the end pass. */
const exactly = (path: string) => new RegExp(`^${path}$`)

/** Media types as SnapPass sends them: scripts compare them as a whole. */
const [json, problemJson] = ['application/json', 'application/problem+json']

const Link = z.object({ link: z.string(), ttl: z.number() })

const SnapPassProblem = z.object({
  type: z.string(),
  title: z.string(),
  'invalid-params': z.array(z.object({ name: z.string(), reason: z.string().optional() })),
})

function requireOrder(given: Order | Mistake[]): Order {
  if (!Array.isArray(given)) return given
  throw new Failure('malformed-request', 'The password cannot be taken like this.', {
    errors: given.map(({ name, reason }) => ({ path: name, message: reason })),
  })
}

// ---- The routes

const setPassword = route({
  method: 'post',
  path: snapPassPaths.setPassword,
  pattern: exactly(snapPassPaths.setPassword),
  auth: 'visitor',
  limit: 'share',
  request: { query, body: order },
  success: { 200: Link },
  async handler({ body }, services) {
    const given = requireOrder(body)
    const link = `${services.baseUrl}/${quoteToken(await createSecret(services, given))}`
    return { status: 200, mediaType: json, body: { link, ttl: given.ttl } }
  },
})

/** Relative, so that it is right behind a prefix too. */
const addSlash = route({
  method: 'post',
  path: snapPassPaths.setPasswordWithoutSlash,
  pattern: exactly(snapPassPaths.setPasswordWithoutSlash),
  auth: 'visitor',
  limit: 'none',
  request: { query, target: requestTarget },
  success: { 308: null },
  headers: { 308: ['Location'] },
  handler: async ({ target: { search } }) => ({ status: 308, location: `set_password/${search}` }),
})

const create = route({
  method: 'post',
  path: snapPassPaths.passwords,
  pattern: exactly(snapPassPaths.passwords),
  auth: 'visitor',
  limit: 'share',
  request: { query, body: order },
  success: {
    200: z.object({
      token: z.string(),
      links: z.array(z.object({ rel: z.string(), href: z.string() })),
      ttl: z.number(),
    }),
    400: SnapPassProblem,
  },
  async handler({ body: given }, services) {
    const { baseUrl } = services
    if (Array.isArray(given)) {
      const type = `${baseUrl}/set-password-validation-error`
      const title = 'The password and/or the TTL are invalid.'
      return { status: 400, mediaType: problemJson, body: { type, title, 'invalid-params': given } }
    }
    const token = await createSecret(services, given)
    const links = [
      { rel: 'self', href: `${baseUrl}${snapPassPaths.passwords}/${quoteToken(token)}` },
      { rel: 'web-view', href: `${baseUrl}/${quoteToken(token)}` },
    ]
    return { status: 200, mediaType: json, body: { token, links, ttl: given.ttl } }
  },
})

const passwordPath = exactly(`${snapPassPaths.passwords}/[^/]+`)

/** HEAD is a route of its own: a GET reads. */
const check = route({
  method: 'head',
  path: snapPassPaths.password,
  pattern: passwordPath,
  auth: 'visitor',
  limit: 'read',
  request: { query, target },
  success: { 200: null, 404: null },
  handler: async ({ target }, services) => ({ status: (await isThere(services, target)) ? 200 : 404 }),
})

const retrieve = route({
  method: 'get',
  path: snapPassPaths.password,
  pattern: passwordPath,
  auth: 'visitor',
  limit: 'write',
  request: { query, target },
  success: { 200: z.object({ password: z.string() }), 404: SnapPassProblem },
  async handler({ caller, target }, services) {
    const password = await revealSecret(services, caller.address, target)
    if (password !== undefined) return { status: 200, mediaType: json, body: { password } }
    const type = `${services.baseUrl}/get-password-error`
    const title = "The password doesn't exist."
    const params = [{ name: 'token' }]
    return { status: 404, mediaType: problemJson, body: { type, title, 'invalid-params': params } }
  },
})

const submit = route({
  method: 'post',
  path: snapPassPaths.form,
  auth: 'visitor',
  limit: 'share',
  request: {
    query,
    headers: z.object({ accept: z.string().optional() }),
    body: form(z.record(z.string(), z.string()).transform(readFormOrder), { wrongType: 'malformed-request' }),
  },
  success: { 200: z.union([z.instanceof(Page), Link]) },
  async handler({ body, headers: { accept } }, services) {
    const given = requireOrder(body)
    const link = `${services.baseUrl}/${quoteToken(await createSecret(services, given))}`
    if (wantsJson(accept)) return { status: 200, mediaType: json, body: { link, ttl: given.ttl } }
    return { status: 200, body: linkPage(link) }
  },
})

/** Of a token with or without its key. */
const tokenPath = exactly('/snappass[\\da-f]{32}(?:(?:~|%(?:25)?7[Ee])[^/]*)?')

const preview = route({
  method: 'get',
  path: snapPassPaths.page,
  pattern: tokenPath,
  auth: 'visitor',
  limit: 'read',
  request: { query, target },
  success: { 200: z.instanceof(Page), 404: z.instanceof(Page) },
  handler: async ({ target }, services) =>
    (await isThere(services, target)) ? { status: 200, body: previewPage } : { status: 404, body: gonePage },
})

const show = route({
  method: 'post',
  path: snapPassPaths.page,
  pattern: tokenPath,
  auth: 'visitor',
  limit: 'write',
  request: { query, target },
  success: { 200: z.instanceof(Page), 404: z.instanceof(Page) },
  async handler({ caller, target }, services) {
    const password = await revealSecret(services, caller.address, target)
    return password === undefined
      ? { status: 404, body: gonePage }
      : { status: 200, body: secretPage(password) }
  },
})

const health = route({
  method: 'get',
  path: snapPassPaths.health,
  pattern: exactly(snapPassPaths.health),
  auth: 'visitor',
  limit: 'none',
  request: { query },
  success: { 200: z.object({}) },
  handler: async () => ({ status: 200, mediaType: json, body: {} }),
})

/** @param errorForm for all that SnapPass has no answer of its own for */
export const snappassApi = (services: SnapPassServices, errorForm: ErrorForm): Api =>
  createApi({
    routes: [submit, addSlash, setPassword, create, check, retrieve, health, preview, show],
    services,
    errorForm,
    // As Flask answers it.
    optionsStatus: 200,
    door: {
      authenticate: { visitor: async ({ address }) => ({ caller: { address }, rateLimitKey: address }) },
      count: services.limiter.count,
    },
  })
