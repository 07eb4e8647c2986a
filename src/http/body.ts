// Reads request bodies, within bounds. Nothing is read before a route asks for it here, so that it is known first who asks and how
// often. What a body is read as, its kind, stands in a file of its own: json-body, form-body, byte-body, multipart-body.
import { Readable } from 'node:stream'
import type { Request, Response } from 'express'
import type { z } from 'zod'
import { seconds } from '../clock.ts'
import { limits } from '../contract/sizes.ts'
import { Failure } from '../domain/failure.ts'
import { formatFileSize } from '../units.ts'
import type { StructureBounds } from './json-structure.ts'
import { announcesBody, keepOpen } from './unread-body.ts'

/** How much of a body is read, and for how long. */
export interface ArrivalBounds {
  /** As sent. */
  readonly bytes: number
  /** How long it may take to arrive, in milliseconds. */
  readonly ms: number
}

/** What a route takes as a body that is kept in memory. */
export type BodyBounds = ArrivalBounds & StructureBounds

/** What is enough for every route that does not say otherwise. */
export const defaultBody: BodyBounds = { bytes: limits.bodyBytes, ms: seconds(60), depth: 16, values: 500 }

/** What is enough where strangers ask, for every route that does not say otherwise: logins and proofs, also those of passkeys. */
export const strangerBody: BodyBounds = { ...defaultBody, bytes: limits.strangersBodyBytes }

/** The client closed the connection before its body was complete: nobody is left to be answered. */
export class ClientGone extends Error {
  override name = 'ClientGone'
}

/** A request whose body was not read yet, and its answer, which was not begun yet. */
export interface Exchange {
  readonly req: Request
  readonly res: Response
}

/** A way to read bodies. */
export interface BodyKind {
  /** As the contract calls it. */
  readonly mediaType: string
  /** How much of a body is in memory at the same time, with the bounds of its route. */
  heldBytes(bounds: BodyBounds): number
  /** Throws `not-json` for another media type, and `malformed-request`, `too-large` or `request-timeout` for what arrives. */
  read(exchange: Exchange, bounds: BodyBounds): Promise<unknown>
}

/** The kinds of the bodies whose schemas say one. */
const kinds = new WeakMap<z.ZodType, BodyKind>()

/** A schema of bodies that are read as `kind` says. */
export function ofKind<Schema extends z.ZodType>(schema: Schema, kind: BodyKind): Schema {
  const own = schema.clone()
  kinds.set(own, kind)
  return own
}

/** The kind that `ofKind` has made a schema of. @returns undefined if it was not */
export const kindOf = (schema: z.ZodType): BodyKind | undefined => kinds.get(schema)

export const tooLarge = (bytes: number) =>
  new Failure('too-large', `The body is larger than the ${formatFileSize(bytes)} that are allowed here.`)

export const malformedBody = (message: string) =>
  new Failure('malformed-request', 'The request body cannot be read.', {
    errors: [{ path: 'body', message }],
  })

export const wrongMediaType = (...mediaTypes: string[]) =>
  new Failure(
    'not-json',
    `Send ${mediaTypes.map((mediaType) => `"Content-Type: ${mediaType}"`).join(' or ')}.`,
  )

const tooSlow = (ms: number) =>
  new Failure('request-timeout', `The body did not arrive within ${Math.ceil(ms / 1000)} s.`)

const isIdentity = (contentEncoding: string | undefined) => /^(?:identity)?$/i.test(contentEncoding ?? '')

/** The media type of a body in lower case, without its parameters; empty without the header. */
export const mediaTypeOf = ({ headers }: Request): string =>
  (headers['content-type'] ?? '').split(';', 1).join().trim().toLowerCase()

/**
 * Looks at what a request says of its body. Throws `too-large` if the announced length is beyond `bounds.bytes`, and `not-json` if the
 * body is compressed.
 * @returns false if the request has no body
 */
function expectBody({ req }: Exchange, bounds: ArrivalBounds): boolean {
  if (!announcesBody(req)) return false
  if (!isIdentity(req.headers['content-encoding']))
    throw new Failure('not-json', 'The body must not be compressed.')
  if (Number(req.headers['content-length'] ?? 0) > bounds.bytes) throw tooLarge(bounds.bytes)
  if (req.destroyed) throw new ClientGone()
  return true
}

