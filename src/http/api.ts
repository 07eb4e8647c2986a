// An API: its routes, who may call them, what they work with, and how it writes failures. The router serves several side by side.
import type { ServerResponse } from 'node:http'
import type { Failure } from '../domain/failure.ts'
import { sendWhole } from './content.ts'
import type { Door, RawRequest, Route, RouteAnswer } from './route.ts'

/** A failure as it is sent. */
export interface WrittenFailure {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer
}

/** What a form may know of the request that failed. */
export interface FailedRequest {
  readonly method: string
  readonly path: string
  readonly accept: string | undefined
  readonly requestId: string
}

/** How an API writes failures. */
export type ErrorForm = (failure: Failure, request: FailedRequest) => WrittenFailure

/** Sends a failure as the whole answer. */
export const sendFailure = (res: ServerResponse, { status, headers, body }: WrittenFailure): void =>
  sendWhole(res, status, headers, body)

/** A route with all that it works with. */
interface ServedRoute {
  readonly method: string
  readonly path: string
  readonly pattern?: RegExp
  answer(request: RawRequest): Promise<RouteAnswer>
}

/** What the router knows of an API. */
export interface Api {
  readonly routes: readonly ServedRoute[]
  readonly errorForm: ErrorForm
  /** With which status OPTIONS is answered; unless it is said, OPTIONS is a method that the paths do not have. */
  readonly optionsStatus?: 200 | 204
  readonly area?: ApiArea
}

/** A part of all paths that belongs to one API, whether it has a route there or not. */
export interface ApiArea {
  has(path: string): boolean
  /** Pages of which other origins may read the answers (CORS); their scripts send what they like, with a token and without cookies. */
  readonly origins: readonly string[]
}

/** Puts an API together. */
export const createApi = <Services, C, Limit extends string>({
  routes,
  services,
  door,
  ...api
}: {
  readonly routes: readonly Route<Services, C, Limit>[]
  readonly services: Services
  readonly door: Door<C, Limit>
} & Pick<Api, 'area' | 'errorForm' | 'optionsStatus'>): Api => ({
  ...api,
  routes: routes.map((route) => ({
    method: route.method.toUpperCase(),
    path: route.path,
    ...(route.pattern && { pattern: route.pattern }),
    answer: (request) => route.answer(request, services, door),
  })),
})
