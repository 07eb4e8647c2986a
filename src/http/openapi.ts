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
import { type Tag, tags } from '../contract/tags.ts'
import { kindOf } from './body.ts'
import { mediaTypeOf, shapeOf } from './content.ts'
import { jsonBody } from './json-body.ts'
import { OptionalPrecondition, RequiredPrecondition } from './precondition.ts'
import type { AnswerHeader, Route } from './route.ts'

/** A document as generators of clients read it. */
export type OpenApi = ReturnType<typeof createDocument>

/** What a route says about itself in the contract. */
export interface Documented {
  /** A verb and a noun, of one meaning for ever: what generated clients call it. */
  readonly operationId: string
  readonly tag: Tag
  readonly summary: string
  /** What the summary leaves open. */
  readonly description: string
  /** What can go wrong beyond what every route of its kind has (`problemsOf`). */
  readonly problems: readonly ProblemCode[]
}

type AnyRoute = Pick<
  Route<never, never, string>,
  'method' | 'path' | 'limit' | 'request' | 'success' | 'headers'
> &
  Documented & { auth: string }

/** How callers prove who they are: OpenAPI's security schemes, and which of them each kind of `auth` asks for. */
export interface Security<Auth extends PropertyKey> {
  readonly schemes: NonNullable<ZodOpenApiComponentsObject['securitySchemes']>
  /** Alternatives; an empty one among them means that a request without any is taken as well. */
  readonly required: Readonly<Record<Auth, readonly Readonly<Record<string, string[]>>[]>>
  /** What a caller who is not let in is told. */
  readonly refusals: Readonly<Record<Auth, readonly ProblemCode[]>>
}

/** What every route of a kind may answer, so that declarations name only what is special about them. */
function problemsOf(route: AnyRoute, refusals: readonly ProblemCode[]): ProblemCode[] {
  const { request, limit } = route
  const codes: ProblemCode[] = [
    'malformed-request',
    // What every other method of the path is answered: nothing else in a document could say it.
    'method-not-allowed',
    'unavailable',
    ...route.problems,
    ...refusals,
  ]
  if (limit !== 'none') codes.push('too-many-requests')
  if (request.body) codes.push('too-large', 'not-json', 'request-timeout')
  if (request.precondition === RequiredPrecondition) codes.push('precondition-required')
  return [...new Set(codes)].sort()
}

// ---- Headers

/** One revision as `revisionOf` reads it. */
const oneTag = '^(?:W/)?"[1-9][0-9]{0,15}"$'

const ifMatch = z.string().regex(new RegExp(oneTag)).optional()
const ifNoneMatch = z.string().optional()

const oneOfBoth = 'Exactly one of If-Match and If-None-Match has to be sent; without both the answer is 428.'

/** The preconditions that a route looks at. */
function preconditionsOf({ method, request, success }: AnyRoute) {
  if (request.precondition === RequiredPrecondition)
    return z.object({
      'If-Match': ifMatch.meta({
        description: `The revision to replace, in quotes. ${oneOfBoth}`,
        example: '"12"',
      }),
      // A pattern and no constant: generators have no type for a header with one value.
      'If-None-Match': z
        .string()
        .regex(/^\*$/)
        .optional()
        .meta({
          description: `An asterisk, to create. ${oneOfBoth}`,
          example: '*',
        }),
    })
  if (request.precondition === OptionalPrecondition)
    return z.object({
      'If-Match': ifMatch.meta({
        description: 'The revision that it has to be at, in quotes; any without it',
        example: '"12"',
      }),
    })
  if (method === 'get' && 304 in success)
    return z.object({
      'If-None-Match': ifNoneMatch.meta({
        description: 'Revisions already known, each in quotes, with commas between them',
        example: '"12"',
      }),
    })
  return undefined
}

type ProblemHeader = 'Retry-After' | 'WWW-Authenticate' | 'Allow'

type Header = NonNullable<ZodOpenApiComponentsObject['headers']>[string]

/** What the headers say that are worth reading. */
const headers = {
  ETag: {
    description: 'The revision, in quotes: what If-Match takes',
    required: true,
    schema: { type: 'string', pattern: '^"[1-9][0-9]{0,15}"$', example: '"12"' },
  },
  Location: {
    description: 'The path of what was made',
    required: true,
    schema: { type: 'string', format: 'uri-reference' },
  },
  'Limpet-Passphrase': {
    description: 'There if the reader of the share has to know a passphrase',
    schema: { type: 'string', enum: ['required'] },
  },
  'Retry-After': {
    description: 'Seconds to wait before the request is repeated',
    required: true,
    schema: { type: 'integer', format: 'int32', minimum: 1 },
  },
  'WWW-Authenticate': {
    description: 'The scheme of the tokens that are taken',
    required: true,
    schema: { type: 'string', example: 'Bearer realm="limpet"' },
  },
  'Accept-Ranges': {
    description: 'That a part of it can be asked for, with Range',
    required: true,
    schema: { type: 'string', example: 'bytes' },
  },
  'Content-Range': {
    description: 'Which part of it this is, and how long all of it is',
    required: true,
    schema: { type: 'string', example: 'bytes 0-1023/4096' },
  },
  Allow: {
    description: 'The methods of this path, with commas between them',
    required: true,
    schema: { type: 'string', example: 'GET, HEAD' },
  },
} satisfies Record<AnswerHeader | ProblemHeader, Header>

