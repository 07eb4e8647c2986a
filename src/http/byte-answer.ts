// Bytes as an answer, sent as they are read and no faster than the client takes them.
import type { Readable } from 'node:stream'
import type { Request, Response } from 'express'
import { z } from 'zod'
import { freeMemory } from '../free-memory.ts'
import { ClientGone } from './body.ts'
import { Content, sentAs } from './content.ts'

/** Writes a piece of an answer, and waits until the connection has taken it. */
export const taken = (res: Response, chunk: Uint8Array) =>
  new Promise<void>((resolve, reject) => {
    const gone = () => reject(new ClientGone())
    res.once('close', gone)
    res.write(chunk, (error) => {
      res.off('close', gone)
      if (error) reject(error)
      else resolve()
    })
  })

export class ByteAnswer extends Content {
  readonly #stream: Readable
  readonly #length: number
  readonly #type: string

  /**
   * @param stream gives Uint8Arrays, whose memory is freed once they are sent. It is destroyed when the answer is over, also if the
   *   client goes away in the middle.
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
    const gone = () => void this.#stream.destroy()
    res.once('close', gone)
    try {
      let size = 0
      for await (const chunk of this.#stream) {
        size += chunk.length
        if (size > length) break
        await taken(res, chunk)
        freeMemory(chunk)
      }
      if (size !== length) throw new Error(`A stream of ${length} bytes had another length`)
      res.end()
    } catch (error) {
      throw res.closed || res.destroyed ? new ClientGone() : error
    } finally {
      res.off('close', gone)
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
