// Bytes as the body of a request, which the handler reads as they arrive.
import type { Readable } from 'node:stream'
import { z } from 'zod'
import { mediaTypeOf, ofKind, streamBody, wrongMediaType } from './body.ts'

/** A body that was not read yet. It can be read until the handler is done. */
export class IncomingBytes {
  readonly stream: Readable
  /** What the client announced; undefined if it did not. */
  readonly length: number | undefined
  /** In lower case, without parameters. */
  readonly mediaType: string

  constructor(stream: Readable, length: number | undefined, mediaType: string) {
    this.stream = stream
    this.length = length
    this.mediaType = mediaType
  }
}

const lengthOf = (contentLength: string | undefined) =>
  contentLength === undefined ? undefined : Number(contentLength)

/**
 * A body of bytes.
 * @param options.maxBytes a larger one is `too-large`, before anything of it is read if its length is announced
 * @param options.heldBytes how much of it the handler has in memory at the same time
 * @param options.mediaTypes which are taken, in lower case
 */
export const bytes = ({
  maxBytes,
  heldBytes = 0,
  mediaTypes = ['application/octet-stream'],
}: {
  maxBytes: number
  heldBytes?: number
  mediaTypes?: string[]
}): z.ZodType<IncomingBytes> =>
  ofKind(z.instanceof(IncomingBytes).meta({ override: { type: 'string', format: 'binary' } }), {
    mediaType: mediaTypes.join(', '),
    heldBytes: () => heldBytes,
    async read(exchange, { ms }) {
      const { req } = exchange
      const mediaType = mediaTypeOf(req)
      if (!mediaTypes.includes(mediaType)) throw wrongMediaType(...mediaTypes)
      const stream = streamBody(exchange, { bytes: maxBytes, ms })
      return new IncomingBytes(stream, lengthOf(req.headers['content-length']), mediaType)
    },
  })
