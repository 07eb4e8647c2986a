// Requests to a Limpet server: JSON in and out, typed errors, repeated where that is safe, with a token that renews itself.

import type { z } from 'zod'
import { SessionTokens } from '../contract/accounts.ts'
import { sessionPaths } from '../contract/paths.ts'
import { Problem, type ProblemCode, problemCatalogue } from '../contract/problems.ts'
import { LoggedOutError, NetworkError, ProblemError } from './errors.ts'
import {
  type Answer,
  type AnswerReader,
  type Connection,
  type Fetch,
  openStream,
  type Request,
  sendOnce,
} from './request.ts'
import { ended, isEnded, type SessionState, type SessionStorage } from './session-storage.ts'

/** Waits between the tries of a request whose answer was lost, or that the server asked to repeat, in milliseconds. */
const retryDelays = [200, 1000]

/** The longest `Retry-After` that is waited for, in seconds; beyond it the caller is told. */
const longestRetryAfter = 5

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

/** Waits, unless the signal ends that: then it throws the signal's reason. */
const pause = (ms: number, signal?: AbortSignal) =>
  unlessAborted(new Promise<void>((resolve) => setTimeout(resolve, ms)), signal)

/** What `work` gives; once the signal is aborted its reason, and the work goes on by itself. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

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

function bodilessProblem({ status, headers }: Answer): Problem | undefined {
  const code = bodilessProblems[status]
  if (code === undefined) return undefined
  const { title, help: detail } = problemCatalogue[code]
  return { type: 'about:blank', title, status, detail, code, requestId: headers.get('X-Request-Id') ?? '' }
}

const problemOf: Connection['problemOf'] = (answer, method) =>
  method === 'HEAD' ? bodilessProblem(answer) : parsed(Problem, answer.body)

/** A server that takes a request and keeps silent gets no second one: the person waits already. */
const keptSilent = ({ cause }: NetworkError) => cause instanceof Error && cause.name === 'TimeoutError'

/** How long to wait before the next try in milliseconds, or undefined where there is to be none. */
function retryDelay(error: unknown, tries: number): number | undefined {
  const delay = retryDelays[tries]
  if (delay === undefined) return undefined
  if (error instanceof NetworkError) return keptSilent(error) ? undefined : delay
  const later = error instanceof ProblemError && (error.status === 429 || error.status === 503)
  return later && error.retryAfter <= longestRetryAfter ? Math.max(delay, error.retryAfter * 1000) : undefined
}

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` })

export class Transport {
  readonly server: string
  readonly #connection: Connection
  readonly #storage: SessionStorage
  #refreshing: Promise<SessionState> | undefined

  /** @param server as `serverUrl` returns it */
  constructor(server: string, storage: SessionStorage, fetch: Fetch = globalThis.fetch) {
    this.server = server
    this.#storage = storage
    // Browsers insist on being called with their own `this`.
    this.#connection = { server, fetch: (input, init) => fetch(input, init), problemOf }
  }

  /** Sends without a session. Throws ProblemError and NetworkError. */
  async send<T>(schema: z.ZodType<T>, request: Request): Promise<T> {
    return this.#parse(schema, await this.anonymous(request))
  }

  /** Like `send`, for answers whose body does not matter. */
  anonymous(request: Request): Promise<Answer> {
    return this.#sendWithRetries(request)
  }

  /** Sends with the session's access token, renewed when it has run out. Throws LoggedOutError too. */
  async sendAuthorized<T>(schema: z.ZodType<T>, request: Request): Promise<T> {
    return this.#parse(schema, await this.authorized(request))
  }

  /** Like `sendAuthorized`, for answers whose body does not matter. */
  authorized(request: Request): Promise<Answer> {
    return this.withAccess((token) => this.#sendWithRetries(request, token), request.signal)
  }

  /**
   * Begins to read an event stream, with the session's access token. Nothing is repeated but after a renewal. Throws like
   * `sendAuthorized`, and the signal's reason.
   */
  events(path: string, signal: AbortSignal): Promise<AnswerReader> {
    return this.withAccess((token) => {
      const headers = { Accept: 'text/event-stream', ...bearer(token) }
      const success = { mediaType: 'text/event-stream', status: 200 }
      return openStream(this.#connection, { method: 'GET', path, headers, signal }, success)
    }, signal)
  }

  /**
   * Begins to read bytes from `start` on (RFC 9110, section 14.2), as `events` does.
   * @param signal gives it up, also while it is read
   */
  bytes(path: string, start: number, signal: AbortSignal): Promise<AnswerReader> {
    return this.withAccess((token) => {
      const headers = { ...bearer(token), ...(start > 0 && { Range: `bytes=${start}-` }) }
      const success = { mediaType: 'application/octet-stream', status: start > 0 ? 206 : 200 }
      return openStream(this.#connection, { method: 'GET', path, headers, signal }, success)
    }, signal)
  }

  /** Sends with the session's access token, and once more with another one where that has run out. */
  protected async withAccess<T>(
    send: (accessToken: string) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const state = await this.#state()
    try {
      return await send(state.accessToken)
    } catch (error) {
      if (!(error instanceof ProblemError && error.code === 'not-authenticated')) throw error
    }
    // Not given up with the request: the successor that comes has to be kept.
    const renewed = await unlessAborted(this.#renewed(state.accessToken), signal)
    return send(renewed.accessToken)
  }

  #parse<T>(schema: z.ZodType<T>, { body }: Answer): T {
    const data = parsed(schema, body)
    if (data === undefined) throw new NetworkError('The answer is not as the contract says')
    return data
  }

  async #state(): Promise<SessionState> {
    const state = await this.#storage.load()
    if (!state) throw new LoggedOutError('There is no session. Log in first.')
    if (isEnded(state)) throw new LoggedOutError('The session has ended. Log in again.')
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

  async #sendWithRetries(request: Request, accessToken?: string): Promise<Answer> {
    const authorization = accessToken !== undefined && bearer(accessToken)
    const authorized = { ...request, headers: { ...request.headers, ...authorization } }
    for (let tries = 0; ; tries++) {
      try {
        return await sendOnce(this.#connection, authorized)
      } catch (error) {
        // A 429 or 503 means that nothing was done, so that even what must not happen twice may be sent again.
        const repeatable = (request.repeatable ?? true) || error instanceof ProblemError
        const delay = repeatable ? retryDelay(error, tries) : undefined
        if (delay === undefined) throw error
        await pause(delay, request.signal)
      }
    }
  }
}
