// Several parts as the body of a request (multipart/form-data, RFC 7578), each of which the handler reads as it arrives.
import { PassThrough, type Readable } from 'node:stream'
import { z } from 'zod'
import { malformedBody, mediaTypeOf, ofKind, streamBody, tooLarge, wrongMediaType } from './body.ts'

export const multipartType = 'multipart/form-data'

/** How much of a multipart body is taken. */
export interface MultipartBounds {
  /** Of the whole body, with what stands between its parts. */
  readonly maxBytes: number
  readonly maxParts: number
  /** Of each part; as much as of the whole body unless it is said. */
  readonly maxPartBytes?: number
  /** How much of it the handler has in memory at the same time. */
  readonly heldBytes?: number
}

export interface Part {
  readonly name: string
  /** What the client calls the file, without folders: undefined for a field. Never a path to write to. */
  readonly fileName: string | undefined
  readonly mediaType: string
  /** Fails as the whole body does, and with `too-large` beyond the bound of a part. */
  readonly stream: Readable
}

/**
 * The parts of a body, once, in the order in which they arrive. A part that is not read to its end is skipped when the next one is
 * asked for. Iterating fails as `streamBody` does, and with `malformed-request` if the parts cannot be told apart; the part that is
 * being read fails with it.
 */
export class IncomingParts implements AsyncIterable<Part> {
  readonly #source: Readable
  readonly #contentType: string
  readonly #bounds: MultipartBounds

  constructor(source: Readable, contentType: string, bounds: MultipartBounds) {
    this.#source = source
    this.#contentType = contentType
    this.#bounds = bounds
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Part, void> {
    const source = this.#source
    const { parser, arrived, fail, next } = await this.#parse()
    source.once('error', fail)
    source.pipe(parser)
    try {
      for (let part = await next(); part; part = await next()) {
        yield part
        part.stream.resume()
      }
    } finally {
      source.unpipe(parser).off('error', fail).destroy()
      for (const { stream } of arrived) stream.destroy()
      parser.destroy()
    }
  }

  /** A parser that nothing is written to yet, and how to wait for what it finds. */
  async #parse() {
    const { maxBytes, maxParts, maxPartBytes = maxBytes } = this.#bounds
    const parser = await parserOf(this.#contentType, { maxParts, maxPartBytes })
    const arrived: Part[] = []
    let given = 0
    let failure: Error | undefined
    let isOver = false
    let wake = () => {}
    const fail = (error: Error) => {
      failure ??= error
      for (const { stream } of arrived) stream.destroy(failure)
      wake()
    }
    parser.on(
      'file',
      (name: string | undefined, found, fileName: string | undefined, _encoding, mediaType) => {
        if (name === undefined) fail(malformedBody('Expected each part to have a name'))
        found.once('limit', () => fail(tooLarge(maxPartBytes)))
        found.on('error', () => fail(cutOff()))
        const stream = new PassThrough()
        // A handler that does something else at the moment hears of it when it reads.
        stream.on('error', () => {})
        // What is not wanted any more is skipped, so that the next part is reached.
        stream.once('close', () => found.resume())
        found.pipe(stream)
        arrived.push({ name: name ?? '', fileName, mediaType, stream })
        if (failure) stream.destroy(failure)
        wake()
      },
    )
    parser.once('partsLimit', () => fail(malformedBody(`Expected at most ${maxParts} parts`)))
    parser.on('error', () => fail(cutOff()))
    parser.once('finish', () => {
      isOver = true
      wake()
    })
    const next = async (): Promise<Part | undefined> => {
      while (!failure && given === arrived.length && !isOver)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      if (failure) throw failure
      return arrived[given++]
    }
    return { parser, arrived, fail, next }
  }
}

const cutOff = () => malformedBody('Expected whole parts, as in RFC 7578')

async function parserOf(contentType: string, bounds: { maxParts: number; maxPartBytes: number }) {
  const { createParser } = await import('./multipart-parser.ts')
  try {
    return createParser(contentType, bounds)
  } catch {
    throw malformedBody('Expected a boundary in Content-Type')
  }
}

/** A body of several parts. */
export const multipart = (bounds: MultipartBounds): z.ZodType<IncomingParts> =>
  ofKind(z.instanceof(IncomingParts), {
    mediaType: multipartType,
    heldBytes: () => bounds.heldBytes ?? 0,
    async read(exchange, { ms }) {
      if (mediaTypeOf(exchange.req) !== multipartType) throw wrongMediaType(multipartType)
      const source = streamBody(exchange, { bytes: bounds.maxBytes, ms })
      return new IncomingParts(source, exchange.req.headers['content-type'] ?? '', bounds)
    },
  })
