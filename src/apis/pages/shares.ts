// The pages of one-time links: `/` makes one, `/s/{id}#{key}` opens one. Both are the same for everybody; what is in them is done
// in the browser, by `src/web`.

import type { Express } from 'express'
import { pagePaths } from '../../contract/paths.ts'
import { html } from '../../http/html.ts'
import { addPage } from '../../http/page-route.ts'
import type { Config } from '../../server/config.ts'
import { sendShell } from './shell.ts'

/** Adds the pages to an application. Without shares there is no page that makes links; those that exist still open. */
export function addSharePages(app: Express, { shares }: Pick<Config, 'shares'>): void {
  if (shares !== 'off')
    addPage(app, { name: pagePaths.home }, (req, res) =>
      sendShell(req, res, { script: 'create.js', data: html` data-shares="${shares}"` }),
    )
  // Any path: a link whose "#" became "%23" on its way has its key there, which the log must not have.
  addPage(app, { name: pagePaths.share, path: /^\/s\/./ }, (req, res) =>
    sendShell(req, res, { script: 'open.js' }),
  )
}
