// `route`: how every feature declares its routes, and what their handlers are given.
import type { Clock } from '../../clock.ts'
import type { FailedLogins } from '../../domain/audit/failed-logins.ts'
import type { StartedLogins } from '../../domain/audit/started-logins.ts'
import type {
  Caller,
  SessionCaller,
  ShareManager,
  TokenHolder,
  VaultCaller,
  Visitor,
} from '../../domain/caller.ts'
import type { Postponed } from '../../domain/deferred-tasks.ts'
import type { OpaqueServer } from '../../domain/identity/opaque.ts'
import type { PasswordHasher } from '../../domain/identity/password-hasher.ts'
import type { Liveness } from '../../domain/identity/session-cache.ts'
import type { RateLimiter } from '../../domain/rate-limits/budgets.ts'
import type { WrongTokens } from '../../domain/rate-limits/wrong-tokens.ts'
import type { ServerKeys } from '../../domain/server-keys.ts'
import type { PreparedJson } from '../../http/prepared-json.ts'
import { type Callers as PublicCallers, routeFor } from '../../http/route.ts'
import type { Random } from '../../random.ts'
import type { Config } from '../../server/config.ts'
import type { Store } from '../../store/store.ts'

export interface Callers extends PublicCallers {
  /** A session and nothing else: what is about the account itself. */
  session: SessionCaller
  /** A session too; for the routes that make, rename and delete vaults. */
  vaultOwner: VaultCaller
  /** A session, or a personal access token with the scope read or write. */
  reader: VaultCaller
  /** A session, or a personal access token with the scope write. */
  writer: VaultCaller
  /** A personal access token, whatever its scopes; no session. */
  tokenHolder: TokenHolder
  visitor: Visitor
  /** Who may make shares: anybody, or whoever has a session or a token with the scope shares, as SHARES says. */
  sharer: Visitor | Caller | TokenHolder
  shareManager: ShareManager
}

/** Everything that handlers work with; made once, in app.ts. */
export interface Services {
  readonly config: Config
  readonly store: Store
  /** The OpenAPI document of this server. */
  readonly contract: PreparedJson
  readonly clock: Clock
  readonly random: Random
  readonly keys: ServerKeys
  readonly passwordHasher: PasswordHasher
  readonly opaque: OpaqueServer
  readonly liveness: Liveness
  readonly wrongTokens: WrongTokens
  readonly failedLogins: FailedLogins
  readonly startedLogins: StartedLogins
  /** For what only a handler knows to be worth counting. */
  readonly limiter: RateLimiter
  /** For what is not to be noticed by whoever asked. */
  readonly postponed: Postponed
  /** False from the moment the server was asked to stop. */
  readonly accepting: () => boolean
}

export const route = routeFor<Services, Callers>(['public', 'visitor', 'sharer'])
