// SnapPass mode: the routes of SnapPass over one-time shares, for scripts that exist (docs/snappass.md). The server encrypts
// for them and sees the plaintext while it does; what it keeps is what it keeps of every share.

import type { Express, Request, Response } from 'express'
import { snapPassPaths } from '../../contract/paths.ts'
import { Failure } from '../../domain/failure.ts'
import { addressKey } from '../../domain/rate-limits/address-key.ts'
import { readBytes, readJsonBody, usualBody } from '../../http/body.ts'
import { nameRoute } from '../../http/page-route.ts'
import type { Services } from '../limpet/route.ts'
import { gonePage, linkPage, previewPage, secretPage, sendSnapPassPage } from './pages.ts'
import { isThere, keep, take } from './secrets.ts'
import { type Mistake, type Order, quoteToken, readFormOrder, readOrder, tokenAt, wantsJson } from './wire.ts'

/** What a handler is given beside the request: the services, and the base of the links. */
interface Context {
  readonly services: Services
  readonly baseUrl: string
}

type Handler = (req: Request, res: Response, context: Context) => Promise<unknown>

interface SnapPassRoute {
  /** What the log calls it. */
  readonly name: string
  /** Exact, as in Flask: Express would let a slash at the end pass. */
  readonly path: RegExp
  readonly methods: Readonly<Record<string, Handler>>
  /** Methods that something else answers here. */
  readonly others?: readonly string[]
}

// ---- Requests and answers

const addressOf = (req: Request) => addressKey(req.ip ?? '')

const malformed = (mistakes: readonly Mistake[]) =>
  new Failure('malformed-request', 'The password cannot be taken like this.', {
    errors: mistakes.map(({ name, reason }) => ({ path: name, message: reason })),
  })

function requireOrder(order: Order | Mistake[]): Order {
  if (Array.isArray(order)) throw malformed(order)
  return order
}

/** Reads a form, in either of the two encodings that forms have. */
async function readForm(req: Request, res: Response): Promise<FormData> {
  const body = await readBytes(req, res, usualBody)
  const headers = { 'Content-Type': req.headers['content-type'] ?? '' }
  try {
    return await new globalThis.Response(body ? new Uint8Array(body) : null, { headers }).formData()
  } catch {
    const reason = 'Send "Content-Type: application/x-www-form-urlencoded" with fields password and ttl.'
    throw malformed([{ name: 'body', reason }])
  }
}

/** Media types as SnapPass sends them: scripts compare them as a whole. */
function sendJson(res: Response, status: number, body: object, type = 'application/json') {
  const text = JSON.stringify(body)
  res.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) }).end(text)
}

function sendProblem(
  res: Response,
  status: number,
  { type, title, params }: { type: string; title: string; params: readonly object[] },
) {
  sendJson(res, status, { type, title, 'invalid-params': params }, 'application/problem+json')
}

// ---- The routes

const setPassword: Handler = async (req, res, { services, baseUrl }) => {
  await services.limiter.count('share', addressOf(req))
  const order = requireOrder(readOrder(await readJsonBody(req, res, usualBody)))
  const token = await keep(services, order)
  sendJson(res, 200, { link: `${baseUrl}/${quoteToken(token)}`, ttl: order.ttl })
}

/** Relative, so that it is right behind a prefix too. */
const addSlash: Handler = async (req, res) => {
  const [, query] = req.originalUrl.split(/(?=\?)/)
  res.writeHead(308, { Location: `set_password/${query ?? ''}` }).end()
}

const create: Handler = async (req, res, { services, baseUrl }) => {
  await services.limiter.count('share', addressOf(req))
  const order = readOrder(await readJsonBody(req, res, usualBody))
  if (Array.isArray(order)) {
    const title = 'The password and/or the TTL are invalid.'
    return sendProblem(res, 400, { type: `${baseUrl}/set-password-validation-error`, title, params: order })
  }
  const token = await keep(services, order)
  const links = [
    { rel: 'self', href: `${baseUrl}/api/v2/passwords/${quoteToken(token)}` },
    { rel: 'web-view', href: `${baseUrl}/${quoteToken(token)}` },
  ]
  return sendJson(res, 200, { token, links, ttl: order.ttl })
}

