// Serves APIs side by side on Express: requests in, answers and failures out, HEAD as GET, OPTIONS, and 405 with Allow for every
// other method.
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express'
import type { Logger } from 'pino'
import { seconds } from '../clock.ts'
import { Failure, notFound, PassingFailure } from '../domain/failure.ts'
import { type Api, type ErrorForm, sendFailure } from './api.ts'
import { abandonBody, type BodyBounds, type BodyKind, ClientGone } from './body.ts'
import { commonHeaders } from './common-headers.ts'
import { Content, jsonType, type Sending, sendWhole } from './content.ts'
import { requireClearFraming } from './framing.ts'
import { createHeartbeat } from './heartbeat.ts'
import { entityTag, isNotModified } from './precondition.ts'
import { type AnsweredRequest, beginWaiting, requestIdOf, requestLog, safeError } from './request-log.ts'
import { createRoom, type Room } from './room.ts'
import type { RawRequest, RouteAnswer } from './route.ts'
import { announcesBody, closeUnlessRead } from './unread-body.ts'

/** How addresses of the network are read and counted. */
interface Addresses {
  /** An address without the port that some proxies write behind it. */
  withoutPort(address: string): string
  /** The key under which requests from an address are counted. */
  keyOf(address: string): string
}

export interface RouterOptions {
  /** For paths of no API, and for what is wrong before a path is known. */
  readonly errorForm: ErrorForm
  readonly addresses: Addresses
  /** Networks whose X-Forwarded-For counts. */
  readonly trustProxy: string[]
  readonly logger: Logger
  /** Told of every request once it was answered or its client has gone. */
  observe(request: AnsweredRequest): void
  /** How long bodies may take to arrive, if it is another time than `defaultBody` says, in milliseconds. */
  readonly bodyMs?: number | undefined
  /** How often a stream of events shows that it lives, in milliseconds. */
  readonly heartbeatMs?: number | undefined
  /** Aborted when the server is about to close its connections: streams of events end with it. */
  readonly ending: AbortSignal
}

/** Less than the time after which the server, and most proxies, close a connection on which nothing moves. */
const defaultHeartbeatMs = seconds(25)

/** Clients of Bitwarden's hubs close after 30 seconds in which nothing came. */
const socketHeartbeatMs = seconds(15)

/** `/a/{b}` as OpenAPI has it → `/a/:b` as Express has it. */
const expressPath = (path: string) => path.replaceAll(/\{(\w+)\}/g, ':$1')

/** Takes the ports out of `X-Forwarded-For`: with one, no address is that of a trusted proxy, and each port is another client. */
const withoutPorts =
  ({ withoutPort }: Addresses): RequestHandler =>
  ({ headers }, _res, next) => {
    const forwarded = headers['x-forwarded-for']
    if (typeof forwarded === 'string')
      headers['x-forwarded-for'] = forwarded
        .split(',')
        .map((address) => withoutPort(address.trim()))
        .join(', ')
    next()
  }

/** A request header that may be sent once: `requireClearFraming` refuses some, others Node joins with commas, which no parser here accepts. */
const header = (req: Request, name: string): string | undefined => req.get(name)

/** What every request of a router is handled with. */
interface Handling {
  readonly options: RouterOptions
  readonly room: Room
  readonly sending: Sending
}

/** A request as routes see it. Most routes look at a few members only, so each is read when it is asked for. */
class Incoming implements RawRequest {
  readonly #req: Request
  readonly #res: Response
  readonly #handling: Handling

  constructor(req: Request, res: Response, handling: Handling) {
    this.#req = req
    this.#res = res
    this.#handling = handling
  }

