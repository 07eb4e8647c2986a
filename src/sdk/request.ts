// One request to a Limpet server, and its answer: JSON in and out, bounded in time and size, with typed errors. SDK and pages send
// by it. Without zod, because what pages import, every reader loads.
import type { Problem } from '../contract/problems.ts'
import { limits } from '../contract/sizes.ts'
import { RefusedError } from '../protocol/refused.ts'
import { NetworkError, ProblemError } from './errors.ts'

/** Milliseconds that a server may keep silent after a request, and that the rest of its answer may then take. */
const [silenceMs, restMs] = [15_000, 60_000]

/** What is sent takes time before an answer can come: bytes in a millisecond over a slow line. */
const slowLine = 50

export interface Request {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  /** Below the server's URL, such as `/api/v1/vaults`. */
  readonly path: string
  readonly body?: unknown
  /** A body of bytes in place of JSON. */
  readonly bytes?: Uint8Array<ArrayBuffer>
  readonly headers?: Readonly<Record<string, string>>
  /** False for what must not happen twice when an answer is lost. */
  readonly repeatable?: boolean
  /** Milliseconds until the answer begins, where that is not the usual. */
  readonly timeoutMs?: number
  /** Gives the request up: it then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** The header for a write over this revision, or over whatever is there. */
export const ifMatch = (revision: number | undefined): Record<string, string> =>
  revision === undefined ? {} : { 'If-Match': `"${revision}"` }

/** Names are taken in any case. */
type AnswerHeaders = Pick<Headers, 'get'>

export interface AnswerReader {
  read(): Promise<{ done: false; value: Uint8Array } | { done: true; value?: Uint8Array | undefined }>
  cancel(): Promise<void>
}

/** What `fetch` answers, as far as it is looked at here. */
export interface FetchAnswer {
  readonly ok: boolean
  readonly status: number
  readonly headers: AnswerHeaders
  readonly body: { getReader(): AnswerReader; cancel(): Promise<void> } | null
}

/** The platform's `fetch`, or what does the same; it rejects where there is no answer, and where there is a redirect. */
export type Fetch = (
  url: string,
  request: {
    method: string
    headers: Record<string, string>
    body?: string | Uint8Array<ArrayBuffer>
    signal: AbortSignal
    redirect: 'error'
    credentials: 'omit'
    cache: 'no-store'
  },
) => Promise<FetchAnswer>

export interface Answer {
  readonly status: number
  readonly headers: AnswerHeaders
  /** Parsed JSON; undefined for a body that is none. */
  readonly body: unknown
}

export interface Connection {
  /** The server's URL without a slash at its end. */
  readonly server: string
  readonly fetch: Fetch
  /** Reads the problem of an answer that is no success. @returns undefined if it is not one of Limpet */
  readonly problemOf: (answer: Answer, method: Request['method']) => Problem | undefined
}

const tooLarge = () =>
  new RefusedError(
    `The server's answer is larger than the ${limits.answerBytes} bytes that an answer may have. The rest was not read.`,
  )

/** The body as text, read only as far as an answer may be long: a hostile server must not fill the memory. */
async function readText({ body, headers }: FetchAnswer): Promise<string> {
  if (!body) return ''
  if (Number(headers.get('Content-Length') ?? 0) > limits.answerBytes) {
    // Not waited for: what it would fail with has nothing to add.
    body.cancel().catch(() => {})
    throw tooLarge()
  }
  const reader = body.getReader()
  const decoder = new TextDecoder()
  const parts: string[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new NetworkError('The answer broke off')
    })
    if (done) return parts.join('') + decoder.decode()
    length += value.length
    if (length > limits.answerBytes) {
      reader.cancel().catch(() => {})
      throw tooLarge()
    }
    parts.push(decoder.decode(value, { stream: true }))
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

interface Sent {
  readonly headers: Record<string, string>
  readonly body?: string | Uint8Array<ArrayBuffer>
}

/** The headers of a request, and its body if it has one. */
function toSend({ body, bytes, headers }: Request): Sent {
  const typed = (type: string) => ({ ...headers, 'Content-Type': type })
  if (bytes) return { headers: typed('application/octet-stream'), body: bytes }
  if (body === undefined) return { headers: { ...headers } }
  return { headers: typed('application/json'), body: JSON.stringify(body) }
}

const fetchAnswer = (
  { server, fetch }: Connection,
  { method, path }: Request,
  sent: Sent,
  signal: AbortSignal,
): Promise<FetchAnswer> =>
  fetch(server + path, {
    method,
    redirect: 'error',
    credentials: 'omit',
    cache: 'no-store',
    signal,
    ...sent,
  }).catch((error: unknown) => {
    const cause: unknown = signal.aborted ? signal.reason : error
    throw new NetworkError(`The server at ${server} does not answer`, { server, cause })
  })

/** The whole answer. Throws what stands in it, unless it is a success. */
async function readAnswer(
  { problemOf }: Connection,
  { method }: Request,
  response: FetchAnswer,
): Promise<Answer> {
  const { status } = response
  const answer = { status, headers: response.headers, body: parseJson(await readText(response)) }
  if (response.ok || status === 304) return answer
  const problem = problemOf(answer, method)
  if (problem) throw new ProblemError(problem, Number(answer.headers.get('Retry-After') ?? 0))
  throw new NetworkError(`The answer (status ${status}) is not one of a Limpet server`)
}

/**
 * Sends a request once.
 * @throws ProblemError, NetworkError, RefusedError for an answer that is too large, and the reason of the request's signal
 */
export async function sendOnce(connection: Connection, request: Request): Promise<Answer> {
  const { signal } = request
  const sent = toSend(request)
  const patience = request.timeoutMs ?? silenceMs + (sent.body?.length ?? 0) / slowLine
  const given = new AbortController()
  const giveUp = () => given.abort(new DOMException('The server keeps silent', 'TimeoutError'))
  const follow = () => given.abort(signal?.reason)
  let timer = setTimeout(giveUp, patience)
  signal?.addEventListener('abort', follow, { once: true })
  if (signal?.aborted) follow()
  try {
    const answer = await fetchAnswer(connection, request, sent, given.signal)
    clearTimeout(timer)
    timer = setTimeout(giveUp, restMs)
    return await readAnswer(connection, request, answer)
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    clearTimeout(timer)
    // One signal may live through thousands of requests.
    signal?.removeEventListener('abort', follow)
  }
}

/**
 * Begins a request whose answer comes bit by bit, for as long as `signal` is not aborted.
 * @param success what a success is; everything else is not one of a Limpet server
 * @throws like `sendOnce`
 */
export async function openStream(
  connection: Connection,
  request: Request & { readonly signal: AbortSignal },
  success: { readonly mediaType: string; readonly status: number },
): Promise<AnswerReader> {
  try {
    const response = await fetchAnswer(connection, request, toSend(request), request.signal)
    if (!response.ok) await readAnswer(connection, request, response)
    const [type] = (response.headers.get('Content-Type') ?? '').split(';')
    if (
      response.status === success.status &&
      type?.trim().toLowerCase() === success.mediaType &&
      response.body
    )
      return response.body.getReader()
    response.body?.cancel().catch(() => {})
    throw new NetworkError('The answer is not one of a Limpet server')
  } catch (error) {
    request.signal.throwIfAborted()
    throw error
  }
}
