// The pages that the links of mails open. They wait for a click: scanners of mail follow links.
import { z } from 'zod'
import { pagePaths } from '../../contract/paths.ts'
import { Page } from '../../http/page.ts'
import { anyQuery, requestTarget } from '../../http/route.ts'
import { forEverybody, route } from './route.ts'
import { shell } from './shell.ts'

export const mailLinkRoutes = [pagePaths.confirm, pagePaths.deleteAccount, pagePaths.keepAccount].map(
  (path) =>
    route({
      ...forEverybody,
      path,
      request: { query: anyQuery, target: requestTarget },
      success: { 200: z.instanceof(Page) },
      handler: async ({ target }) => ({
        status: 200,
        body: await shell(target.path, { script: 'confirm.js' }),
      }),
    }),
)