  get authorization() {
    return header(this.#req, 'authorization')
  }
  get address() {
    return this.#handling.options.addresses.keyOf(this.ip)
  }
  get ip() {
    return this.#req.ip ?? ''
  }
  get peer() {
    return this.#req.socket.remoteAddress ?? ''
  }
  get params() {
    return this.#req.params
  }
  get query() {
    return this.#req.query
  }
  get headers() {
    return this.#req.headers
  }
  get target() {
    const [, search = ''] = this.#req.originalUrl.split(/(?=\?)/)
    return { path: this.#req.path, search }
  }
  get ifMatch() {
    return header(this.#req, 'if-match')
  }
  get ifNoneMatch() {
    return header(this.#req, 'if-none-match')
  }

  get client() {
    const { address } = this
    const res = this.#res
    return {
      address,
      get gone() {
        const gone = new AbortController()
        res.once('close', () => gone.abort())
        if (res.closed) gone.abort()
        return gone.signal
      },
    }
  }

  async waiting(wait: () => Promise<void>) {
    const end = beginWaiting(this.#res)
    await wait().finally(end)
    if (this.#res.closed) throw new ClientGone()
  }

  async reserve(key: string, bodyBytes: number, answerBytes: number) {
    const { room } = this.#handling
    const announced = Number(this.#req.headers['content-length'] ?? bodyBytes)
    const release = await room.take(key, Math.min(announced, bodyBytes) + answerBytes, () =>
      this.#res.destroy(),
    )
    this.#res.once('close', release)
    if (this.#res.closed) {
      release()
      throw new ClientGone()
    }
  }

  body(kind: BodyKind, bounds: BodyBounds) {
    const { bodyMs } = this.#handling.options
    const exchange = { req: this.#req, res: this.#res }
    return kind.read(exchange, bodyMs === undefined ? bounds : { ...bounds, ms: bodyMs })
  }
}

function send(req: Request, res: Response, answer: RouteAnswer, sending: Sending): Promise<void> | void {
  const { body, status } = answer
  for (const [name, value] of Object.entries(answer.headers ?? {})) res.setHeader(name, value)
  if (answer.location !== undefined) res.setHeader('Location', answer.location)
  if (answer.etag !== undefined) {
    res.setHeader('ETag', entityTag(answer.etag))
    const reads = req.method === 'GET' || req.method === 'HEAD'
    if (reads && isNotModified(header(req, 'if-none-match'), answer.etag)) {
      if (body instanceof Content) body.discard()
      return void res.writeHead(304).end()
    }
  }
  if (body instanceof Content) return body.send(req, res, status, sending)
  if (body === undefined) {
    // Node says then that the answer has no content.
    res.statusCode = status
    return void res.end()
  }
  return sendWhole(res, status, { 'Content-Type': answer.mediaType ?? jsonType }, JSON.stringify(body))
}

/** What a client is told of an error that no route meant for it. */
function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  if (error instanceof Error && 'unavailable' in error && error.unavailable === true)
    return new PassingFailure('unavailable', 'The database cannot take this right now.', 5)
  // Express found a path that is not percent-encoded UTF-8.
  if (error instanceof URIError || (error instanceof Error && 'status' in error && error.status === 400))
    return new Failure('malformed-request', 'The path cannot be decoded.', {
      errors: [{ path: 'path', message: 'Expected percent-encoded UTF-8' }],
    })
  return new Failure('internal-error', 'Something went wrong on the server.')
}

/** Answers with a failure, unless an answer was begun or nobody is left to read one. */
function fail(
  req: Request,
  res: Response,
  error: unknown,
  { form, logger }: { form: ErrorForm; logger: Logger },
) {
  if (error instanceof ClientGone) return void res.destroy()
  const failure = asFailure(error)
  const requestId = requestIdOf(res)
  const isPlanned = failure instanceof PassingFailure && failure.isPlanned
  Object.assign(res.locals, { problem: failure.code, isPlanned })
  const { method, path } = req
  const written = form(failure, { method, path, accept: header(req, 'accept'), requestId })
  if (written.status >= 500 && !isPlanned) logger.error({ requestId, error: safeError(error) }, failure.code)
  if (res.headersSent) return void res.destroy()
  return sendFailure(res, written)
}

type RoutesOfPath = readonly { readonly route: Api['routes'][number]; readonly api: Api }[]

/** The methods of a path, with HEAD beside GET, as `Allow` names them. */
function methodsOf(routes: RoutesOfPath): string[] {
  const methods = routes.flatMap(({ route: { method } }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  const optionsStatus = routes.some(({ api }) => api.optionsStatus)
  return [...new Set([...methods, ...(optionsStatus ? ['OPTIONS'] : [])])]
}

/** Answers the requests to one path. What is no method of it fails in the form of the API that has declared the path first. */
function handlerOf(path: string, routes: RoutesOfPath, first: Api, handling: Handling): RequestHandler {
  const allow = methodsOf(routes).join(', ')
  const optionsStatus = routes.find(({ api }) => api.optionsStatus)?.api.optionsStatus
  const byMethod = new Map(routes.toReversed().map((served) => [served.route.method, served]))
  // Unless HEAD is a route of its own, it is answered as GET is: Node leaves the body out.
  const get = byMethod.get('GET')
  if (get && !byMethod.has('HEAD')) byMethod.set('HEAD', get)
  return async (req, res) => {
    res.locals.route = path
    const served = byMethod.get(req.method)
    try {
      if (served) {
        const answer = await served.route.answer(new Incoming(req, res, handling))
        abandonBody(res)
        return await send(req, res, answer, handling.sending)
      }
      res.setHeader('Allow', allow)
      if (req.method === 'OPTIONS' && optionsStatus) return void res.writeHead(optionsStatus).end()
      throw new Failure('method-not-allowed', `${req.method} does not work here. Use one of: ${allow}.`)
    } catch (error) {
      abandonBody(res)
      const { errorForm } = served?.api ?? first
      return fail(req, res, error, { form: errorForm, logger: handling.options.logger })
    }
  }
}

/** For how long browsers may remember what another origin may send, in seconds: a day, of which they take what they like. */
const preflightAge = '86400'

/**
 * Lets pages of some origins read the answers of an API, errors too, and tells their browsers beforehand that they may ask (Fetch
 * Standard, "HTTP extensions"). Credentials are allowed because clients say that they send some; no API here looks at cookies.
 */
const otherOrigins =
  (apis: readonly Api[]): RequestHandler =>
  (req, res, next) => {
    const area = apis.find((api) => api.area?.has(req.path))?.area
    if (!area) return next()
    res.vary('Origin')
    const origin = header(req, 'origin')
    if (origin === undefined || !area.origins.includes(origin)) return next()
    res.setHeader('Access-Control-Allow-Origin', origin)
    res.setHeader('Access-Control-Allow-Credentials', 'true')
    const method = header(req, 'access-control-request-method')
    if (req.method !== 'OPTIONS' || method === undefined) return next()
    res.locals.route = 'preflight'
    res.setHeader('Access-Control-Allow-Methods', method)
    const headers = header(req, 'access-control-request-headers')
    if (headers !== undefined) res.setHeader('Access-Control-Allow-Headers', headers)
    res.setHeader('Access-Control-Max-Age', preflightAge)
    res.writeHead(204).end()
  }

/** Before any route: the log, headers that every answer has, and what is wrong with a request whatever it asks for. */
function addCommon(
  app: Express,
  apis: readonly Api[],
  { addresses, logger, observe, trustProxy }: RouterOptions,
): void {
  app.set('etag', false)
  app.set('query parser', 'simple')
  app.set('case sensitive routing', true)
  app.set('trust proxy', trustProxy)
  app.disable('x-powered-by')
  app.use(withoutPorts(addresses))
  app.use(requestLog(logger, observe))
  app.use((_req, res, next) => {
    for (const [name, value] of commonHeaders) res.setHeader(name, value)
    next()
  })
  app.use(otherOrigins(apis))
  app.use((req, res, next) => {
    res.setHeader('Cache-Control', 'no-store')
    if (announcesBody(req)) closeUnlessRead(req, res)
    // Ranges are defined for GET alone (RFC 9110, section 14.2).
    if (req.method !== 'GET') delete req.headers.range
    requireClearFraming(req)
    next()
  })
}

/** An Express application that serves the APIs. Of two that have the same method of a path, the first one answers. */
export function createRouter(apis: readonly Api[], options: RouterOptions): Express {
  const { ending, heartbeatMs = defaultHeartbeatMs } = options
  const handling: Handling = {
    options,
    room: createRoom(),
    sending: {
      ending,
      heartbeat: createHeartbeat(heartbeatMs),
      socketHeartbeat: createHeartbeat(Math.min(heartbeatMs, socketHeartbeatMs)),
    },
  }
  const app = express()
  addCommon(app, apis, options)
  const all = apis.flatMap((api) => api.routes.map((route) => ({ route, api })))
  for (const [path, routes] of Map.groupBy(all, ({ route }) => route.path)) {
    const [first] = routes
    if (first)
      app.route(first.route.pattern ?? expressPath(path)).all(handlerOf(path, routes, first.api, handling))
  }
  app.use(() => {
    throw notFound()
  })
  // Express knows an error handler by its four parameters.
  const onError: ErrorRequestHandler = (error, req, res, _next) => {
    const form = apis.find((api) => api.area?.has(req.path))?.errorForm ?? options.errorForm
    fail(req, res, error, { form, logger: options.logger })
  }
  app.use(onError)
  return app
}
