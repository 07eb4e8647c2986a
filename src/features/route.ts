// `route`: how every feature declares its routes, and what their handlers are given.
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import type { PreparedJson } from '../http/prepared-json.ts'
import type { RateLimiter } from '../http/rate-limit.ts'
import { type Callers as PublicCallers, routeFor } from '../http/route.ts'
import type { Random } from '../random.ts'
import type { Store } from '../store/store.ts'
import type { PasswordHasher } from './accounts/password-hasher.ts'
import type { Caller, SessionCaller, ShareManager, TokenHolder, VaultCaller, Visitor } from './caller.ts'
import type { FailedLogins } from './events/failed-logins.ts'
import type { StartedLogins } from './events/started-logins.ts'
import type { ServerKeys } from './keys.ts'
import type { OpaqueServer } from './opaque/opaque.ts'
import type { Postponed } from './postponed.ts'
import type { Liveness } from './sessions/liveness.ts'
import type { WrongTokens } from './wrong-tokens.ts'

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
