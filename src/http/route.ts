// A route is declared once: what it is called, who may call it, what goes in and out, what can go wrong, and its handler.
import { z } from 'zod'
import type { ProblemCode } from '../contract/problems.ts'
import type { Tag } from '../contract/tags.ts'
import { Failure } from '../domain/failure.ts'
import type { RateLimit } from '../domain/rate-limits/budgets.ts'
import { type BodyBounds, strangersBody, usualBody } from './body.ts'
import type { OptionalPrecondition, RequiredPrecondition } from './precondition.ts'

/** The parts of a request that a route takes. A query that is not declared must be empty; a body that is not is not read. */
type RequestShape = Readonly<{
  params?: z.ZodObject
  query?: z.ZodObject
  body?: z.ZodType
  /** If the route looks at If-Match and If-None-Match: how. */
  precondition?: typeof OptionalPrecondition | typeof RequiredPrecondition
}>

/** What each kind of `auth` gives to the handler. A public route that touches its caller does not compile. */
export interface Callers {
  public: undefined
}

/** Finds out who calls; throws `not-authenticated`. `countedAs` is the key under which rate limits count the request. */
export type Authenticators<C extends Callers> = {
  readonly [Auth in keyof C]: (request: RawRequest) => Promise<{ caller: C[Auth]; countedAs: string }>
}

/** A request before anything of it was believed. */
export interface RawRequest {
  readonly authorization: string | undefined
  /** Where it came from, as it is counted (`addressKey`). */
  readonly address: string
  readonly params: unknown
  readonly query: unknown
  readonly ifMatch: string | undefined
  readonly ifNoneMatch: string | undefined
  /**
   * Waits until there is room for a body of at most `bodyBytes`, or what is announced of it, and an answer of `answerBytes`;
   * both are given back when the request is over.
   */
  reserve(key: string, bodyBytes: number, answerBytes: number): Promise<void>
  /** Reads the JSON body; throws if it is missing, beyond the bounds, or not JSON. */
  body(bounds: BodyBounds): Promise<unknown>
}

/** The status codes of success and the body that comes with each; null where there is none. */
type Success = { readonly [status: number]: z.ZodType | null }

/** Headers of successful answers that not every answer has. */
export type AnswerHeader = 'ETag' | 'Location' | 'Limpet-Passphrase'

/** Which of them a route answers with, by status. */
type AnswerHeaders = { readonly [status: number]: readonly AnswerHeader[] }

/** An answer before it is written. `etag` is a revision; `location` a path of this server. */
export interface RouteAnswer {
  readonly status: number
  readonly body?: unknown
  readonly etag?: number
  readonly location?: string
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
  [Status in keyof S]: { status: Status } & WithHeaders<HeaderAt<H, Status>> &
    (S[Status] extends z.ZodType ? { body: z.input<S[Status]> } : { body?: never })
}[keyof S]

interface Description {
  readonly method: 'get' | 'head' | 'post' | 'put' | 'delete'
  /** Parameters stand in braces, as in OpenAPI. */
  readonly path: `/${string}`
  /** A verb and a noun, of one meaning for ever: what generated clients call it. */
  readonly operationId: string
  readonly tag: Tag
  readonly summary: string
  /** What the summary leaves open. */
  readonly description: string
  readonly limit: RateLimit
  /** What can go wrong beyond what every route of its kind has (`commonProblems`). */
  readonly problems: readonly ProblemCode[]
  /** Where the body may be larger than `usualBody`, or `strangersBody` where strangers may call: in which respect. */
  readonly bodyBounds?: Partial<BodyBounds>
  /** How large an answer can be, if it can be more than a few KiB. */
  readonly answerBytes?: number
}

/** @public named by the declarations that a build writes */
export interface Declaration<
  Services,
  C extends Callers,
  Auth extends keyof C,
  Shape extends RequestShape,
  S extends Success,
  H extends AnswerHeaders,
> extends Description {
  readonly auth: Auth
  readonly request: Shape
  readonly success: S
  readonly headers?: H
  handler(
    request: z.output<z.ZodObject<Shape>> & { caller: C[Auth] },
    services: Services,
  ): Promise<AnswerOf<S, H> & RouteAnswer>
}

/** What guards every route: who calls, and how often. */
export interface Door<C extends Callers> {
  readonly authenticate: Authenticators<C>
  readonly count: (limit: RateLimit, key: string) => Promise<void>
}

/** What `mount` and `openApiDocument` know of every route, whatever its types. */
export interface Route<Services, C extends Callers> extends Description {
  readonly auth: keyof C
  readonly request: RequestShape
  readonly success: Success
  readonly headers?: AnswerHeaders
  /** From an unbelieved request to an answer that fits `success`, or a thrown problem. */
  answer(request: RawRequest, services: Services, door: Door<C>): Promise<RouteAnswer>
}

/** Enough to find every mistake of an honest client, and an end to what a dishonest one can make the server write. */
const mostErrors = 20
const longestMessage = 200

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

function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  throw new Failure('malformed-request', 'The request is not as the contract says.', {
    errors: result.error.issues
      .flatMap(concrete)
      .slice(0, mostErrors)
      .map(({ path, message }) => ({
        path: path.map(String).join('.').slice(0, longestMessage),
        message: message.slice(0, longestMessage),
      })),
  })
}

const noQuery = z.object({ query: z.strictObject({}) })

/**
 * Makes the function that declares routes over one kind of services and callers.
 * The order in `answer` matters: nobody makes the server read or parse a body before it is known who asks and how often.
 * @param strangers the kinds of `auth` that let anybody in: little is read from them
 */
export const routeFor =
  <Services, C extends Callers>(strangers: readonly (keyof C)[]) =>
  <
    const Auth extends keyof C,
    const S extends Success,
    const Shape extends RequestShape,
    const H extends AnswerHeaders = Record<never, never>,
  >(
    declaration: Declaration<Services, C, Auth, Shape, S, H>,
  ): Route<Services, C> => {
    const { auth, handler, limit, request: shape, success } = declaration
    const schema = z.object(shape)
    const usual = strangers.includes(auth) ? strangersBody : usualBody
    const bodyBounds = { ...usual, ...declaration.bodyBounds }
    return {
      ...declaration,
      async answer(raw, services, door) {
        const { caller, countedAs } = await door.authenticate[auth](raw)
        await door.count(limit, countedAs)
        if (!shape.query) parse(noQuery, raw)
        await raw.reserve(countedAs, shape.body ? bodyBounds.bytes : 0, declaration.answerBytes ?? 0)
        const body = shape.body ? await raw.body(bodyBounds) : undefined
        const request = parse(schema, {
          params: raw.params,
          query: raw.query,
          body,
          precondition: { ifMatch: raw.ifMatch, ifNoneMatch: raw.ifNoneMatch },
        })
        const answer = await handler({ ...request, caller }, services)
        // Parsed too, so that a column can never get out by accident.
        return { ...answer, body: success[answer.status]?.parse(answer.body) }
      },
    }
  }
