// Lets pages of other origins read the answers of an API that says so (CORS).
import type { Request, Response } from 'express'
import type { ApiArea } from './api.ts'

/** For how long browsers may remember what another origin may send, in seconds: a day, of which they take what they like. */
const preflightAge = '86400'

/**
 * Tells browsers which pages may read the answers of the area that a path is in, errors too, and beforehand what they may ask (Fetch
 * Standard, "HTTP extensions"). Credentials are allowed because clients say that they send some; no API here looks at cookies.
 * @returns whether that was all that was asked, and is answered
 */
export function answerOrigin(areas: readonly ApiArea[], req: Request, res: Response): boolean {
  const area = areas.find((one) => one.has(req.path))
  if (!area) return false
  res.vary('Origin')
  const { origin } = req.headers
  if (origin === undefined || !area.origins.includes(origin)) return false
  res.setHeader('Access-Control-Allow-Origin', origin)
  res.setHeader('Access-Control-Allow-Credentials', 'true')
  const method = req.headers['access-control-request-method']
  if (req.method !== 'OPTIONS' || method === undefined) return false
  res.locals.route = 'preflight'
  res.setHeader('Access-Control-Allow-Methods', method)
  const headers = req.headers['access-control-request-headers']
  if (headers !== undefined) res.setHeader('Access-Control-Allow-Headers', headers)
  res.setHeader('Access-Control-Max-Age', preflightAge)
  res.writeHead(204).end()
  return true
}
