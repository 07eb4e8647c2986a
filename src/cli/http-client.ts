// How the command line reaches a server: over Node's own HTTP, because its `fetch` takes 80 ms of processor time to load.
import http, { type IncomingMessage } from 'node:http'
import type { Fetch, FetchAnswer } from '../sdk/request.ts'

const redirects = new Set([301, 302, 303, 307, 308])

/** The body as `fetch` gives it: in pieces, as they arrive. */
function bodyOf(answer: IncomingMessage): NonNullable<FetchAnswer['body']> {
  const cancel = async () => {
    answer.destroy()
  }
  return {
    cancel,
    getReader() {
      const pieces = answer.iterator()
      return {
        cancel,
        async read() {
          const { done = false, value } = await pieces.next()
          return done ? { done } : { done, value }
        },
      }
    },
  }
}

function headerOf({ headers }: IncomingMessage, name: string): string | null {
  const value = headers[name.toLowerCase()]
  return (Array.isArray(value) ? value.join(', ') : value) ?? null
}

/** Sends one request, over a connection that stays for the next one. */
export const fetchOverHttp: Fetch = async (url, { method, headers, body, signal }) => {
  const { request } = url.startsWith('https:') ? await import('node:https') : http
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    // Node gives no length to the body of a DELETE.
    const length = body === undefined ? undefined : { 'Content-Length': Buffer.byteLength(body) }
    request(url, { method, headers: { ...headers, ...length }, signal }, resolve)
      .on('error', reject)
      .end(body)
  })
  const { statusCode: status = 0 } = answer
  if (redirects.has(status)) {
    answer.destroy()
    throw Object.assign(new Error('The server redirects'), { code: 'ERR_REDIRECTED' })
  }
  return {
    ok: status >= 200 && status < 300,
    status,
    headers: { get: (name) => headerOf(answer, name) },
    body: bodyOf(answer),
  }
}
