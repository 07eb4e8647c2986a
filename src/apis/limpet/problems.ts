// Failures as problems (RFC 9457): the form of Limpet's own API, and of the server where it answers by itself.
import { pagePaths, pathTo } from '../../contract/paths.ts'
import { type Problem, problemCatalogue } from '../../contract/problems.ts'
import { type Failure, PassingFailure } from '../../domain/failure.ts'
import type { FailedRequest, WrittenFailure } from '../../http/api.ts'

/** How failures are written. @param publicUrl below which each problem has its page */
export const problemsOf =
  (publicUrl: string) =>
  (failure: Failure, { requestId }: Pick<FailedRequest, 'requestId'>): WrittenFailure => {
    const { code, members, message } = failure
    const { status, title } = problemCatalogue[code]
    const type = `${publicUrl}${pathTo(pagePaths.problem, { code })}`
    const problem: Problem = { type, title, status, detail: message, code, requestId, ...members }
    return {
      status,
      headers: {
        ...(failure instanceof PassingFailure && { 'Retry-After': String(failure.retryAfter) }),
        ...(status === 401 && { 'WWW-Authenticate': 'Bearer realm="limpet"' }),
        ...('bytes' in members && { 'Content-Range': `bytes */${members.bytes}` }),
        'Content-Type': 'application/problem+json; charset=utf-8',
      },
      body: JSON.stringify(problem),
    }
  }
