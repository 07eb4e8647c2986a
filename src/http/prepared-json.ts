// A body that is the same for every request: made for the first one, and kept as bytes.
import type { Request, Response } from 'express'
import { Content, jsonType, sendWhole } from './content.ts'

export class PreparedJson extends Content {
  readonly #make: () => unknown
  #bytes: Buffer | undefined

  constructor(make: () => unknown) {
    super()
    this.#make = make
  }

  override send(_req: Request, res: Response, status: number): void {
    this.#bytes ??= Buffer.from(JSON.stringify(this.#make()))
    sendWhole(res, status, { 'Content-Type': jsonType }, this.#bytes)
  }
}
