// Reads request bodies, within a bound: JSON in UTF-8, or bytes as they are.
import express, { type Request, type RequestHandler, type Response } from 'express'
import { problem } from './problem.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

// body-parser names what was wrong in `type`; the words of its messages are not for clients.
const bodyProblem = (error: unknown, bytes: number) => {
  const type = error instanceof Error && 'type' in error ? error.type : undefined
  if (type === 'entity.too.large')
    return problem('too-large', `The body is larger than the ${bytes} bytes that are allowed here.`)
  if (type === 'encoding.unsupported') return problem('not-json', 'The body must not be compressed.')
  return malformedBody('The body did not arrive whole')
}

const malformedBody = (message: string) =>
  problem('malformed-request', 'The request body cannot be read.', { errors: [{ path: 'body', message }] })

const isJson = (contentType: string | undefined) =>
  /^application\/json *(; *charset="?utf-8"? *)?$/i.test(contentType ?? '')

const readers = new Map<number, RequestHandler>()

/** The one reader for each size that some route allows. */
function readerUpTo(bytes: number): RequestHandler {
  const known = readers.get(bytes)
  if (known) return known
  const reader = express.raw({ type: () => true, limit: bytes, inflate: false })
  readers.set(bytes, reader)
  return reader
}

/** Reads a body of at most `bytes` bytes, or throws the problem. @returns undefined where there is none */
export async function readBytes(req: Request, res: Response, bytes: number): Promise<Buffer | undefined> {
  await new Promise<void>((resolve, reject) =>
    readerUpTo(bytes)(req, res, (error?: unknown) =>
      error === undefined ? resolve() : reject(bodyProblem(error, bytes)),
    ),
  )
  return Buffer.isBuffer(req.body) ? req.body : undefined
}

/** Reads and parses a JSON body of at most `bytes` bytes, or throws the problem. */
export async function readJsonBody(req: Request, res: Response, bytes: number): Promise<unknown> {
  if (!isJson(req.headers['content-type']))
    throw problem('not-json', 'Send "Content-Type: application/json".')
  const body = await readBytes(req, res, bytes)
  if (!body) throw malformedBody('Expected a body')
  try {
    return JSON.parse(decoder.decode(body))
  } catch {
    throw malformedBody('Expected JSON in UTF-8')
  }
}
