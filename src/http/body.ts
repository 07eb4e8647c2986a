// Reads request bodies, within a bound: JSON in UTF-8, or bytes as they are. Nothing is read before it is asked for here, so that
// a route knows first who asks and how often.
import type { Request, Response } from 'express'
import { seconds } from '../clock.ts'
import { limits } from '../contract/primitives.ts'
import { Failure } from '../domain/failure.ts'
import { hasRepeatedMembers, readStructure, type StructureBounds } from './json-structure.ts'
import { announcesBody, keepOpen } from './unread-body.ts'

/** How much of a body is read, and for how long. */
interface ArrivalBounds {
  /** As sent. */
  readonly bytes: number
  /** How long it may take to arrive, in milliseconds. */
  readonly ms: number
}

/** What a route takes as a JSON body. */
export type BodyBounds = ArrivalBounds & StructureBounds

/** What is enough for every route that does not say otherwise. */
export const usualBody: BodyBounds = { bytes: limits.bodyBytes, ms: seconds(60), depth: 16, values: 500 }

/** What is enough where strangers ask, for every route that does not say otherwise: logins and proofs, also those of passkeys. */
export const strangersBody: BodyBounds = { ...usualBody, bytes: limits.strangersBodyBytes }

/** The client closed the connection before its body was complete: nobody is left to be answered. */
export class ClientGone extends Error {
  override name = 'ClientGone'
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

const tooLarge = (bytes: number) =>
  new Failure('too-large', `The body is larger than the ${bytes} bytes that are allowed here.`)

const malformedBody = (message: string) =>
  new Failure('malformed-request', 'The request body cannot be read.', {
    errors: [{ path: 'body', message }],
  })

const tooSlow = (ms: number) =>
  new Failure('request-timeout', `The body did not arrive within ${Math.ceil(ms / 1000)} s.`)

const isJson = (contentType: string | undefined) =>
  /^application\/json *(; *charset="?utf-8"? *)?$/i.test(contentType ?? '')

const isIdentity = (contentEncoding: string | undefined) => /^(?:identity)?$/i.test(contentEncoding ?? '')

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
 * Reads a body of at most `bounds.bytes` bytes. Throws `too-large` for a larger one, before anything of it is read where its
 * length is announced, and `not-json` where it is compressed.
 * @returns undefined if the request has no body
 */
export async function readBytes(
  req: Request,
  res: Response,
  bounds: ArrivalBounds,
): Promise<Buffer | undefined> {
  if (!announcesBody(req)) return undefined
  if (!isIdentity(req.headers['content-encoding']))
    throw new Failure('not-json', 'The body must not be compressed.')
  if (Number(req.headers['content-length'] ?? 0) > bounds.bytes) throw tooLarge(bounds.bytes)
  if (req.destroyed) throw new ClientGone()
  // Node has told nobody to go on yet (RFC 9110, section 10.1.1): what would be refused is not asked for.
  if (/^100-continue$/i.test(req.headers.expect ?? '')) res.writeContinue()
  const body = await collect(req, bounds)
  keepOpen(res)
  return body
}

/** Reads and parses a JSON body within the bounds, or throws the problem. */
export async function readJsonBody(req: Request, res: Response, bounds: BodyBounds): Promise<unknown> {
  if (!isJson(req.headers['content-type']))
    throw new Failure('not-json', 'Send "Content-Type: application/json".')
  const body = await readBytes(req, res, bounds)
  if (!body) throw malformedBody('Expected a body')
  const structure = readStructure(body, bounds)
  if (typeof structure === 'string') throw malformedBody(structure)
  const parsed = parseJson(body)
  if (hasRepeatedMembers(parsed, structure)) throw malformedBody('Expected each member of an object once')
  return parsed
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(decoder.decode(body))
  } catch {
    throw malformedBody('Expected JSON in UTF-8')
  }
}
