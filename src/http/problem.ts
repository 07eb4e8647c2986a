// Problems (RFC 9457) as the server throws and writes them.
import type { ServerResponse } from 'node:http'
import {
  type Problem,
  type ProblemCode,
  type ProblemMembers,
  problemCatalogue,
} from '../contract/problems.ts'

/** The further members of each code's problem: required where the catalogue has some, absent elsewhere. */
type Members<Code extends ProblemCode> = Code extends keyof ProblemMembers ? [ProblemMembers[Code]] : []

/** A problem on its way to the client; thrown by handlers and repositories, written by `sendProblem`. */
export class HttpProblem extends Error {
  override name = 'HttpProblem'
  readonly code: ProblemCode
  readonly members: object
  readonly headers: Readonly<Record<string, string>>
  /** Whether this is what the operator asked for, and so no error in the log, whatever its status. */
  readonly isPlanned: boolean

  constructor(
    code: ProblemCode,
    detail: string,
    members: object,
    headers: Readonly<Record<string, string>>,
    { isPlanned = false } = {},
  ) {
    super(detail)
    this.code = code
    this.members = members
    this.headers = headers
    this.isPlanned = isPlanned
  }
}

/**
 * A problem to throw.
 * @param detail what went wrong this time, in a sentence for people; never anything secret
 */
export function problem<Code extends ProblemCode>(code: Code, detail: string, ...members: Members<Code>) {
  const headers: Record<string, string> =
    problemCatalogue[code].status === 401 ? { 'WWW-Authenticate': 'Bearer realm="limpet"' } : {}
  return new HttpProblem(code, detail, members[0] ?? {}, headers)
}

/**
 * A problem that passes by itself: 429 and 503, with `Retry-After`.
 * @param options.isPlanned whether the operator asked for it, by stopping the server
 */
export const retryLater = (
  code: 'too-many-requests' | 'unavailable',
  detail: string,
  seconds: number,
  options: { isPlanned?: boolean } = {},
) => new HttpProblem(code, detail, {}, { 'Retry-After': String(Math.max(1, Math.ceil(seconds))) }, options)

/** The same for what is missing and for what is somebody else's. */
export const notFound = () => problem('not-found', 'There is nothing here for this account.')

/** The answer's body. */
export function problemBody(
  problem: HttpProblem,
  context: { publicUrl: string; requestId: string },
): Problem {
  const { status, title } = problemCatalogue[problem.code]
  return {
    type: `${context.publicUrl}/problems/${problem.code}`,
    title,
    status,
    detail: problem.message,
    code: problem.code,
    requestId: context.requestId,
    ...problem.members,
  }
}

/** Writes a problem as the whole answer. */
export function sendProblem(
  res: ServerResponse,
  problem: HttpProblem,
  context: { publicUrl: string; requestId: string },
) {
  const body = JSON.stringify(problemBody(problem, context))
  res.writeHead(problemCatalogue[problem.code].status, {
    ...problem.headers,
    'Content-Type': 'application/problem+json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  })
  res.end(body)
}
