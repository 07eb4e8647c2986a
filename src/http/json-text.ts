// JSON that is text already, as an answer: whole, or as it is made and no faster than the client takes it.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Request, Response } from 'express'
import { z } from 'zod'
import { freeMemory } from '../free-memory.ts'
import { ClientGone } from './body.ts'
import { taken } from './byte-answer.ts'
import { Content, holding, jsonType, sendWhole } from './content.ts'

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

/** Text in UTF-8, piece by piece. The last piece is what it returns, so that a text of one piece is known to be whole. */
type JsonPieces = AsyncGenerator<Uint8Array, Uint8Array>

export class JsonStream extends Content {
  readonly #pieces: JsonPieces

  /**
   * @param pieces whose memory is freed once they are sent. If the first one fails, the answer says so. If a later one does, or the client
   *   goes away, the connection is closed, by which the client knows that it does not have all.
   */
  constructor(pieces: JsonPieces) {
    super()
    this.#pieces = pieces
  }

  override async send(req: Request, res: Response, status: number): Promise<void> {
    const headers = { 'Content-Type': jsonType }
    let piece = await this.#pieces.next()
    if (piece.done) return sendWhole(res, status, headers, piece.value)
    res.writeHead(status, headers)
    if (req.method === 'HEAD') return void res.end()
    try {
      for (; !piece.done; piece = await this.#pieces.next()) {
        await taken(res, piece.value)
        freeMemory(piece.value)
        // A connection that takes everything at once would leave others no turn until the end.
        await nextTurn()
      }
      res.end(piece.value)
    } catch (error) {
      throw res.closed || res.destroyed ? new ClientGone() : error
    }
  }
}

/** How a route declares it. @param shape what clients read; that the text has it is to be tested, because nothing checks it */
export const jsonStreamOf = (shape: z.ZodType) => holding(z.instanceof(JsonStream), shape)

/** The last entries of a list, as JSON each, and what stands behind the list. */
interface ListEnd {
  readonly entries: readonly string[]
  readonly after: string
}

/**
 * A JSON text with a list in it.
 * @param before what stands up to the list's first entry
 * @param entries as JSON each
 */
export async function* jsonWithList(
  before: string,
  entries: AsyncGenerator<readonly string[], ListEnd>,
): JsonPieces {
  let follows = false
  /** V8 copies a text that grows once, when its bytes are asked for; to join a list copies it as well. */
  const bytesOf = (start: string, list: readonly string[], end: string) => {
    let text = start
    for (const entry of list) {
      text += follows ? `,${entry}` : entry
      follows = true
    }
    return Buffer.from(text + end)
  }
  for (let start = before; ; start = '') {
    const { done, value } = await entries.next()
    if (done) return bytesOf(start, value.entries, value.after)
    yield bytesOf(start, value, '')
  }
}
