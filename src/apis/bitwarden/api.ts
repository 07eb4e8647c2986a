// The API of Bitwarden's apps: what is offered of it, and what not, is in docs/decisions/bitwarden.md.
import { isBitwardenPath } from '../../contract/bitwarden-paths.ts'
import { type Api, createApi } from '../../http/api.ts'
import { accountRoutes } from './accounts.ts'
import { apiKeyRoutes } from './api-keys.ts'
import { authRequestRoutes } from './auth-requests.ts'
import { bitwardenAuthenticators } from './authenticate.ts'
import { cipherRoutes } from './ciphers.ts'
import { configRoutes } from './config.ts'
import { credentialRoutes } from './credentials.ts'
import { deviceRoutes } from './devices.ts'
import { domainRoutes } from './domains.ts'
import { errorForm } from './errors.ts'
import { fileRoutes } from './files.ts'
import { folderRoutes } from './folders.ts'
import { hubRoutes } from './hub.ts'
import { iconRoutes } from './icons.ts'
import { importRoutes } from './import.ts'
import { leftOutRoutes } from './left-out.ts'
import { mailRoutes } from './mails.ts'
import { preloginRoutes } from './prelogin.ts'
import { proofRoutes } from './proofs.ts'
import { registrationRoutes } from './registration.ts'
import { rotationRoutes } from './rotation.ts'
import type { Services } from './route.ts'
import { sendAccessRoutes } from './send-access.ts'
import { sendRoutes } from './sends.ts'
import { syncRoutes } from './sync.ts'
import { tokenRoutes } from './token.ts'
import { twoFactorRoutes } from './two-factor.ts'
import { waitingLoginRoutes } from './waiting-logins.ts'

const routes = [
  ...preloginRoutes,
  ...registrationRoutes,
  ...tokenRoutes,
  ...deviceRoutes,
  ...configRoutes,
  ...mailRoutes,
  ...accountRoutes,
  // Before those of items: some of its paths stand where an id could.
  ...leftOutRoutes,
  ...importRoutes,
  ...cipherRoutes,
  ...fileRoutes,
  ...folderRoutes,
  ...syncRoutes,
  ...sendAccessRoutes,
  ...sendRoutes,
  ...apiKeyRoutes,
  ...credentialRoutes,
  ...domainRoutes,
  ...hubRoutes,
  ...iconRoutes,
  ...proofRoutes,
  ...rotationRoutes,
  ...twoFactorRoutes,
  ...authRequestRoutes,
  ...waitingLoginRoutes,
]

/** Where the desktop's app and Safari's extension are; the other extensions may ask whatever the answer says. */
const appOrigins = ['bw-desktop-file://bundle', 'file://']

export const bitwardenApi = (services: Services): Api =>
  createApi({
    routes,
    services,
    errorForm,
    area: { has: isBitwardenPath, origins: [...appOrigins, ...services.config.bitwardenOrigins] },
    door: { authenticate: bitwardenAuthenticators(services), count: services.limiter.count },
  })
