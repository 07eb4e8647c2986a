// `route`: how every feature declares its routes, and what their handlers are given.
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { type Callers as PublicCallers, routeFor } from '../http/route.ts'
import type { Random } from '../random.ts'
import type { Store } from '../store/store.ts'
import type { PasswordHasher } from './accounts/password-hasher.ts'
import type { Caller } from './caller.ts'
import type { ServerKeys } from './keys.ts'
import type { SessionLiveness } from './sessions/liveness.ts'

export interface Callers extends PublicCallers {
  session: Caller
}

/** Everything that handlers work with; made once, in app.ts. */
export interface Services {
  readonly config: Config
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly keys: ServerKeys
  readonly passwordHasher: PasswordHasher
  readonly liveness: SessionLiveness
  /** False from the moment the server was asked to stop. */
  readonly accepting: () => boolean
}

export const route = routeFor<Services, Callers>()
