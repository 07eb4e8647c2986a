// A request as routes see it, before anything of it was believed.
import type { Request, Response } from 'express'
import { type BodyBounds, type BodyKind, ClientGone } from './body.ts'
import { beginWaiting } from './request-log.ts'
import type { Room } from './room.ts'
import type { RawRequest } from './route.ts'

/** What every request of a router is handled with. */
export interface Handling {
  /** The key under which requests from an address of the network are counted. */
  keyOf(address: string): string
  /** How long bodies may take to arrive, if it is another time than `defaultBody` says, in milliseconds. */
  readonly bodyMs: number | undefined
  readonly room: Room
}

/**
 * Most routes look at a few members only, so each is read when it is asked for. Of headers that may be sent once, `requireClearFraming`
 * refuses some that came twice; others Node joins with commas, which no parser here accepts.
 */
export class Incoming implements RawRequest {
  readonly #req: Request
  readonly #res: Response
  readonly #handling: Handling
  readonly params: Readonly<Record<string, string>>
  #address: string | undefined

  constructor(req: Request, res: Response, params: Readonly<Record<string, string>>, handling: Handling) {
    this.#req = req
    this.#res = res
    this.params = params
    this.#handling = handling
  }

  get authorization() {
    return this.#req.headers.authorization
  }
  get address() {
    this.#address ??= this.#handling.keyOf(this.ip)
    return this.#address
  }
  get ip() {
    // Without the header, Express comes to the same in a longer way.
    return (this.#req.headers['x-forwarded-for'] === undefined ? this.peer : this.#req.ip) ?? ''
  }
  get peer() {
    return this.#req.socket.remoteAddress ?? ''
  }
  get query() {
    return this.#req.query
  }
  get headers() {
    return this.#req.headers
  }
  get target() {
    const { originalUrl, path } = this.#req
    const at = originalUrl.indexOf('?')
    return { path, search: at < 0 ? '' : originalUrl.slice(at) }
  }
  get ifMatch() {
    return this.#req.headers['if-match']
  }
  get ifNoneMatch() {
    return this.#req.headers['if-none-match']
  }

  get client() {
    const { address } = this
    const res = this.#res
    return {
      address,
      gone() {
        const gone = new AbortController()
        res.once('close', () => gone.abort())
        if (res.closed) gone.abort()
        return gone.signal
      },
    }
  }

  async waiting(wait: () => Promise<void>) {
    const end = beginWaiting(this.#res)
    await wait().finally(end)
    if (this.#res.closed) throw new ClientGone()
  }

  async reserve(key: string, bodyBytes: number, answerBytes: number) {
    const { room } = this.#handling
    const announced = Number(this.#req.headers['content-length'] ?? bodyBytes)
    const release = await room.take(key, Math.min(announced, bodyBytes) + answerBytes, () =>
      this.#res.destroy(),
    )
    this.#res.once('close', release)
    if (this.#res.closed) {
      release()
      throw new ClientGone()
    }
  }

  body(kind: BodyKind, bounds: BodyBounds) {
    const { bodyMs } = this.#handling
    const exchange = { req: this.#req, res: this.#res }
    return kind.read(exchange, bodyMs === undefined ? bounds : { ...bounds, ms: bodyMs })
  }
}
