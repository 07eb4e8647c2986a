// The one rate limiter of a server, as RATE_LIMITS says.
import type { Config } from '../../server/config.ts'
import type { Store } from '../../store/store.ts'
import type { ServerKeys } from '../server-keys.ts'
import { createRateLimiter, noRateLimiter, type RateLimiter } from './budgets.ts'
import { sharedCounts } from './shared-counts.ts'

export const limiterOf = (
  { rateLimits }: Pick<Config, 'rateLimits'>,
  counting: { readonly keys: ServerKeys; readonly store: Store },
): RateLimiter => (rateLimits ? createRateLimiter(sharedCounts(counting)) : noRateLimiter)
