// The pages that Bitwarden's apps open for a security key, because a browser asks it at the address of the server alone. Apps show the
// first one in a frame, so every page may frame it: its script gives what the key signs to apps and to nobody else.
import { z } from 'zod'
import { pagePaths } from '../../contract/paths.ts'
import { html } from '../../http/html.ts'
import { Page } from '../../http/page.ts'
import { anyQuery, requestTarget } from '../../http/route.ts'
import { forEverybody, route } from './route.ts'
import { shell } from './shell.ts'

const script = 'webauthn.js'

const framed = { script, data: html` data-framed`, policy: { 'frame-ancestors': undefined } }

const connector = (path: `/${string}`, options: Parameters<typeof shell>[1]) =>
  route({
    ...forEverybody,
    path,
    request: { query: anyQuery, target: requestTarget },
    success: { 200: z.instanceof(Page) },
    handler: async ({ target }) => ({ status: 200, body: await shell(target.path, options) }),
  })

export const connectorRoutes = [
  connector(pagePaths.keyInFrame, framed),
  connector(pagePaths.keyOnPhone, { script }),
  connector(pagePaths.keyInTab, { script }),
]
