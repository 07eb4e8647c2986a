// Serves APIs side by side on Express: requests in, answers and failures out, HEAD as GET, OPTIONS, and 405 with Allow for every
// other method.
import express, { type ErrorRequestHandler, type Express, type Request, type Response } from 'express'
import type { Logger } from 'pino'
import { seconds } from '../clock.ts'
import { Failure, notFound } from '../domain/failure.ts'
import { fail, send } from './answering.ts'
import type { Api, ErrorForm } from './api.ts'
import { abandonBody } from './body.ts'
import type { Sending } from './content.ts'
import { exchangeClasses } from './exchange-classes.ts'
import { requireClearFraming } from './framing.ts'
import { createHeartbeat } from './heartbeat.ts'
import { type Handling, Incoming } from './incoming.ts'
import { answerOrigin } from './other-origins.ts'
import { Paths } from './paths.ts'
import { type AnsweredRequest, requestLog } from './request-log.ts'
import { createRoom } from './room.ts'
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

/** Takes the ports out of `X-Forwarded-For`: with one, no address is that of a trusted proxy, and each port is another client. */
function takePortsOut({ headers }: Request, { withoutPort }: Addresses): void {
  const forwarded = headers['x-forwarded-for']
  if (typeof forwarded !== 'string') return
  headers['x-forwarded-for'] = forwarded
    .split(',')
    .map((address) => withoutPort(address.trim()))
    .join(', ')
}

type RoutesOfPath = readonly { readonly route: Api['routes'][number]; readonly api: Api }[]

/** The methods of a path, with HEAD beside GET, as `Allow` names them. */
function methodsOf(routes: RoutesOfPath): string[] {
  const methods = routes.flatMap(({ route: { method } }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  const optionsStatus = routes.some(({ api }) => api.optionsStatus)
  return [...new Set([...methods, ...(optionsStatus ? ['OPTIONS'] : [])])]
}

/** Answers a request to a path that was declared. */
type PathHandler = (req: Request, res: Response, params: Incoming['params']) => Promise<void>

interface Serving {
  readonly handling: Handling
  readonly sending: Sending
  readonly logger: Logger
}

/** Answers the requests to one path. What is no method of it fails in the form of the API that has declared the path first. */
function handlerOf(path: string, routes: RoutesOfPath, first: Api, serving: Serving): PathHandler {
  const { handling, sending, logger } = serving
  const allow = methodsOf(routes).join(', ')
  const optionsStatus = routes.find(({ api }) => api.optionsStatus)?.api.optionsStatus
  const byMethod = new Map(routes.toReversed().map((served) => [served.route.method, served]))
  // Unless HEAD is a route of its own, it is answered as GET is: Node leaves the body out.
  const get = byMethod.get('GET')
  if (get && !byMethod.has('HEAD')) byMethod.set('HEAD', get)
  return async (req, res, params) => {
    res.locals.route = path
    const served = byMethod.get(req.method)
    try {
      if (served) {
        const answer = await served.route.answer(new Incoming(req, res, params, handling))
        abandonBody(res)
        return await send(req, res, answer, sending)
      }
      res.setHeader('Allow', allow)
      if (req.method === 'OPTIONS' && optionsStatus) return void res.writeHead(optionsStatus).end()
      throw new Failure('method-not-allowed', `${req.method} does not work here. Use one of: ${allow}.`)
    } catch (error) {
      abandonBody(res)
      const { errorForm } = served?.api ?? first
      return fail(req, res, error, { form: errorForm, logger })
    }
  }
}

/** What is wrong with a request whatever it asks for. Throws `malformed-request`. */
function begin(req: Request, res: Response): void {
  if (announcesBody(req)) closeUnlessRead(req, res)
  // Ranges are defined for GET alone (RFC 9110, section 14.2).
  if (req.method !== 'GET') delete req.headers.range
  requireClearFraming(req)
}

/** Makes a path's handler of all routes that have declared it, in any API. */
function pathsOf(apis: readonly Api[], serving: Serving): Paths<PathHandler> {
  const paths = new Paths<PathHandler>()
  const all = apis.flatMap((api) => api.routes.map((route) => ({ route, api })))
  for (const [path, routes] of Map.groupBy(all, ({ route }) => route.path)) {
    const [first] = routes
    if (!first) continue
    const handler = handlerOf(path, routes, first.api, serving)
    const { pattern } = first.route
    if (pattern) paths.addPattern(pattern, handler)
    else paths.add(path, handler)
  }
  return paths
}

/** An Express application that serves the APIs. Of two that have the same method of a path, the first one answers. */
export function createRouter(apis: readonly Api[], options: RouterOptions): Express {
  const { addresses, bodyMs, ending, errorForm, heartbeatMs = defaultHeartbeatMs, logger, observe } = options
  const paths = pathsOf(apis, {
    handling: { keyOf: addresses.keyOf, bodyMs, room: createRoom() },
    sending: {
      ending,
      heartbeat: createHeartbeat(heartbeatMs),
      socketHeartbeat: createHeartbeat(Math.min(heartbeatMs, socketHeartbeatMs)),
    },
    logger,
  })
  const areas = apis.flatMap(({ area }) => area ?? [])
  const log = requestLog(logger, observe)
  const app = express()
  exchangeClasses(app)
  app.set('etag', false)
  app.set('query parser', 'simple')
  app.set('trust proxy', options.trustProxy)
  app.disable('x-powered-by')
  app.use((req, res) => {
    takePortsOut(req, addresses)
    log(req, res)
    if (answerOrigin(areas, req, res)) return
    begin(req, res)
    const found = paths.find(req.path)
    if (!found) throw notFound()
    return found.value(req, res, found.params)
  })
  // Express knows an error handler by its four parameters.
  const onError: ErrorRequestHandler = (error, req, res, _next) => {
    const form = apis.find((api) => api.area?.has(req.path))?.errorForm ?? errorForm
    fail(req, res, error, { form, logger })
  }
  app.use(onError)
  return app
}
