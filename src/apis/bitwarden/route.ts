// `route`: how the routes of Bitwarden's API are declared, who calls them, and what their handlers are given.
import type { Clock } from '../../clock.ts'
import type { FailedLogins } from '../../domain/audit/failed-logins.ts'
import type { SessionCaller } from '../../domain/caller.ts'
import type { DeferredTasks } from '../../domain/deferred-tasks.ts'
import type { DeletionSettings } from '../../domain/identity/account-deletion.ts'
import type { AdmissionSettings } from '../../domain/identity/admission.ts'
import type { OpaqueServer } from '../../domain/identity/opaque.ts'
import type { PasswordHasher } from '../../domain/identity/password-hasher.ts'
import type { SessionCache } from '../../domain/identity/session-cache.ts'
import type { SessionLifetime } from '../../domain/identity/session-lifetime.ts'
import type { WebauthnSettings } from '../../domain/identity/webauthn.ts'
import type { LoginAnswers } from '../../domain/live/login-answers.ts'
import type { Watches } from '../../domain/live/watches.ts'
import type { MailSettings } from '../../domain/mail/settings.ts'
import type { QuotaSettings } from '../../domain/quotas/usage.ts'
import type { RateLimit } from '../../domain/rate-limits/budgets.ts'
import type { RateLimiter } from '../../domain/rate-limits/limiter.ts'
import type { WrongTokens } from '../../domain/rate-limits/wrong-tokens.ts'
import type { SendGrant } from '../../domain/sends/access.ts'
import type { ServerKeys } from '../../domain/server-keys.ts'
import type { ObjectStore } from '../../domain/vaults/attachment-objects.ts'
import type { AttachmentSettings } from '../../domain/vaults/attachment-uploads.ts'
import { type Callers as PublicCallers, routeFor } from '../../http/route.ts'
import type { Random } from '../../random.ts'
import type { Store } from '../../store/store.ts'

/** What a client says of itself, if it does. Good for nothing but the form of an answer. */
export interface ClientKind {
  readonly name: string | undefined
  /** Year, month and patch; undefined if it says none that can be read. */
  readonly version: readonly [number, number, number] | undefined
}

/** The bearer of a good access token of a living session. */
export interface BitwardenCaller extends SessionCaller {
  /** As the client calls its installation. */
  readonly deviceIdentifier: string
  readonly client: ClientKind
}

export interface Callers extends PublicCallers {
  account: BitwardenCaller
  /** The same, where browsers cannot set a header: the token may stand in the query. */
  listener: BitwardenCaller
  /** The bearer of what a `send_access` grant gave. */
  sendReader: SendGrant
}

/** What handlers work with. */
export interface Services {
  readonly config: AdmissionSettings &
    AttachmentSettings &
    DeletionSettings &
    MailSettings &
    QuotaSettings &
    SessionLifetime &
    WebauthnSettings & {
      readonly emailVerification: 'off' | 'required'
      /** Of web vaults that are served elsewhere. */
      readonly bitwardenOrigins: readonly string[]
      /** A URL with `{}` for the host; undefined for no icons. */
      readonly bitwardenIcons: string | undefined
    }
  readonly store: Store
  /** Undefined if files stay in the database. */
  readonly objects: ObjectStore | undefined
  readonly clock: Clock
  readonly random: Random
  readonly keys: ServerKeys
  readonly opaque: OpaqueServer
  readonly passwordHasher: PasswordHasher
  readonly failedLogins: FailedLogins
  readonly limiter: RateLimiter
  /** For work that the caller must not notice. */
  readonly deferredTasks: DeferredTasks
  readonly sessionCache: SessionCache
  readonly wrongTokens: WrongTokens
  /** Who listens at this moment. */
  readonly watches: Watches
  readonly loginAnswers: LoginAnswers
}

export const route = routeFor<Services, Callers, RateLimit>(['public', 'sendReader'])
