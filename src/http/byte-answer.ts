// Bytes as an answer, sent as they are read and no faster than the client takes them.
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Request, Response } from 'express'
import { z } from 'zod'
import { ClientGone } from './body.ts'
import { Content, sentAs } from './content.ts'

const hasClosedEarly = (error: unknown) =>
  error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE'

export class ByteAnswer extends Content {
  readonly #stream: Readable
  readonly #length: number
  readonly #type: string

  /**
   * @param stream is destroyed when the answer is over, also if the client goes away in the middle
   * @param options.length of the stream in bytes. A stream of another length ends in a closed connection, by which the client
   *   knows that it does not have all.
   * @param options.type the media type
   */
  constructor(
    stream: Readable,
    { length, type = 'application/octet-stream' }: { length: number; type?: string },
  ) {
    super()
    this.#stream = stream
    this.#length = length
    this.#type = type
  }

  override async send(req: Request, res: Response, status: number): Promise<void> {
    const length = this.#length
    res.writeHead(status, { 'Content-Type': this.#type, 'Content-Length': length })
    if (req.method === 'HEAD') {
      this.discard()
      return void res.end()
    }
    async function* counted(chunks: AsyncIterable<Uint8Array>) {
      let size = 0
      for await (const chunk of chunks) {
        size += chunk.length
        if (size > length) break
        yield chunk
      }
      if (size !== length) throw new Error(`A stream of ${length} bytes had another length`)
    }
    try {
      await pipeline(this.#stream, counted, res)
    } catch (error) {
      throw hasClosedEarly(error) ? new ClientGone() : error
    }
  }

  override discard(): void {
    this.#stream.destroy()
  }
}

/** How a route declares bytes as its answer. */
export const byteAnswer = sentAs(
  z.instanceof(ByteAnswer).meta({ override: { type: 'string', format: 'binary' } }),
  'application/octet-stream',
)
