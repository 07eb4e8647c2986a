// A page as an answer: HTML, what it may load, and for how long it is kept.
import type { Request, Response } from 'express'
import { Content, sendWhole } from './content.ts'
import { framable } from './exchange-classes.ts'
import type { Html } from './html.ts'

/** Names of a Content-Security-Policy with their sources; undefined for one that a page does without. */
export type PagePolicy = Readonly<Record<string, string | undefined>>

/** Nothing at all may be loaded or done beyond what a page says. */
const strictPolicy: PagePolicy = {
  'default-src': "'none'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
}

export class Page extends Content {
  /** Whether every site may show it in a frame. */
  readonly #isFramable: boolean
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer

  /**
   * @param policy what it may load or do
   * @param cacheControl for how long it may be kept; unless it is said, not at all
   */
  constructor(html: Html, policy: PagePolicy = {}, cacheControl?: string) {
    super()
    const directives = Object.entries({ ...strictPolicy, ...policy }).filter(
      ([, sources]) => sources !== undefined,
    )
    this.#isFramable = 'frame-ancestors' in policy && policy['frame-ancestors'] === undefined
    this.headers = {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': directives.map(([name, sources]) => `${name} ${sources}`).join('; '),
      'X-Robots-Tag': 'noindex',
      ...(cacheControl !== undefined && { 'Cache-Control': cacheControl }),
    }
    // Connections that read a page slowly share it.
    this.body = Buffer.from(html.text)
  }

  override send(_req: Request, res: Response, status: number): void {
    // What the policy says of frames, for browsers that do not know it.
    if (this.#isFramable) framable.add(res)
    sendWhole(res, status, this.headers, this.body)
  }
}
