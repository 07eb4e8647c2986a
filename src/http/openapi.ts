// The OpenAPI 3.1 document, made from the same declarations that answer the requests.
import { z } from 'zod'
import {
  type CreateDocumentOptions,
  createDocument,
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
  auth: PropertyKey
}

/** What every route of a kind may answer, so that declarations name only what is special about them. */
function problemsOf(route: AnyRoute): ProblemCode[] {
  const { request, auth, limit } = route
  const codes: ProblemCode[] = ['malformed-request', ...route.problems, 'unavailable']
  if (auth !== 'public') codes.push('not-authenticated')
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

function responsesOf(route: AnyRoute): ZodOpenApiResponsesObject {
  const responses: ZodOpenApiResponsesObject = {}
  for (const [status, schema] of Object.entries(route.success))
    responses[status as `${1 | 2 | 3 | 4 | 5}${string}`] = {
      description: descriptions[Number(status)] ?? 'Done',
      ...(schema && { content: { 'application/json': { schema } } }),
    }
  for (const [status, codes] of Map.groupBy(problemsOf(route), (code) => problemCatalogue[code].status))
    responses[`${status}`] = {
      description: codes.map((code) => `\`${code}\`: ${problemCatalogue[code].title}`).join('; '),
      content: { 'application/problem+json': { schema: Problem } },
    }
  return responses
}

function operationOf(route: AnyRoute): ZodOpenApiOperationObject {
  const { params, query, body } = route.request
  const header = headersOf(route)
  return {
    tags: [route.tag],
    summary: route.summary,
    ...(route.description && { description: route.description }),
    security: route.auth === 'public' ? [] : [{ session: [] }],
    requestParams: { ...(params && { path: params }), ...(query && { query }), ...(header && { header }) },
    ...(body && { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: responsesOf(route),
  }
}

/** What a newer server adds to an answer, an older client drops: only requests are closed. */
const leaveAnswersOpen: NonNullable<CreateDocumentOptions['override']> = ({ zodSchema, jsonSchema, io }) => {
  const { def } = zodSchema._zod
  if (io === 'output' && def.type === 'object' && !('catchall' in def && def.catchall))
    delete jsonSchema.additionalProperties
}

/** The document for a server that is reached at `publicUrl`. */
export function openApiDocument(
  routes: readonly AnyRoute[],
  about: { version: string; publicUrl: string },
): ReturnType<typeof createDocument> {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {}
  for (const route of routes) paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route) }
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
        securitySchemes: { session: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      },
    },
    { override: leaveAnswersOpen },
  )
}
