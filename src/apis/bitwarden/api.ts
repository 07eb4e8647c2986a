// The API of Bitwarden's apps: what is offered of it, and what not, is in docs/decisions/bitwarden.md.
import { type Api, createApi } from '../../http/api.ts'
import { accountRoutes } from './accounts.ts'
import { apiKeyRoutes } from './api-keys.ts'
import { bitwardenAuthenticators } from './authenticate.ts'
import { domainRoutes } from './domains.ts'
import { errorForm } from './errors.ts'
import { leftOutRoutes } from './left-out.ts'
import { proofRoutes } from './proofs.ts'
import type { Services } from './route.ts'
import { twoFactorRoutes } from './two-factor.ts'

export const bitwardenApi = (services: Services): Api =>
  createApi({
    routes: [
      ...accountRoutes,
      ...apiKeyRoutes,
      ...domainRoutes,
      ...leftOutRoutes,
      ...proofRoutes,
      ...twoFactorRoutes,
    ],
    services,
    errorForm,
    door: { authenticate: bitwardenAuthenticators(services), count: services.limiter.count },
  })
