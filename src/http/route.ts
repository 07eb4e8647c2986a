// A route is declared once: what it is called, who may call it, what goes in and out, what can go wrong, and its handler.
import type { IncomingHttpHeaders } from 'node:http'
import { z } from 'zod'
import { Failure } from '../domain/failure.ts'
import { type BodyBounds, type BodyKind, defaultBody, kindOf, strangerBody } from './body.ts'
import { jsonBody } from './json-body.ts'
import type { OptionalPrecondition, RequiredPrecondition } from './precondition.ts'

/** The parts of a request that a route takes. A query that is not declared must be empty; a body that is not is not read. */
type RequestShape = Readonly<{
  params?: z.ZodObject
  query?: z.ZodObject
  /** Some headers, by their names in lower case. */
  headers?: z.ZodObject
  /** Path and query as they were sent, with nothing decoded. */
  target?: z.ZodType
  /** JSON, unless `form`, `bytes` or `multipart` has made the schema. */
  body?: z.ZodType
  /** Where the request comes from, and whether somebody still waits for its answer. */
  client?: z.ZodObject<Partial<typeof requestClient.shape>>
  /** If the route looks at If-Match and If-None-Match: how. */
  precondition?: typeof OptionalPrecondition | typeof RequiredPrecondition
}>

/** For routes that ignore their query, as pages do: links get some on their way. */
export const anyQuery = z.looseObject({})

/** The schema of a whole target. */
export const requestTarget = z.object({ path: z.string(), search: z.string() })

/**
 * `address` is as rate limits count it; `gone` gives a signal that is aborted when the client has gone, or has its answer. A route names
 * those that it needs.
 */
export const requestClient = z.object({ address: z.string(), gone: z.custom<() => AbortSignal>() })

/** What each kind of `auth` gives to the handler. A public route that touches its caller does not compile. */
export interface Callers {
  public: undefined
}

/** Finds out who calls; throws `not-authenticated`. `rateLimitKey` is the key under which rate limits count the request. */
export type Authenticators<C> = {
  readonly [Auth in keyof C]: (request: RawRequest) => Promise<{ caller: C[Auth]; rateLimitKey: string }>
}

/** A request before anything of it was believed. */
export interface RawRequest {
  readonly authorization: string | undefined
  /** Where it came from, as it is counted. */
  readonly address: string
  /** Where it came from, as trusted proxies say. */
  readonly ip: string
  /** Who is connected: the last proxy, or the client itself. */
  readonly peer: string
  readonly params: unknown
  readonly query: unknown
  readonly headers: IncomingHttpHeaders
  /** As sent; `search` with its question mark, or empty. */
  readonly target: Readonly<z.output<typeof requestTarget>>
  readonly client: z.output<typeof requestClient>
  readonly ifMatch: string | undefined
  readonly ifNoneMatch: string | undefined
  /**
   * Waits until there is room for a body of at most `bodyBytes`, or what is announced of it, and an answer of `answerBytes`;
   * both are given back when the request is over.
   */
  reserve(key: string, bodyBytes: number, answerBytes: number): Promise<void>
  /** Waits for something to happen, which is no time that the request takes. */
  waiting(wait: () => Promise<void>): Promise<void>
  /** Reads the body; throws if it is missing, beyond the bounds, or of another kind. */
  body(kind: BodyKind, bounds: BodyBounds): Promise<unknown>
}

/** The status codes of success and the body that comes with each; null where there is none. */
type Success = { readonly [status: number]: z.ZodType | null }

/** Headers of successful answers that not every answer has. */
export type AnswerHeader = 'ETag' | 'Location' | 'Limpet-Passphrase' | 'Accept-Ranges' | 'Content-Range'

/** Which of them a route answers with, by status. */
type AnswerHeaders = { readonly [status: number]: readonly AnswerHeader[] }

/** An answer before it is written. `etag` is a revision; `location` a path of this server. */
export interface RouteAnswer {
  readonly status: number
  readonly body?: unknown
  readonly etag?: number
  readonly location?: string
  /** Of a JSON body; `application/json; charset=utf-8` unless it is said. */
  readonly mediaType?: string
  /** Headers that are this route's own. */
  readonly headers?: Readonly<Record<string, string>>
}

type HeaderAt<H extends AnswerHeaders, Status> = Status extends keyof H
  ? H[Status] extends readonly (infer Name extends AnswerHeader)[]
    ? Name
    : never
  : never

/** A header that was declared has to be there, one that was not must not: the contract says so. */
type WithHeaders<Name extends AnswerHeader> = ('ETag' extends Name ? { etag: number } : { etag?: never }) &
  ('Location' extends Name ? { location: string } : { location?: never }) & {
    headers?: Readonly<Partial<Record<Exclude<Name, 'ETag' | 'Location'>, string>>>
  }

type AnswerOf<S extends Success, H extends AnswerHeaders> = {
  [Status in keyof S]: { status: Status; mediaType?: string } & WithHeaders<HeaderAt<H, Status>> &
    (S[Status] extends z.ZodType ? { body: z.input<S[Status]> } : { body?: never })
}[keyof S]