/** Asks a client for its body that waits to be asked. Node has not sent 100 Continue yet (RFC 9110, section 10.1.1): what is refused is not asked for. */
function askForBody({ req, res }: Exchange): void {
  if (/^100-continue$/i.test(req.headers.expect ?? '')) res.writeContinue()
}

/** Collects what arrives until it is complete, too much, too late, or cut off; then listens no more. */
function collect(req: Request, { bytes, ms }: ArrivalBounds): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const done = (settle: () => void) => {
      clearTimeout(patience)
      req.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone).pause()
      settle()
    }
    const onData = (chunk: Buffer) => {
      size += chunk.length
      if (size > bytes) done(() => reject(tooLarge(bytes)))
      else chunks.push(chunk)
    }
    const onEnd = () => done(() => resolve(Buffer.concat(chunks, size)))
    const onGone = () => done(() => reject(new ClientGone()))
    const patience = setTimeout(() => done(() => reject(tooSlow(ms))), ms)
    req.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone)
  })
}

/**
 * Reads a body of at most `bounds.bytes` bytes into memory. Throws `too-large` for a larger one, before anything of it is read if
 * its length is announced, and `not-json` if it is compressed.
 * @returns undefined if the request has no body
 */
export async function readBytes(exchange: Exchange, bounds: ArrivalBounds): Promise<Buffer | undefined> {
  if (!expectBody(exchange, bounds)) return undefined
  askForBody(exchange)
  const body = await collect(exchange.req, bounds)
  keepOpen(exchange.res)
  return body
}

/** Clients that send slower than this, after the time that every body has, hold a connection for nothing. */
const minBytesPerSecond = 4096

/**
 * A body as it arrives, read from the connection no faster than it is read here. It fails with `too-large` beyond `bounds.bytes`;
 * with `request-timeout` if nothing came for `bounds.ms`, or less than `minBytesPerSecond` for longer than that, while somebody
 * wanted to read; and with `ClientGone` if the connection was closed before the end. Whoever stops reading destroys it; the engine
 * does at the latest when the handler is done.
 * @throws too-large and not-json, as `readBytes` does
 */
export function streamBody(exchange: Exchange, bounds: ArrivalBounds): Readable {
  const { req, res } = exchange
  if (!expectBody(exchange, bounds)) return Readable.from([])
  let asked = false
  let [size, waitedMs, waitingSince] = [0, 0, 0]
  let patience: NodeJS.Timeout | undefined
  const wait = () => {
    if (!asked) askForBody(exchange)
    asked = true
    const patienceMs = Math.min(bounds.ms, bounds.ms + (size / minBytesPerSecond) * 1000 - waitedMs)
    waitingSince = performance.now()
    patience = setTimeout(() => stream.destroy(tooSlow(bounds.ms)), patienceMs)
    req.resume()
  }
  const stopWaiting = () => {
    if (patience === undefined) return
    clearTimeout(patience)
    patience = undefined
    waitedMs += performance.now() - waitingSince
  }
  const onData = (chunk: Buffer) => {
    stopWaiting()
    size += chunk.length
    if (size > bounds.bytes) return void stream.destroy(tooLarge(bounds.bytes))
    if (stream.push(chunk)) wait()
    else req.pause()
  }
  const onEnd = () => {
    stopListening()
    keepOpen(res)
    stream.push(null)
  }
  const onGone = () => void stream.destroy(new ClientGone())
  const stopListening = () => {
    stopWaiting()
    req.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone)
  }
  const stream = new Readable({
    read: () => {
      if (patience === undefined && !req.complete) wait()
      else req.resume()
    },
    destroy: (error, done) => {
      stopListening()
      req.pause()
      done(error)
    },
  })
  // A handler that does something else at the moment hears of it when it reads.
  stream.on('error', () => {})
  req.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone)
  req.pause()
  streaming.set(res, stream)
  return stream
}

/** Bodies that handlers read as they arrive. */
const streaming = new WeakMap<Response, Readable>()

/** Ends the reading of a body: its handler is done. */
export const abandonBody = (res: Response): void => void streaming.get(res)?.destroy()
