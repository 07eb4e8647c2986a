// Requests without the SDK, and what is answered.
import { type Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { z } from 'zod'
import { Problem } from '../../src/contract/problems.ts'

/** Whatever can be asked over HTTP. */
export interface Server {
  readonly url: string
  /** The connections to use; Node's own unless said otherwise. */
  readonly agent?: Agent
}

export interface RawRequest {
  readonly method?: string
  readonly path: string
  /** An access token. */
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as it is, as `application/json` unless the headers say otherwise. */
  readonly raw?: string | Uint8Array
}

export interface RawAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** Sends exactly what it is told, paths as they are, and resolves with whatever is answered. */
export function send({ url, agent }: Server, request: RawRequest): Promise<RawAnswer> {
  const { method = 'GET', path, token, headers, body } = request
  const content = request.raw ?? (body === undefined ? undefined : JSON.stringify(body))
  return new Promise((resolve, reject) => {
    const { protocol, hostname, port } = new URL(url)
    const outgoing = (protocol === 'https:' ? httpsRequest : httpRequest)(
      {
        hostname,
        port,
        path,
        method,
        ...(agent && { agent }),
        headers: {
          ...(token !== undefined && { Authorization: `Bearer ${token}` }),
          ...(content !== undefined && {
            'Content-Type': 'application/json',
            ...(headers?.['Transfer-Encoding'] === undefined && {
              'Content-Length': Buffer.byteLength(content),
            }),
          }),
          ...headers,
        },
      },
      (incoming) => {
        const chunks: Uint8Array[] = []
        incoming.on('data', (chunk: Uint8Array) => chunks.push(chunk))
        incoming.on('error', reject)
        const answered = () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            text: Buffer.concat(chunks).toString(),
          })
        incoming.on('end', answered)
        // Of a stream that does not end by itself, that it has begun is the answer.
        if (method !== 'HEAD' && incoming.headers['content-type']?.startsWith('text/event-stream')) {
          answered()
          outgoing.destroy()
        }
      },
    )
    outgoing.on('error', reject)
    outgoing.end(content)
  })
}

/** The body of an answer, which must be of the shape. */
export const bodyOf = <T>(shape: z.ZodType<T>, { text }: RawAnswer): T => shape.parse(JSON.parse(text))

/** The code of a problem, or the status of an answer that is none. */
export const outcomeOf = (answer: RawAnswer): string =>
  /^application\/problem\+json/.test(answer.headers['content-type'] ?? '')
    ? `${answer.status} ${bodyOf(Problem, answer).code}`
    : String(answer.status)
