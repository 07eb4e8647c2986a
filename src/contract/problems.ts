// The closed catalogue of problems (RFC 9457). A code is stable; clients decide by it and never by the words.
import * as z from 'zod'
import { Conflict, ItemState, Vault } from './vaults.ts'

/** Each code: its status, its title, and what whoever meets it can do. */
export const problemCatalogue = {
  'malformed-request': {
    status: 400,
    title: 'The request is malformed',
    help: 'Compare the request with the contract at /docs. `errors` names each place and what is expected there.',
  },
  'kdf-too-weak': {
    status: 400,
    title: 'The key derivation is too weak',
    help: 'Choose at least the parameters that GET /api/v1/server gives as leastKdf.',
  },
  'not-authenticated': {
    status: 401,
    title: 'A valid access token is needed',
    help: 'Send "Authorization: Bearer <accessToken>". Access tokens live for minutes: get a new one from POST /api/v1/token/refresh, and log in again where that is refused.',
  },
  'invalid-credentials': {
    status: 401,
    title: 'E-mail address or password is wrong',
    help: 'Check both and try again. The server cannot tell which one is wrong and cannot recover a password.',
  },
  'invalid-refresh-token': {
    status: 401,
    title: 'The session has ended',
    help: 'Log in again. The session was ended, ran out, or its refresh token was used a second time after it had been replaced.',
  },
  'registration-closed': {
    status: 403,
    title: 'Registration is closed',
    help: 'Ask whoever runs this server for an account.',
  },
  'not-found': {
    status: 404,
    title: 'There is nothing here',
    help: 'It does not exist, no longer exists, or belongs to somebody else; the answer is the same for all three.',
  },
  'method-not-allowed': {
    status: 405,
    title: 'This method does not work here',
    help: 'The Allow header lists the methods that do.',
  },
  'email-taken': {
    status: 409,
    title: 'The e-mail address already has an account',
    help: 'Log in with it, or register another address.',
  },
  'id-taken': {
    status: 409,
    title: 'The id is already in use',
    help: 'Choose a new random UUID and seal the data again for it.',
  },
  'resync-required': {
    status: 410,
    title: 'The cursor is not valid any more',
    help: 'Pull all changes again without `since`. This happens after the server was restored from a backup.',
  },
  'revision-conflict': {
    status: 412,
    title: 'It was changed in the meantime',
    help: 'Nothing was written. Look at the current state in the answer, merge, and send again with its revision.',
  },
  'too-large': {
    status: 413,
    title: 'The request body is too large',
    help: 'GET /api/v1/server lists the limits.',
  },
  'not-json': {
    status: 415,
    title: 'The request body is not JSON',
    help: 'Send the body as JSON in UTF-8, uncompressed, with "Content-Type: application/json".',
  },
  'precondition-required': {
    status: 428,
    title: 'A precondition is missing',
    help: 'Send If-Match with the revision that you replace, in quotes, or "If-None-Match: *" to create.',
  },
  'too-many-requests': {
    status: 429,
    title: 'Too many requests',
    help: 'Wait for as many seconds as Retry-After says.',
  },
  'internal-error': {
    status: 500,
    title: 'The server failed',
    help: 'Try again. If it stays, give the requestId to whoever runs the server: the log says more under it.',
  },
  unavailable: {
    status: 503,
    title: 'The server cannot answer right now',
    help: 'Try again after as many seconds as Retry-After says. Nothing is lost by trying again.',
  },
} as const

export type ProblemCode = keyof typeof problemCatalogue

/** What a problem carries beyond the members that all have, by its code. */
export type ProblemMembers = {
  'malformed-request': { errors: { path: string; message: string }[] }
  'revision-conflict': { current: ItemState | Vault } | { conflicts: Conflict[] }
}

/**
 * An `application/problem+json` body. Loose, and with an open code, so that a client still reads the problems of a newer server.
 */
export const Problem = z
  .looseObject({
    type: z.url(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().meta({ override: { enum: Object.keys(problemCatalogue) } }),
    requestId: z.string(),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'With `malformed-request`: each place that is wrong' }),
    current: z
      .union([ItemState, Vault])
      .optional()
      .meta({ description: 'With `revision-conflict`: what stands there now' }),
    conflicts: z
      .array(Conflict)
      .optional()
      .meta({ description: 'With `revision-conflict` of a batch: each operation that did not apply' }),
  })
  .meta({ id: 'Problem' })

export type Problem = z.infer<typeof Problem>