const problemHeaders: Readonly<Record<number, readonly ProblemHeader[]>> = {
  401: ['WWW-Authenticate'],
  405: ['Allow'],
  429: ['Retry-After'],
  503: ['Retry-After'],
}

const headersOf = (names: readonly (AnswerHeader | ProblemHeader)[] = []) =>
  names.length > 0
    ? { headers: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }])) }
    : {}

// ---- Operations

const descriptions: Record<number, string> = {
  200: 'Done',
  201: 'Created',
  202: 'Taken on',
  204: 'Done, nothing to say',
  206: 'The part that was asked for',
  304: 'Not modified',
}

function responsesOf(route: AnyRoute, refusals: readonly ProblemCode[]): ZodOpenApiResponsesObject {
  const responses: ZodOpenApiResponsesObject = {}
  for (const [status, schema] of Object.entries(route.success))
    responses[status as `${1 | 2 | 3 | 4 | 5}${string}`] = {
      description: descriptions[Number(status)] ?? 'Done',
      ...headersOf(route.headers?.[Number(status)]),
      ...(schema && { content: { [mediaTypeOf(schema)]: { schema: shapeOf(schema) } } }),
    }
  for (const [status, codes] of Map.groupBy(
    problemsOf(route, refusals),
    (code) => problemCatalogue[code].status,
  ))
    responses[`${status}`] = {
      description: codes.map((code) => `\`${code}\`: ${problemCatalogue[code].title}`).join('; '),
      ...headersOf(problemHeaders[status]),
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
  const header = { ...preconditionsOf(route)?.shape, ...route.request.headers?.shape }
  return {
    operationId: route.operationId,
    tags: [route.tag],
    summary: route.summary,
    description: route.description,
    security,
    requestParams: {
      ...(params && { path: params }),
      ...(query && { query }),
      ...(Object.keys(header).length > 0 && { header: z.object(header) }),
    },
    ...(body && {
      requestBody: { required: true, content: { [(kindOf(body) ?? jsonBody).mediaType]: { schema: body } } },
    }),
    responses: responsesOf(route, refusals),
  }
}

type Override = NonNullable<CreateDocumentOptions['override']>
type Context = Parameters<Override>[0]

/** What a newer server adds to an answer, an older client drops: only requests are closed. */
function leaveAnswersOpen({ zodSchema, jsonSchema, io }: Context) {
  const { def } = zodSchema._zod
  if (io === 'output' && def.type === 'object' && !('catchall' in def && def.catchall))
    delete jsonSchema.additionalProperties
}

const maxInt32 = 2 ** 31 - 1

/** Says the same in the words that generators of clients know. */
function speakPlainly({ zodSchema, jsonSchema }: Context) {
  const { def } = zodSchema._zod
  const { anyOf } = jsonSchema
  if (anyOf) {
    delete jsonSchema.anyOf
    const [choice, ...others] = anyOf.filter(({ type }) => type !== 'null')
    // Not a choice but a value that may be missing.
    if (choice && others.length === 0 && typeof choice.type === 'string')
      Object.assign(jsonSchema, { ...choice, ...jsonSchema, type: [choice.type, 'null'] })
    // Of all our choices one fits.
    else jsonSchema.oneOf = anyOf
  }
  // A pattern says no more, and does not fit the types that generators read it into.
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern
  if (jsonSchema.type === 'integer')
    jsonSchema.format ??= (jsonSchema.maximum ?? Number.POSITIVE_INFINITY) > maxInt32 ? 'int64' : 'int32'
  // Enumerations of one boolean become types that do not compile.
  if (def.type === 'literal' && jsonSchema.type === 'boolean') delete jsonSchema.const
}

const inPlainWords: Override = (context) => {
  leaveAnswersOpen(context)
  speakPlainly(context)
}

/** The document for a server that is reached at `publicUrl`. */
export function openApiDocument<Auth extends string>(
  routes: readonly (AnyRoute & { auth: Auth })[],
  about: { version: string; publicUrl: string; security: Security<Auth> },
): OpenApi {
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
        contact: { name: 'The operator of this server', url: about.publicUrl },
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: about.publicUrl }],
      tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
      paths,
      components: { headers, securitySchemes: schemes },
    },
    { override: inPlainWords },
  )
}
