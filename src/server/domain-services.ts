// What the rules work with, whichever API asks: made once over the database, the secrets and the settings.
import type { Clock } from '../clock.ts'
import { type FailedLogins, failedLoginsOver } from '../domain/audit/failed-logins.ts'
import { type StartedLogins, startedLoginsOver } from '../domain/audit/started-logins.ts'
import type { DeferredTasks } from '../domain/deferred-tasks.ts'
import { accessEnds } from '../domain/identity/access-ends.ts'
import type { OpaqueServer } from '../domain/identity/opaque.ts'
import { createPasswordHasher, type PasswordHasher } from '../domain/identity/password-hasher.ts'
import { createSessionCache, type SessionCache } from '../domain/identity/session-cache.ts'
import { LoginAnswers } from '../domain/live/login-answers.ts'
import { Watches } from '../domain/live/watches.ts'
import type { RateLimiter } from '../domain/rate-limits/limiter.ts'
import { countWrongTokens, type WrongTokens } from '../domain/rate-limits/wrong-tokens.ts'
import type { ServerKeys } from '../domain/server-keys.ts'
import type { ObjectStore } from '../domain/vaults/attachment-objects.ts'
import { listRevisions, revisionMarks } from '../domain/vaults/revisions.ts'
import type { Random } from '../random.ts'
import type { Store } from '../store/store.ts'
import type { Config } from './config.ts'

/** What is made before: where the rules keep things, and what they take as given. */
export interface DomainParts {
  readonly config: Config
  readonly keys: ServerKeys
  readonly opaque: OpaqueServer
  readonly store: Store
  readonly objects: ObjectStore | undefined
  readonly clock: Clock
  readonly random: Random
  readonly limiter: RateLimiter
  readonly deferredTasks: DeferredTasks
  /** Aborted when connections are about to be closed. */
  readonly ending: AbortSignal
}

export interface DomainServices extends DomainParts {
  readonly passwordHasher: PasswordHasher
  readonly failedLogins: FailedLogins
  readonly startedLogins: StartedLogins
  readonly sessionCache: SessionCache
  readonly wrongTokens: WrongTokens
  readonly watches: Watches
  readonly loginAnswers: LoginAnswers
}

export async function createDomainServices({
  config,
  keys,
  opaque,
  store,
  objects,
  clock,
  random,
  limiter,
  deferredTasks,
  ending,
}: DomainParts): Promise<DomainServices> {
  return {
    config,
    keys,
    opaque,
    store,
    objects,
    clock,
    random,
    limiter,
    deferredTasks,
    ending,
    passwordHasher: createPasswordHasher(),
    failedLogins: failedLoginsOver(deferredTasks, store),
    startedLogins: startedLoginsOver(deferredTasks, store),
    sessionCache: createSessionCache(store, clock),
    wrongTokens: countWrongTokens(limiter),
    watches: new Watches({ clock, config, ending, store, accessEnds, listRevisions, revisionMarks }),
    loginAnswers: new LoginAnswers({ config, ending, store }),
  }
}
