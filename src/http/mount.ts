// Puts declared routes on Express: requests in, answers and problems out, 405 with Allow for every other method.
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express'
import helmet from 'helmet'
import type { Logger } from 'pino'
import { sendProblemPage } from '../apis/pages/documentation.ts'
import { problemCatalogue } from '../contract/problems.ts'
import { Failure, notFound, PassingFailure } from '../domain/failure.ts'
import { addressKey, withoutPort } from '../domain/rate-limits/address-key.ts'
import { ClientGone, readJsonBody } from './body.ts'
import { requireClearFraming } from './framing.ts'
import { entityTag, isNotModified } from './precondition.ts'
import { PreparedJson } from './prepared-json.ts'
import { sendProblem } from './problem.ts'
import { type AnsweredRequest, requestIdOf, requestLog, safeError } from './request-log.ts'
import { createRoom, type Room } from './room.ts'
import type { Callers, Door, RawRequest, Route, RouteAnswer } from './route.ts'
import { announcesBody, closeUnlessRead } from './unread-body.ts'

/** `/a/{b}` as OpenAPI has it → `/a/:b` as Express has it. */
const expressPath = (path: string) => path.replaceAll(/\{(\w+)\}/g, ':$1')

/** Takes the ports out of `X-Forwarded-For`: with one, no address is that of a trusted proxy, and each port is somebody else. */
const withoutPorts: RequestHandler = ({ headers }, _res, next) => {
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

const rawRequest = (
  req: Request,
  res: Response,
  { bodyMs, room }: { bodyMs?: number | undefined; room: Room },
): RawRequest => ({
  authorization: header(req, 'authorization'),
  address: addressKey(req.ip ?? ''),
  params: req.params,
  query: req.query,
  ifMatch: header(req, 'if-match'),
  ifNoneMatch: header(req, 'if-none-match'),
  async reserve(key, bodyBytes, answerBytes) {
    const announced = Number(req.headers['content-length'] ?? bodyBytes)
    const release = await room.take(key, Math.min(announced, bodyBytes) + answerBytes, () => res.destroy())
    res.once('close', release)
    if (res.closed) {
      release()
      throw new ClientGone()
    }
  },
  body: (bounds) => readJsonBody(req, res, bodyMs === undefined ? bounds : { ...bounds, ms: bodyMs }),
})

function send(req: Request, res: Response, answer: RouteAnswer) {
  for (const [name, value] of Object.entries(answer.headers ?? {})) res.setHeader(name, value)
  if (answer.location !== undefined) res.setHeader('Location', answer.location)
  if (answer.etag !== undefined) {
    res.setHeader('ETag', entityTag(answer.etag))
    const reads = req.method === 'GET' || req.method === 'HEAD'
    if (reads && isNotModified(header(req, 'if-none-match'), answer.etag)) return res.writeHead(304).end()
  }
  if (answer.body === undefined) return res.writeHead(answer.status).end()
  const body = answer.body instanceof PreparedJson ? answer.body.bytes : JSON.stringify(answer.body)
  return res
    .writeHead(answer.status, {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
    })
    .end(body)
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

/** Whether a browser shows the answer to somebody: it asks for HTML by name, which no client of the contract does. */
const isForPeople = ({ method, path, headers: { accept } }: Request): boolean =>
  (method === 'GET' || method === 'HEAD') && !path.startsWith('/api/') && /\btext\/html\b/i.test(accept ?? '')

/**
 * An Express application that answers the routes, and problem+json for everything else.
 * @param options.pages adds what is for people instead of clients (documentation)
 */
export function mount<Services, C extends Callers>(
  routes: readonly Route<Services, C>[],
  services: Services,
  door: Door<C>,
  options: {
    publicUrl: string
    trustProxy: string[]
    logger: Logger
    /** Told of every request once it was answered or its client has gone. */
    observe(request: AnsweredRequest): void
    /** How long bodies may take to arrive, if it is another time than `usualBody` says. */
    bodyMs?: number | undefined
    pages(app: Express): void
  },
): Express {
  const { logger, publicUrl } = options
  const app = express()
  const room = createRoom()
  app.set('etag', false)
  app.set('query parser', 'simple')
  app.set('case sensitive routing', true)
  app.set('trust proxy', options.trustProxy)
  app.disable('x-powered-by')
  app.use(withoutPorts)
  app.use(requestLog(logger, options.observe))
  app.use(
    helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
      },
      referrerPolicy: { policy: 'no-referrer' },
      // Whether this host is reached by TLS alone is known to the proxy in front, which sets it.
      strictTransportSecurity: false,
    }),
  )
  app.use((_req, res, next) => {
    res.setHeader('Cache-Control', 'no-store')
    next()
  })
  app.use((req, res, next) => {
    if (announcesBody(req)) closeUnlessRead(req, res)
    requireClearFraming(req)
    next()
  })

  for (const [path, methods] of Map.groupBy(routes, (route) => route.path)) {
    const here = app.route(expressPath(path))
    here.all((_req, res, next) => {
      res.locals.route = path
      next()
    })
    for (const route of methods)
      here[route.method](async (req, res) => {
        send(
          req,
          res,
          await route.answer(rawRequest(req, res, { bodyMs: options.bodyMs, room }), services, door),
        )
      })
    const allow = methods.flatMap(({ method }) =>
      method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()],
    )
    here.all((req, res) => {
      res.setHeader('Allow', allow.join(', '))
      throw new Failure('method-not-allowed', `${req.method} does not work here; ${allow.join(', ')} does.`)
    })
  }
  options.pages(app)
  app.use(() => {
    throw notFound()
  })

  // Express knows an error handler by its four parameters.
  const onError: ErrorRequestHandler = (error, req, res, _next) => {
    if (error instanceof ClientGone) return void res.destroy()
    const met = asFailure(error)
    const requestId = requestIdOf(res)
    const isPlanned = met instanceof PassingFailure && met.isPlanned
    Object.assign(res.locals, { problem: met.code, isPlanned })
    if (problemCatalogue[met.code].status >= 500 && !isPlanned)
      logger.error({ requestId, error: safeError(error) }, met.code)
    if (res.headersSent) return void res.destroy()
    if (isForPeople(req)) return sendProblemPage(res, met)
    sendProblem(res, met, { publicUrl, requestId })
  }
  app.use(onError)
  return app
}
