// What pages load: bytes of a known type that are in memory, compressed for the browsers that take it.
import type { Request, Response } from 'express'
import { Content, sendWhole } from './content.ts'

export interface AssetContent {
  /** The media type, such as `text/css; charset=utf-8`. */
  readonly type: string
  readonly content: Buffer
  /** The same by gzip, if that is worth it. */
  readonly gzipped?: Buffer
  /** Whether its address changes with its content, so that browsers may keep it for ever. */
  readonly isImmutable?: boolean
}

export class Asset extends Content {
  readonly #asset: AssetContent

  constructor(asset: AssetContent) {
    super()
    this.#asset = asset
  }

  override send(req: Request, res: Response, status: number): void {
    const { type, content, gzipped, isImmutable } = this.#asset
    if (isImmutable) res.setHeader('Cache-Control', 'public, max-age=31536000, immutable')
    if (gzipped) res.vary('Accept-Encoding')
    if (gzipped && req.acceptsEncodings('gzip') === 'gzip')
      sendWhole(res, status, { 'Content-Type': type, 'Content-Encoding': 'gzip' }, gzipped)
    else sendWhole(res, status, { 'Content-Type': type }, content)
  }
}
