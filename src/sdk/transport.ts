// Requests to a Limpet server: JSON in and out, typed errors, repeated where that is safe, with a token that renews itself.

import type { z } from 'zod'
import { SessionTokens } from '../contract/accounts.ts'
import { sessionPaths } from '../contract/paths.ts'
import { limits } from '../contract/primitives.ts'
import { Problem, type ProblemCode, problemCatalogue } from '../contract/problems.ts'
import { LoggedOutError, NetworkError, ProblemError, RefusedError } from './errors.ts'
import { ended, isEnded, type SessionState, type SessionStorage } from './session-storage.ts'

/** Milliseconds before a request without an answer counts as lost. */
const timeoutMs = 30_000

/** Waits between the tries of a request whose answer was lost, or that the server asked to repeat, in milliseconds. */
const retryDelays = [200, 1000]

/** The longest `Retry-After` that is waited for, in seconds; beyond it the caller is told. */
const longestRetryAfter = 5

export interface Request {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  /** Below the server's URL, such as `/api/v1/vaults`. */
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** False for what must not happen twice when an answer is lost. */
  readonly repeatable?: boolean
}

export interface Answer {
  readonly status: number
  readonly headers: AnswerHeaders
  readonly body: unknown
}

/** Names are taken in any case. */
type AnswerHeaders = Pick<Headers, 'get'>

interface AnswerReader {
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
    body?: string
    signal: AbortSignal
    redirect: 'error'
    credentials: 'omit'
    cache: 'no-store'
  },
) => Promise<FetchAnswer>

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\]|.*\.localhost)$/

/** Checks a server's URL and takes the slashes off its end; throws a TypeError for what must not be used. */
export function serverUrl(text: string, allowInsecure: boolean): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username)
    throw new TypeError(`"${text}" is not the URL of a server. It looks like https://vault.example.com`)
  if (url.protocol === 'http:' && !allowInsecure && !loopback.test(url.hostname))
    throw new TypeError(
      'The server must be reached over https: over http others on the way can log in as you',
    )
  return url.href.replace(/\/+$/, '')
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** The body in the schema's shape, or undefined where it has another. */
function parsed<T>(schema: z.ZodType<T>, body: unknown): T | undefined {
  try {
    return schema.safeParse(body).data
  } catch {
    // A hostile server's text of many megabytes takes a regular expression beyond its stack.
    return undefined
  }
}

/** What the status alone says: the answer to a HEAD has no body. */
const bodilessProblems: Readonly<Record<number, ProblemCode>> = {
  404: 'not-found',
  429: 'too-many-requests',
  500: 'internal-error',
  503: 'unavailable',
}

