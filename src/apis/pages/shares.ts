// The pages of one-time links: `/` makes one, `/s/{id}#{key}` opens one. Both are the same for everybody; what is in them is done
// in the browser, by `src/web`.
import { z } from 'zod'
import { pagePaths } from '../../contract/paths.ts'
import { html } from '../../http/html.ts'
import { Page } from '../../http/page.ts'
import { anyQuery, requestTarget } from '../../http/route.ts'
import { forEverybody, route } from './route.ts'
import { shell } from './shell.ts'

/** Without shares there is no page that makes links, and the contract is the first page; links that exist still open. */
const create = route({
  ...forEverybody,
  path: pagePaths.home,
  request: { query: anyQuery, target: requestTarget },
  success: { 200: z.instanceof(Page), 303: null },
  headers: { 303: ['Location'] },
  async handler({ target }, { shares }) {
    if (shares === 'off') return { status: 303, location: pagePaths.documentation }
    return {
      status: 200,
      body: await shell(target.path, { script: 'create.js', data: html` data-shares="${shares}"` }),
    }
  },
})

const open = route({
  ...forEverybody,
  path: pagePaths.share,
  // Any path: a link whose "#" became "%23" on its way has its key there, which the log must not have.
  pattern: /^\/s\/./,
  request: { query: anyQuery, target: requestTarget },
  success: { 200: z.instanceof(Page) },
  handler: async ({ target }) => ({ status: 200, body: await shell(target.path, { script: 'open.js' }) }),
})

export const shareRoutes = [create, open]
