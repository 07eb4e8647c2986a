// One line for each request, and what may stand in it: every line is safe to publish.
import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Request, RequestHandler } from 'express'
import type { Logger } from 'pino'
import { pinoHttp } from 'pino-http'

/** Where `mount` leaves the declared path, so that the log names the route and never what stood in its place. */
export const routeOf = (req: Request): string =>
  typeof req.res?.locals.route === 'string' ? req.res.locals.route : 'unmatched'

const line = (req: Request, res: ServerResponse, { responseTime }: { responseTime: number }) => ({
  method: req.method,
  route: routeOf(req),
  status: res.statusCode,
  ms: responseTime,
})

/** Logs method, route, status and duration under a fresh request id; never a URL, header, body or address. */
export const requestLog = (logger: Logger): RequestHandler =>
  pinoHttp<Request>({
    logger,
    genReqId: (_req, res) => {
      const id = randomUUID()
      res.setHeader('X-Request-Id', id)
      return id
    },
    serializers: { req: () => undefined, res: () => undefined, err: () => undefined },
    customAttributeKeys: { reqId: 'requestId' },
    quietReqLogger: true,
    quietResLogger: true,
    customSuccessObject: line,
    customErrorObject: (req, res, _error, value) => line(req, res, value),
    customSuccessMessage: () => 'request',
    customErrorMessage: () => 'request failed',
    customLogLevel: (_req, res) => (res.statusCode >= 500 ? 'error' : 'info'),
  })

/**
 * What a log may say of an error: its kind and where it came from. Messages are left out, for drivers and parsers put
 * values into theirs; `code` and `query` of a StoreError are free of them.
 */
export function safeError(error: unknown): object {
  if (!(error instanceof Error)) return { name: typeof error }
  const frames = error.stack?.split('\n').filter((line) => line.startsWith('    at ')) ?? []
  return {
    name: error.name,
    ...('code' in error && typeof error.code === 'string' && { code: error.code }),
    ...('query' in error && typeof error.query === 'string' && { query: error.query }),
    stack: frames.map((frame) => frame.trim()),
  }
}
