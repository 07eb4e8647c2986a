// JSON that is text already, as an answer: whole, or as it is made and no faster than the client takes it.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Request, Response } from 'express'
import { freeMemory } from '../free-memory.ts'
import { ClientGone } from './body.ts'
import { taken } from './byte-answer.ts'
import { Content, jsonType, sendWhole } from './content.ts'

export class JsonText extends Content {
  readonly #text: Uint8Array

  /** @param text in UTF-8 */
  constructor(text: Uint8Array) {
    super()
    this.#text = text
  }

  override send(_req: Request, res: Response, status: number): void {
    sendWhole(res, status, { 'Content-Type': jsonType }, this.#text)
  }
}

export class JsonStream extends Content {
  readonly #pieces: AsyncIterable<Uint8Array>

  /**
   * @param pieces of text in UTF-8, whose memory is freed once they are sent. If they fail, or the client goes away, the connection is
   *   closed, by which the client knows that it does not have all.
   */
  constructor(pieces: AsyncIterable<Uint8Array>) {
    super()
    this.#pieces = pieces
  }

  override async send(req: Request, res: Response, status: number): Promise<void> {
    res.writeHead(status, { 'Content-Type': jsonType })
    if (req.method === 'HEAD') return void res.end()
    try {
      for await (const piece of this.#pieces) {
        await taken(res, piece)
        freeMemory(piece)
        // A connection that takes everything at once would leave others no turn until the end.
        await nextTurn()
      }
      res.end()
    } catch (error) {
      throw res.closed || res.destroyed ? new ClientGone() : error
    }
  }
}
