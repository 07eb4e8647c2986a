// Writes what a route has answered, or why it could not.
import type { Request, Response } from 'express'
import type { Logger } from 'pino'
import { Failure, PassingFailure } from '../domain/failure.ts'
import { type ErrorForm, sendFailure } from './api.ts'
import { ClientGone } from './body.ts'
import { Content, jsonType, type Sending, sendWhole } from './content.ts'
import { entityTag, isNotModified } from './precondition.ts'
import { requestIdOf, safeError } from './request-log.ts'
import type { RouteAnswer } from './route.ts'

const headersOf = ({ headers, location, etag }: RouteAnswer): Record<string, string> => ({
  ...headers,
  ...(location !== undefined && { Location: location }),
  ...(etag !== undefined && { ETag: entityTag(etag) }),
})

/** Sends what a route has answered. */
export function send(
  req: Request,
  res: Response,
  answer: RouteAnswer,
  sending: Sending,
): Promise<void> | void {
  const { body, status } = answer
  const headers = headersOf(answer)
  const reads = req.method === 'GET' || req.method === 'HEAD'
  if (answer.etag !== undefined && reads && isNotModified(req.headers['if-none-match'], answer.etag)) {
    if (body instanceof Content) body.discard()
    return void res.writeHead(304, headers).end()
  }
  if (body !== undefined && !(body instanceof Content))
    return sendWhole(
      res,
      status,
      { ...headers, 'Content-Type': answer.mediaType ?? jsonType },
      JSON.stringify(body),
    )
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  if (body !== undefined) return body.send(req, res, status, sending)
  // Node says then that the answer has no content.
  res.statusCode = status
  return void res.end()
}

/** What a client is told of an error that no route meant for it. */
function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  if (error instanceof Error && 'unavailable' in error && error.unavailable === true)
    return new PassingFailure('unavailable', 'The database cannot take this right now.', 5)
  if (error instanceof URIError)
    return new Failure('malformed-request', 'The path cannot be decoded.', {
      errors: [{ path: 'path', message: 'Expected percent-encoded UTF-8' }],
    })
  return new Failure('internal-error', 'Something went wrong on the server.')
}

/** Answers with a failure, unless an answer was begun or nobody is left to read one. */
export function fail(
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
  const written = form(failure, { method, path, accept: req.headers.accept, requestId })
  if (written.status >= 500 && !isPlanned) logger.error({ requestId, error: safeError(error) }, failure.code)
  if (res.headersSent) return void res.destroy()
  return sendFailure(res, written)
}
