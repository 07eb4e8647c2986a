// The OpenAPI 3.1 document, made from the same declarations that answer the requests.
import { z } from 'zod'
import {
  type CreateDocumentOptions,
  createDocument,
  type ZodOpenApiComponentsObject,
  type ZodOpenApiOperationObject,
  type ZodOpenApiResponsesObject,
} from 'zod-openapi'
import { Problem, type ProblemCode, problemCatalogue } from '../contract/problems.ts'
import { OptionalPrecondition, RequiredPrecondition } from './precondition.ts'
import type { Callers, Route } from './route.ts'

type AnyRoute = Pick<
  Route<never, Callers>,
  'method' | 'path' | 'tag' | 'summary' | 'description' | 'limit' | 'request' | 'success' | 'problems'
> & {
  auth: string
}

/** How callers prove who they are: OpenAPI's security schemes, and which of them each kind of `auth` asks for. */
export interface Security<Auth extends PropertyKey> {
  readonly schemes: NonNullable<ZodOpenApiComponentsObject['securitySchemes']>
  /** Alternatives; an empty one among them means that a request without any is taken as well. */
  readonly required: Readonly<Record<Auth, readonly Readonly<Record<string, string[]>>[]>>
  /** What whoever is not let in is told. */
  readonly refusals: Readonly<Record<Auth, readonly ProblemCode[]>>
}

/** What every route of a kind may answer, so that declarations name only what is special about them. */
function problemsOf(route: AnyRoute, refusals: readonly ProblemCode[]): ProblemCode[] {
  const { request, limit } = route
  const codes: ProblemCode[] = ['malformed-request', ...route.problems, ...refusals, 'unavailable']
  if (limit !== 'none') codes.push('too-many-requests')
  if (request.body) codes.push('too-large', 'not-json')
  if (request.precondition === RequiredPrecondition) codes.push('precondition-required')
  return [...new Set(codes)].sort()
}

const ifMatch = z
  .string()
  .optional()
  .meta({ description: 'The revision to replace, in quotes', example: '"12"' })
const ifNoneMatch = z.string().optional().meta({ description: '* to create', example: '*' })

function headersOf({ method, request, success }: AnyRoute) {
  if (request.precondition === RequiredPrecondition)
    return z.object({ 'If-Match': ifMatch, 'If-None-Match': ifNoneMatch })
  if (request.precondition === OptionalPrecondition) return z.object({ 'If-Match': ifMatch })
  if (method === 'get' && 304 in success)
    return z.object({
      'If-None-Match': z
        .string()
        .optional()
        .meta({ description: 'Revisions already known', example: '"12"' }),
    })
  return undefined
}

const descriptions: Record<number, string> = {
  200: 'Done',
  201: 'Created',
  204: 'Done, nothing to say',
  304: 'Not modified',
}

function responsesOf(route: AnyRoute, refusals: readonly ProblemCode[]): ZodOpenApiResponsesObject {
  const responses: ZodOpenApiResponsesObject = {}
  for (const [status, schema] of Object.entries(route.success))
    responses[status as `${1 | 2 | 3 | 4 | 5}${string}`] = {
      description: descriptions[Number(status)] ?? 'Done',
      ...(schema && { content: { 'application/json': { schema } } }),
    }
  for (const [status, codes] of Map.groupBy(
    problemsOf(route, refusals),
    (code) => problemCatalogue[code].status,
  ))
    responses[`${status}`] = {
      description: codes.map((code) => `\`${code}\`: ${problemCatalogue[code].title}`).join('; '),
      content: { 'application/problem+json': { schema: Problem } },
    }
  return responses
}

function operationOf(
  route: AnyRoute,
  security: Record<string, string[]>[],
  refusals: readonly ProblemCode[],
): ZodOpenApiOperationObject {
  const { params, query, body } = route.request
  const header = headersOf(route)
  return {
    tags: [route.tag],
    summary: route.summary,
    ...(route.description && { description: route.description }),
    security,
    requestParams: { ...(params && { path: params }), ...(query && { query }), ...(header && { header }) },
    ...(body && { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: responsesOf(route, refusals),
  }
}

/** What a newer server adds to an answer, an older client drops: only requests are closed. */
const leaveAnswersOpen: NonNullable<CreateDocumentOptions['override']> = ({ zodSchema, jsonSchema, io }) => {
  const { def } = zodSchema._zod
  if (io === 'output' && def.type === 'object' && !('catchall' in def && def.catchall))
    delete jsonSchema.additionalProperties
}

/** The document for a server that is reached at `publicUrl`. */
export function openApiDocument<Auth extends string>(
  routes: readonly (AnyRoute & { auth: Auth })[],
  about: { version: string; publicUrl: string; security: Security<Auth> },
): ReturnType<typeof createDocument> {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {}
  const { schemes, required, refusals } = about.security
  for (const route of routes)
    paths[route.path] = {
      ...paths[route.path],
      [route.method]: operationOf(route, [...required[route.auth]], refusals[route.auth]),
    }
  return createDocument(
    {
      openapi: '3.1.0',
      info: {
        title: 'Limpet',
        version: about.version,
        description:
          'A zero-knowledge password vault: clients encrypt, the server keeps ciphertext and orders changes.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: about.publicUrl }],
      paths,
      components: {
        securitySchemes: schemes,
      },
    },
    { override: leaveAnswersOpen },
  )
}