const check: Handler = async (req, res, { services }) => {
  await services.limiter.count('read', addressOf(req))
  res.writeHead((await isThere(services, tokenAt(req.path))) ? 200 : 404).end()
}

const retrieve: Handler = async (req, res, { services, baseUrl }) => {
  await services.limiter.count('write', addressOf(req))
  const password = await take(services, addressOf(req), tokenAt(req.path))
  if (password !== undefined) return sendJson(res, 200, { password })
  const title = "The password doesn't exist."
  return sendProblem(res, 404, { type: `${baseUrl}/get-password-error`, title, params: [{ name: 'token' }] })
}

const submit: Handler = async (req, res, { services, baseUrl }) => {
  await services.limiter.count('share', addressOf(req))
  const order = requireOrder(readFormOrder(await readForm(req, res)))
  const link = `${baseUrl}/${quoteToken(await keep(services, order))}`
  return wantsJson(req.headers.accept)
    ? sendJson(res, 200, { link, ttl: order.ttl })
    : sendSnapPassPage(res, 200, linkPage(link))
}

const preview: Handler = async (req, res, { services }) => {
  await services.limiter.count('read', addressOf(req))
  if (await isThere(services, tokenAt(req.path)))
    sendSnapPassPage(res, 200, previewPage, { 'form-action': "'self'" })
  else sendSnapPassPage(res, 404, gonePage)
}

const show: Handler = async (req, res, { services }) => {
  await services.limiter.count('write', addressOf(req))
  const password = await take(services, addressOf(req), tokenAt(req.path))
  if (password === undefined) sendSnapPassPage(res, 404, gonePage)
  else sendSnapPassPage(res, 200, secretPage(password))
}

const health: Handler = async (_req, res) => sendJson(res, 200, {})

// HEAD is always its own: Express would answer it as a GET, which reads.
const routes: readonly SnapPassRoute[] = [
  { name: snapPassPaths.form, path: /^\/$/, methods: { POST: submit }, others: ['GET', 'HEAD'] },
  { name: snapPassPaths.setPasswordWithoutSlash, path: /^\/api\/set_password$/, methods: { POST: addSlash } },
  { name: snapPassPaths.setPassword, path: /^\/api\/set_password\/$/, methods: { POST: setPassword } },
  { name: snapPassPaths.passwords, path: /^\/api\/v2\/passwords$/, methods: { POST: create } },
  {
    name: snapPassPaths.password,
    path: /^\/api\/v2\/passwords\/[^/]+$/,
    methods: { HEAD: check, GET: retrieve },
  },
  { name: snapPassPaths.health, path: /^\/_\/_\/health$/, methods: { GET: health, HEAD: health } },
  {
    name: snapPassPaths.page,
    path: /^\/snappass[\da-f]{32}(?:(?:~|%(?:25)?7[Ee])[^/]*)?$/,
    methods: { GET: preview, HEAD: preview, POST: show },
  },
]

/** Adds the routes where the configuration asks for them. */
export function addSnapPass(app: Express, services: Services) {
  const { snappass } = services.config
  if (!snappass) return
  const context = { services, baseUrl: snappass.baseUrl }
  for (const { name, path, methods, others = [] } of routes) {
    nameRoute(app, name)
    app.all(path, async (req, res, next) => {
      if (others.includes(req.method)) return next()
      res.locals.route = name
      const handler = methods[req.method]
      if (handler) return void (await handler(req, res, context))
      const allow = [...others, ...Object.keys(methods), 'OPTIONS'].join(', ')
      res.setHeader('Allow', allow)
      if (req.method === 'OPTIONS') return void res.writeHead(200).end()
      throw new Failure('method-not-allowed', `${req.method} does not work here; ${allow} does.`)
    })
  }
}
