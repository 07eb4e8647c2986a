// The one rate limiter of a server, as RATE_LIMITS says.
import type { Store } from '../../store/store.ts'
import type { ServerKeys } from '../server-keys.ts'
import { createRateLimiter, noRateLimiter, type RateLimiter } from './budgets.ts'
import { sharedCounts } from './shared-counts.ts'

interface RateLimitSettings {
  /** False for benchmarks only. */
  readonly rateLimits: boolean
}

export const limiterOf = (
  { rateLimits }: RateLimitSettings,
  counting: { readonly keys: ServerKeys; readonly store: Store },
): RateLimiter => (rateLimits ? createRateLimiter(sharedCounts(counting)) : noRateLimiter)
