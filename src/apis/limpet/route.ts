// `route`: how every feature declares its routes, and what their handlers are given.
import type { Clock } from '../../clock.ts'
import type { Allowed } from '../../contract/quotas.ts'
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
import type { DeferredTasks } from '../../domain/deferred-tasks.ts'
import type { AdmissionSettings } from '../../domain/identity/admission.ts'
import type { OpaqueServer } from '../../domain/identity/opaque.ts'
import type { PasswordHasher } from '../../domain/identity/password-hasher.ts'
import type { SessionCache } from '../../domain/identity/session-cache.ts'
import type { SessionLifetime } from '../../domain/identity/session-lifetime.ts'
import type { AccessTokenSettings } from '../../domain/identity/session-tokens.ts'
import type { WebauthnSettings } from '../../domain/identity/webauthn.ts'
import type { Watches } from '../../domain/live/watches.ts'
import type { MailSettings } from '../../domain/mail/settings.ts'
import type { RateLimit } from '../../domain/rate-limits/budgets.ts'
import type { RateLimiter } from '../../domain/rate-limits/limiter.ts'
import type { WrongTokens } from '../../domain/rate-limits/wrong-tokens.ts'
import type { ServerKeys } from '../../domain/server-keys.ts'
import type { ObjectStore } from '../../domain/vaults/attachment-objects.ts'
import type { Documented } from '../../http/openapi.ts'
import type { PreparedJson } from '../../http/prepared-json.ts'
import { type Callers as PublicCallers, routeFor } from '../../http/route.ts'
import type { Random } from '../../random.ts'
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
  /** Who may make shares, as SHARES says: any caller, or the holders of a session or of a token with the scope shares. */
  sharer: Visitor | Caller | TokenHolder
  shareManager: ShareManager
}

/** What the operator has decided, as far as handlers and the rules that they call go by it. */
interface Settings
  extends AccessTokenSettings,
    AdmissionSettings,
    MailSettings,
    SessionLifetime,
    WebauthnSettings {
  /** What one account may pile up. */
  readonly quotas: Allowed
  /** Bytes of the largest file, sealed. */
  readonly attachmentBytes: number
  readonly shares: 'public' | 'accounts' | 'off'
  /** Whether an account can be used before its address is confirmed. */
  readonly emailVerification: 'off' | 'required'
  /** How long an account waits that its mailbox wants deleted, in milliseconds; undefined if mailboxes cannot delete accounts. */
  readonly accountDeletion: { readonly wait: number } | undefined
}

/** Everything that handlers work with; made once, in server/compose.ts. */
export interface Services {
  readonly config: Settings
  readonly store: Store
  /** Where whole files are, if they do not stay in the database. */
  readonly objects: ObjectStore | undefined
  /** The OpenAPI document of this server. */
  readonly contract: PreparedJson
  readonly clock: Clock
  readonly random: Random
  readonly keys: ServerKeys
  readonly passwordHasher: PasswordHasher
  readonly opaque: OpaqueServer
  readonly sessionCache: SessionCache
  readonly wrongTokens: WrongTokens
  /** Who watches vaults at this moment. */
  readonly watches: Watches
  readonly failedLogins: FailedLogins
  readonly startedLogins: StartedLogins
  /** For what only a handler knows to be worth counting. */
  readonly limiter: RateLimiter
  /** For work that the caller must not notice. */
  readonly deferredTasks: DeferredTasks
  /** False from the moment the server was asked to stop. */
  readonly accepting: () => boolean
}

export const route = routeFor<Services, Callers, RateLimit, Documented>(['public', 'visitor', 'sharer'])
