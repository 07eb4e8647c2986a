// The one place where everything is put together: configuration and store in, an Express application out.
import type { Express } from 'express'
import type { Logger } from 'pino'
import { contract, limpetApi } from '../apis/limpet/api.ts'
import { problemsOf } from '../apis/limpet/problems.ts'
import { reflectionApi } from '../apis/limpet/reflection.ts'
import type { Services } from '../apis/limpet/route.ts'
import { pagesApi } from '../apis/pages/api.ts'
import { pagesForBrowsers } from '../apis/pages/problems.ts'
import { snappassApi } from '../apis/snappass/api.ts'
import { webVaultApis } from '../apis/web-vault/api.ts'
import { addressKey, withoutPort } from '../domain/rate-limits/keys.ts'
import type { Api } from '../http/api.ts'
import { PreparedJson } from '../http/prepared-json.ts'
import { createRouter } from '../http/router.ts'
import { createDomainServices, type DomainParts } from './domain-services.ts'
import { createMetrics, type Metrics } from './metrics.ts'

export interface Parts extends DomainParts {
  readonly logger: Logger
  readonly accepting: () => boolean
  /** How long bodies may take to arrive, if it is not the usual time. */
  readonly bodyMs?: number
}

/** @returns the application, the APIs that it serves, and what it tells of itself */
export async function createApp(
  parts: Parts,
): Promise<{ app: Express; apis: readonly Api[]; metrics: Metrics }> {
  const { bitwarden, bitwardenIcons, bitwardenWebVault, publicUrl, shares, snappass, trustProxy } =
    parts.config
  /** Made at the first request for it: it takes a tenth of what a start takes. */
  const document = () => contract(publicUrl)
  const domain = await createDomainServices(parts)
  const services: Services = {
    ...domain,
    contract: new PreparedJson(document),
    accepting: parts.accepting,
  }
  const errorForm = pagesForBrowsers(problemsOf(publicUrl))
  const webVault =
    bitwarden && bitwardenWebVault !== undefined
      ? await webVaultApis(bitwardenWebVault, { errorForm, icons: bitwardenIcons })
      : undefined
  const apis = [
    ...(webVault ? [webVault.home] : []),
    limpetApi(services),
    reflectionApi(services, errorForm),
    pagesApi({ document, shares, bitwarden }, errorForm),
    // Most servers do not have it: its code is loaded where it is on.
    ...(bitwarden ? [(await import('../apis/bitwarden/api.ts')).bitwardenApi(domain)] : []),
    ...(snappass ? [snappassApi({ ...services, ...snappass }, errorForm)] : []),
    ...(webVault ? [webVault.files] : []),
  ]
  const metrics = createMetrics(domain)
  const app = createRouter(apis, {
    ...parts,
    errorForm,
    addresses: { keyOf: addressKey, withoutPort },
    trustProxy,
    observe: metrics.observe,
  })
  return { app, apis, metrics }
}
