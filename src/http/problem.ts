// Failures as problems (RFC 9457): the form of Limpet's own API.

import type { ServerResponse } from 'node:http'
import { pagePaths, pathTo } from '../contract/paths.ts'
import { type Problem, problemCatalogue } from '../contract/problems.ts'
import { type Failure, PassingFailure } from '../domain/failure.ts'

/** The headers that belong to a failure, in every form. */
export function headersOf(failure: Failure): Readonly<Record<string, string>> {
  if (failure instanceof PassingFailure) return { 'Retry-After': String(failure.retryAfter) }
  return problemCatalogue[failure.code].status === 401 ? { 'WWW-Authenticate': 'Bearer realm="limpet"' } : {}
}

/** The answer's body. */
export function problemBody(failure: Failure, context: { publicUrl: string; requestId: string }): Problem {
  const { status, title } = problemCatalogue[failure.code]
  return {
    type: `${context.publicUrl}${pathTo(pagePaths.problem, { code: failure.code })}`,
    title,
    status,
    detail: failure.message,
    code: failure.code,
    requestId: context.requestId,
    ...failure.members,
  }
}

/** Writes a failure as the whole answer. */
export function sendProblem(
  res: ServerResponse,
  failure: Failure,
  context: { publicUrl: string; requestId: string },
) {
  const body = JSON.stringify(problemBody(failure, context))
  res.writeHead(problemCatalogue[failure.code].status, {
    ...headersOf(failure),
    'Content-Type': 'application/problem+json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  })
  res.end(body)
}
