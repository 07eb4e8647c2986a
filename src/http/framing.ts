// What a request may say about itself once: where two readers could understand it in two ways, it is refused (RFC 9112, section 11.2).
import type { IncomingMessage } from 'node:http'
import { Failure } from '../domain/failure.ts'

/** Node keeps the first of these and drops the others; a proxy in front may have gone by the last. */
const single = new Set(['host', 'authorization', 'content-type'])

const refuse = (name: string, message: string) =>
  new Failure('malformed-request', `The request cannot be understood in one way: ${name}.`, {
    errors: [{ path: name, message }],
  })

/** Throws if a header that may stand in a request once stands there twice, or if the body has a coding other than chunked. */
export function requireClearFraming({ headers, httpVersion, rawHeaders }: IncomingMessage): void {
  const seen: string[] = []
  // Names stand between values.
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase()
    if (!single.has(name)) continue
    if (seen.includes(name)) throw refuse(name, 'Expected this header once')
    seen.push(name)
  }
  const coding = headers['transfer-encoding']
  if (coding === undefined) return
  // RFC 9112, section 6.1, would have 501 for a coding that is not known. That is a status of the server's faults, for which alerts
  // look, and a stranger could ring them.
  if (httpVersion === '1.0') throw refuse('transfer-encoding', 'Expected Content-Length in HTTP/1.0')
  if (coding.toLowerCase() !== 'chunked') throw refuse('transfer-encoding', 'Expected chunked, or none')
}
