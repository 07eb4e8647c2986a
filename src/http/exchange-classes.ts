// What requests and answers are made as: Express's own from the start, and every answer with the headers that all have, whoever
// writes it.
import { IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import express, { type Express } from 'express'
import { commonHeaders } from './common-headers.ts'
import { requestIdOf } from './request-log.ts'

/** Headers of every answer for which nothing else is said. */
const usual: readonly (readonly [name: string, value: string])[] = [
  ...commonHeaders,
  ['Cache-Control', 'no-store'],
]
const usualNames = new Set(usual.map(([name]) => name))
const usualList = usual.flat()

/** Answers that every site may show in a frame. */
export const framable = new WeakSet<ServerResponse>()

/** @param headers what an answer is begun with; Node lets it have precedence over what was set before */
function setUsual(res: ServerResponse, headers: OutgoingHttpHeaders): void {
  res.setHeader('X-Request-Id', requestIdOf(res))
  for (const [name, value] of usual) {
    const isLeftOut = name === 'X-Frame-Options' && framable.has(res)
    if (!isLeftOut && headers[name] === undefined && !res.hasHeader(name)) res.setHeader(name, value)
  }
}

export interface ExchangeClasses {
  readonly IncomingMessage: typeof IncomingMessage
  readonly ServerResponse: typeof ServerResponse
}

const made = new WeakMap<Express, ExchangeClasses>()

/**
 * The classes of an application's requests and answers, for `createServer`. Express works with those of Node, too, but gives each of
 * them another prototype, after which all code that looks at it is slower.
 */
export function exchangeClasses(app: Express): ExchangeClasses {
  const known = made.get(app)
  if (known) return known
  class AppRequest extends IncomingMessage {}
  class AppResponse<Request extends IncomingMessage> extends ServerResponse<Request> {
    override writeHead(
      status: number,
      reason?: string | OutgoingHttpHeaders | OutgoingHttpHeader[],
      others?: OutgoingHttpHeaders | OutgoingHttpHeader[],
    ): this {
      const given = typeof reason === 'string' ? others : reason
      if (Array.isArray(given)) throw new TypeError('Headers are written as an object here')
      const headers = given ?? {}
      const entries = Object.entries(headers)
      if (this.getHeaderNames().length > 0 || entries.some(([name]) => usualNames.has(name))) {
        setUsual(this, headers)
        return super.writeHead(status, headers)
      }
      // One list for all: where nothing was set before, Node writes it as it is.
      const list: OutgoingHttpHeader[] = [...usualList, 'X-Request-Id', requestIdOf(this)]
      for (const [name, value] of entries) if (value !== undefined) list.push(name, value)
      return super.writeHead(status, list)
    }
  }
  Object.setPrototypeOf(AppRequest.prototype, express.request)
  Object.setPrototypeOf(AppResponse.prototype, express.response)
  Object.assign(AppRequest.prototype, { app })
  Object.assign(AppResponse.prototype, { app })
  Object.assign(app, { request: AppRequest.prototype, response: AppResponse.prototype })
  const classes = { IncomingMessage: AppRequest, ServerResponse: AppResponse }
  made.set(app, classes)
  return classes
}