interface Description<Limit extends string> {
  readonly method: 'get' | 'head' | 'post' | 'put' | 'delete'
  /** Parameters stand in braces, as in OpenAPI. */
  readonly path: `/${string}`
  /** What a path has to match, if it is not as Express would have it; `path` is then a name, for the log and the metrics. */
  readonly pattern?: RegExp
  /** Under which budget requests are counted, or `none`. */
  readonly limit: Limit | 'none'
  /** Where the body may be larger than `defaultBody`, or `strangerBody` where strangers may call: in which respect. */
  readonly bodyBounds?: Partial<BodyBounds>
  /** How large an answer can be, if it can be more than a few KiB. */
  readonly answerBytes?: number
}

/** @public named by the declarations that a build writes */
export interface Declaration<
  Services,
  C,
  Auth extends keyof C,
  Limit extends string,
  Shape extends RequestShape,
  S extends Success,
  H extends AnswerHeaders,
> extends Description<Limit> {
  readonly auth: Auth
  readonly request: Shape
  readonly success: S
  readonly headers?: H
  /** Of a request without a body: waits for something to happen, before there is room taken for the answer. */
  wait?(request: z.output<z.ZodObject<Shape>> & { caller: C[Auth] }, services: Services): Promise<void>
  handler(
    request: z.output<z.ZodObject<Shape>> & { caller: C[Auth] },
    services: Services,
  ): Promise<AnswerOf<S, H> & RouteAnswer>
}

/** What guards every route: who calls, and how often. */
export interface Door<C, Limit extends string> {
  readonly authenticate: Authenticators<C>
  /** Counts a request under a key; throws `too-many-requests` beyond the budget. */
  readonly count: (limit: Limit, key: string) => Promise<void>
}

/** What an API knows of each of its routes, whatever its types. */
export interface Route<Services, C, Limit extends string> extends Description<Limit> {
  readonly auth: keyof C
  readonly request: RequestShape
  readonly success: Success
  readonly headers?: AnswerHeaders
  /** From an unbelieved request to an answer that fits `success`, or a thrown problem. */
  answer(request: RawRequest, services: Services, door: Door<C, Limit>): Promise<RouteAnswer>
}

/** Enough to find every mistake of an honest client, and an end to what a dishonest one can make the server write. */
const maxErrors = 20
const maxMessageLength = 200

type Issue = z.core.$ZodIssue

/** Of a choice, what is wrong with the alternative that the request comes closest to: `Invalid input` would help nobody. */
function concrete(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union') return [issue]
  const [closest, ...others] = issue.errors.map((issues) => issues.flatMap(concrete))
  if (!closest) return [issue]
  return others
    .reduce((best, next) => (next.length < best.length ? next : best), closest)
    .map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }))
}

/**
 * What a part of a request says. Throws `malformed-request`; for handlers that look at a large body piece by piece.
 * @param at where the part stands in the request
 */
export function parse<T>(schema: z.ZodType<T>, input: unknown, at: readonly PropertyKey[] = []): T {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  throw new Failure('malformed-request', 'The request is not as the contract says.', {
    errors: result.error.issues
      .flatMap(concrete)
      .slice(0, maxErrors)
      .map(({ path, message }) => ({
        path: [...at, ...path].map(String).join('.').slice(0, maxMessageLength),
        message: message.slice(0, maxMessageLength),
      })),
  })
}

const noQuery = z.object({ query: z.strictObject({}) })

/**
 * Makes the function that declares the routes of an API: over its services, its kinds of callers, the names of its budgets, and
 * what each declaration says `About` itself.
 * The order in `answer` matters: the server reads and parses no body before it knows who asks and how often.
 * @param strangers the kinds of `auth` that let strangers in: little is read from them
 */
export const routeFor =
  <Services, C, Limit extends string, About = unknown>(strangers: readonly (keyof C)[]) =>
  <
    const Auth extends keyof C,
    const S extends Success,
    const Shape extends RequestShape,
    const H extends AnswerHeaders = Record<never, never>,
  >(
    declaration: Declaration<Services, C, Auth, Limit, Shape, S, H> & About,
  ): Route<Services, C, Limit> & About => {
    const { auth, handler, limit, request: shape, success, wait } = declaration
    const kind = shape.body && (kindOf(shape.body) ?? jsonBody)
    const schema = z.object(shape)
    const usual = strangers.includes(auth) ? strangerBody : defaultBody
    const bodyBounds = { ...usual, ...declaration.bodyBounds }
    const parsed = (raw: RawRequest, body: unknown) =>
      parse(schema, {
        params: shape.params && raw.params,
        query: shape.query && raw.query,
        body,
        precondition: shape.precondition && { ifMatch: raw.ifMatch, ifNoneMatch: raw.ifNoneMatch },
        headers: shape.headers && raw.headers,
        target: shape.target && raw.target,
        client: shape.client && raw.client,
      })
    return {
      ...declaration,
      async answer(raw, services, door) {
        const { caller, rateLimitKey } = await door.authenticate[auth](raw)
        if (limit !== 'none') await door.count(limit, rateLimitKey)
        if (!shape.query && raw.target.search !== '') parse(noQuery, raw)
        const waited = wait && parsed(raw, undefined)
        if (waited) await raw.waiting(() => wait({ ...waited, caller }, services))
        await raw.reserve(rateLimitKey, kind?.heldBytes(bodyBounds) ?? 0, declaration.answerBytes ?? 0)
        const request = waited ?? parsed(raw, kind && (await raw.body(kind, bodyBounds)))
        const answer = await handler({ ...request, caller }, services)
        // Parsed too, so that a column can never get out by accident.
        return { ...answer, body: success[answer.status]?.parse(answer.body) }
      },
    }
  }
