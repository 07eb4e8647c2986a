// Failures as Bitwarden's apps read them (docs/decisions/bitwarden.md). Their statuses mean something to the apps: 401 and 403 log out, 409
// and 412 are not understood. So everything that a client can do something about is 400.
import { z } from 'zod'
import { problemCatalogue } from '../../contract/problems.ts'
import { type Failure, PassingFailure } from '../../domain/failure.ts'
import type { WrittenFailure } from '../../http/api.ts'

/** The statuses that stay as they are: all others are 400. */
const kept: readonly number[] = [404, 405, 416, 429, 500, 503]

const statusOf = ({ code }: Failure): number => {
  if (code === 'not-authenticated') return 401
  const { status } = problemCatalogue[code]
  return kept.includes(status) ? status : 400
}

const Mistakes = z.object({ errors: z.array(z.object({ path: z.string(), message: z.string() })) })

/** What is wrong, by member. Apps show the first text, which therefore says where it is. */
function validationErrorsOf({ members }: Failure): Record<string, string[]> | null {
  const { errors = [] } = Mistakes.safeParse(members).data ?? {}
  if (errors.length === 0) return null
  const texts = Map.groupBy(errors, ({ path }) => path)
  return Object.fromEntries(
    [...texts].map(([path, mistakes]) => [
      path,
      mistakes.map(({ message }) => (path === '' ? message : `${path}: ${message}`)),
    ]),
  )
}

/** The body of an error. @param validationErrors by member; null for none */
export const errorBody = (message: string, validationErrors: Record<string, string[]> | null = null) => ({
  object: 'error' as const,
  message,
  validationErrors,
  exceptionMessage: null,
  exceptionStackTrace: null,
  innerExceptionMessage: null,
})

/** How failures are written. */
export const errorForm = (failure: Failure): WrittenFailure => ({
  status: statusOf(failure),
  headers: {
    'Content-Type': 'application/json; charset=utf-8',
    ...('bytes' in failure.members && { 'Content-Range': `bytes */${failure.members.bytes}` }),
    ...(failure instanceof PassingFailure && { 'Retry-After': String(failure.retryAfter) }),
  },
  body: JSON.stringify(errorBody(failure.message, validationErrorsOf(failure))),
})