function problemOf({ status, headers }: FetchAnswer): Problem | undefined {
  const code = bodilessProblems[status]
  if (code === undefined) return undefined
  const { title, help: detail } = problemCatalogue[code]
  return { type: 'about:blank', title, status, detail, code, requestId: headers.get('X-Request-Id') ?? '' }
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

async function readAnswer(response: FetchAnswer, method: Request['method']): Promise<Answer> {
  const text = await readText(response)
  let body: unknown
  try {
    body = text === '' ? undefined : JSON.parse(text)
  } catch {
    body = undefined
  }
  const { ok, status, headers } = response
  if (ok || status === 304) return { status, headers, body }
  const problem = method === 'HEAD' ? problemOf(response) : parsed(Problem, body)
  if (problem) throw new ProblemError(problem)
  throw new NetworkError(`The answer (status ${status}) is not one of a Limpet server`)
}

/** How long to wait before the next try in milliseconds, or undefined where there is to be none. */
function retryDelay(error: unknown, tries: number, retryAfter: number): number | undefined {
  const delay = retryDelays[tries]
  if (delay === undefined) return undefined
  if (error instanceof NetworkError) return delay
  const later = error instanceof ProblemError && (error.status === 429 || error.status === 503)
  return later && retryAfter <= longestRetryAfter ? Math.max(delay, retryAfter * 1000) : undefined
}

export class Transport {
  readonly server: string
  readonly #fetch: Fetch
  readonly #storage: SessionStorage
  #refreshing: Promise<SessionState> | undefined

  /** @param server as `serverUrl` returns it */
  constructor(server: string, storage: SessionStorage, fetch: Fetch = globalThis.fetch) {
    this.server = server
    this.#storage = storage
    // Browsers insist on being called with their own `this`.
    this.#fetch = (input, init) => fetch(input, init)
  }

  /** Sends without a session. Throws ProblemError and NetworkError. */
  async send<T>(schema: z.ZodType<T>, request: Request): Promise<T> {
    return this.#parse(schema, await this.anonymous(request))
  }

  /** Like `send`, for answers whose body does not matter. */
  anonymous(request: Request): Promise<Answer> {
    return this.#sendPatiently(request, undefined)
  }

  /** Sends with the session's access token, renewed when it has run out. Throws LoggedOutError too. */
  async sendAuthorized<T>(schema: z.ZodType<T>, request: Request): Promise<T> {
    return this.#parse(schema, await this.authorized(request))
  }

  /** Like `sendAuthorized`, for answers whose body does not matter. */
  async authorized(request: Request): Promise<Answer> {
    const state = await this.#state()
    try {
      return await this.#sendPatiently(request, state.accessToken)
    } catch (error) {
      if (!(error instanceof ProblemError && error.code === 'not-authenticated')) throw error
    }
    const renewed = await this.#renewed(state.accessToken)
    return this.#sendPatiently(request, renewed.accessToken)
  }

  #parse<T>(schema: z.ZodType<T>, { body }: Answer): T {
    const data = parsed(schema, body)
    if (data === undefined) throw new NetworkError('The answer is not as the contract says')
    return data
  }

  async #state(): Promise<SessionState> {
    const state = await this.#storage.load()
    if (!state || isEnded(state)) throw new LoggedOutError('There is no session. Log in first.')
    // A storage may hold the session of another server, which this one must not get hold of.
    if (state.server !== this.server)
      throw new LoggedOutError('There is no session with this server. Log in first.')
    return state
  }

  /** The session with another access token than the one that was refused; several callers share one refresh. */
  async #renewed(refusedToken: string): Promise<SessionState> {
    const state = await this.#state()
    // Another process may have renewed it in the meantime.
    if (state.accessToken !== refusedToken) return state
    this.#refreshing ??= this.#refresh(state).finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #refresh(state: SessionState): Promise<SessionState> {
    try {
      // Repeatable: for a minute the same use is answered with the same successor.
      const { accessToken, refreshToken } = await this.send(SessionTokens, {
        method: 'POST',
        path: sessionPaths.refresh,
        body: { refreshToken: state.refreshToken },
      })
      const renewed = { ...state, accessToken, refreshToken }
      await this.#storage.save(renewed)
      return renewed
    } catch (error) {
      if (!(error instanceof ProblemError && error.code === 'invalid-refresh-token')) throw error
      const current = await this.#storage.load()
      if (current && current.refreshToken !== state.refreshToken) return current
      await this.#storage.save(ended(state))
      throw new LoggedOutError('The session has ended. Log in again.')
    }
  }

  async #sendPatiently(request: Request, accessToken: string | undefined): Promise<Answer> {
    for (let tries = 0; ; tries++) {
      let retryAfter = 0
      try {
        const response = await this.#sendOnce(request, accessToken)
        retryAfter = Number(response.headers.get('retry-after') ?? 0)
        return await readAnswer(response, request.method)
      } catch (error) {
        // A 429 or 503 means that nothing was done, so that even what must not happen twice may be sent again.
        const repeatable = (request.repeatable ?? true) || error instanceof ProblemError
        const delay = repeatable ? retryDelay(error, tries, retryAfter) : undefined
        if (delay === undefined) throw error
        await pause(delay)
      }
    }
  }

  async #sendOnce(
    { method, path, body, headers }: Request,
    accessToken: string | undefined,
  ): Promise<FetchAnswer> {
    try {
      return await this.#fetch(`${this.server}${path}`, {
        method,
        redirect: 'error',
        credentials: 'omit',
        cache: 'no-store',
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          ...headers,
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
          ...(accessToken !== undefined && { Authorization: `Bearer ${accessToken}` }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
    } catch {
      throw new NetworkError(`The server at ${this.server} does not answer`)
    }
  }
}
