// One line for each request, and what may stand in it: every line is safe to publish.
import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Request, Response } from 'express'
import type { Logger } from 'pino'

/** A request as it is counted: nothing in it says who sent it. */
export interface AnsweredRequest {
  readonly method: string
  /** As it was declared, or `unmatched`. */
  readonly route: string
  /** Of the answer, or `clientClosed`. */
  readonly status: number
  /** The code of a problem; undefined for every other answer. */
  readonly problem: string | undefined
  /** From the request to its answer, without what it has waited for something to happen. */
  readonly seconds: number
}

/** Notes that a request waits from here on for something to happen, which is no time that it takes. @returns what ends the waiting */
export function beginWaiting({ locals }: Response): () => void {
  const began = performance.now()
  locals.waitingSince = began
  return () => {
    locals.waitedMs = performance.now() - began
    locals.waitingSince = undefined
  }
}

function waitedMs({ locals: { waitedMs, waitingSince } }: Response, now: number): number {
  if (typeof waitingSince === 'number') return now - waitingSince
  return typeof waitedMs === 'number' ? waitedMs : 0
}

/** Counted for a request whose client closed the connection before it was answered. No status of HTTP: it is never sent. */
const clientClosed = 499

const described = (req: Request, res: Response, ms: number): AnsweredRequest => ({
  method: req.method,
  // Where the router leaves the declared path, so that the log names the route and never what stood in its place.
  route: typeof res.locals.route === 'string' ? res.locals.route : 'unmatched',
  status: res.headersSent ? res.statusCode : clientClosed,
  problem: typeof res.locals.problem === 'string' ? res.locals.problem : undefined,
  seconds: ms / 1000,
})

/** The id of the request that is being answered, as `requestLog` made it. */
export const requestIdOf = (res: ServerResponse): string =>
  'locals' in res && typeof res.locals === 'object' && res.locals !== null && 'requestId' in res.locals
    ? String(res.locals.requestId)
    : ''

/**
 * Logs method, route, status and duration under a fresh request id; never a URL, header, body or address.
 * @param observe told of every request once it was answered or its client has gone
 */
export const requestLog =
  (logger: Logger, observe: (request: AnsweredRequest) => void) =>
  (req: Request, res: Response): void => {
    const began = performance.now()
    const requestId = randomUUID()
    res.locals.requestId = requestId
    res.once('close', () => {
      const now = performance.now()
      const waited = waitedMs(res, now)
      const wholeMs = Math.round(waited)
      const answered = described(req, res, now - began - waited)
      const { method, route, status } = answered
      const line = {
        requestId,
        method,
        route,
        status,
        ms: Math.round(now - began - waited),
        ...(wholeMs > 0 && { waitedMs: wholeMs }),
      }
      // A planned 503 is an answer like others: it tells a load balancer to go elsewhere.
      if (status >= 500 && res.locals.isPlanned !== true) logger.error(line, 'request failed')
      else logger.info(line, 'request')
      observe(answered)
    })
  }

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
