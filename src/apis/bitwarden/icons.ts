// The icons of the sites of items: none, or at a service of the operator's choice. This server fetches none itself: it would ask any host
// that a stranger names, from within its network.
import type { Request, Response } from 'express'
import { z } from 'zod'
import { bitwardenIconPaths } from '../../contract/bitwarden-paths.ts'
import { Content, jsonType, sendWhole } from '../../http/content.ts'
import { anyQuery } from '../../http/route.ts'
import { errorBody } from './errors.ts'
import { route } from './route.ts'

/** A name of the public DNS, as URLs have it: not an address, and of at least two labels. */
const publicName = /^(?=.{4,253}$)(?:[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d])?\.)+[a-z](?:[a-z\d-]{0,61}[a-z\d])$/

/** Names that mean nothing outside of somebody's network, or are nobody else's business. */
const privateName =
  /\.(?:local|localhost|internal|intranet|lan|home|corp|private|test|invalid|arpa|onion|i2p)$/

/** For how long apps may keep it, in seconds: a week. */
const cacheControl = 'public, max-age=604800'

class IconAnswer extends Content {
  readonly #location: string | undefined

  /** @param location where the icon is; undefined for an app to show its own */
  constructor(location: string | undefined) {
    super()
    this.#location = location
  }

  override send(_req: Request, res: Response, status: number): void {
    res.setHeader('Cache-Control', cacheControl)
    // Apps show it in pages of other origins.
    res.setHeader('Cross-Origin-Resource-Policy', 'cross-origin')
    if (this.#location === undefined)
      sendWhole(res, status, { 'Content-Type': jsonType }, JSON.stringify(errorBody('There is no icon.')))
    else sendWhole(res, status, { Location: this.#location }, '')
  }
}

const icon = z.instanceof(IconAnswer)

const read = route({
  method: 'get',
  path: bitwardenIconPaths.icon,
  auth: 'public',
  // An app asks for those of all its items at once, and an answer costs nothing.
  limit: 'none',
  request: { query: anyQuery, params: z.object({ host: z.string() }) },
  success: { 302: icon, 404: icon },
  async handler({ params: { host } }, { config: { bitwardenIcons } }) {
    const isAsked = bitwardenIcons !== undefined && publicName.test(host) && !privateName.test(host)
    return isAsked
      ? { status: 302, body: new IconAnswer(bitwardenIcons.replace('{}', host)) }
      : { status: 404, body: new IconAnswer(undefined) }
  },
})

export const iconRoutes = [read]
