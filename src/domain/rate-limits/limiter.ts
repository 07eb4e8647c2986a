// The one rate limiter of a server: it counts requests by their keys, within the budgets.
import { createHmac } from 'node:crypto'
import type { Store } from '../../store/store.ts'
import type { ServerKeys } from '../server-keys.ts'
import { alone, type Budget, guesses, type RateLimit, together, wider } from './budgets.ts'
import { type Counters, countersOver, msToWait, type SharedCounts, tooMany } from './counters.ts'
import { networkKey } from './keys.ts'
import { createLoginBackoff, type LoginBackoff } from './login-backoff.ts'

/** Whether a request was within its budget, and if not, after how many milliseconds the next one is. */
type Counted = { readonly ok: true } | { readonly ok: false; readonly waitMs: number }

export interface RateLimiter {
  /** Counts one request of a kind by a key. */
  tryCount(limit: RateLimit, key: string): Promise<Counted>
  /** Counts likewise; throws `too-many-requests` beyond the budget. */
  count(limit: RateLimit, key: string): Promise<void>
  /** Takes one count back, of what turned out not to be what is limited. */
  uncount(limit: RateLimit, key: string): Promise<void>
  /** Slows down who fails again and again. */
  readonly loginBackoff: LoginBackoff
}

type Budgets = Readonly<Record<string, Budget>>

/** Each limit under its name, and that of networks under another one. */
const limitersOf = (counters: Counters, budgets: Budgets) =>
  Object.entries(budgets).flatMap(([limit, { points, duration }]) => {
    const options = { isFinal: budgets === together }
    const networks = { points: points * wider, duration }
    return [
      [limit, counters(limit, { points, duration }, options)] as const,
      [`${limit}Wider`, counters(`${limit}Wider`, networks, options)] as const,
    ]
  })

/** @param shared if processes on one database count together; undefined for a process that is alone on it */
function createRateLimiter(shared?: SharedCounts): RateLimiter {
  const counters = countersOver(shared)
  const limiters = new Map([
    ...limitersOf(counters, together),
    ...limitersOf(counters, guesses),
    ...limitersOf(countersOver(undefined), alone),
  ])
  /** What a key is counted by: its limit, and that of the network around it. */
  const countsOf = (limit: RateLimit, key: string) => {
    const [own, network] = [limiters.get(limit), limiters.get(`${limit}Wider`)]
    const ofNetwork = networkKey(key)
    return [
      ...(own ? [{ limiter: own, key }] : []),
      ...(network && ofNetwork !== undefined ? [{ limiter: network, key: ofNetwork }] : []),
    ]
  }
  async function tryCount(limit: RateLimit, key: string): Promise<Counted> {
    for (const count of countsOf(limit, key)) {
      const waitMs = await msToWait(count.limiter.consume(count.key))
      if (waitMs !== undefined) return { ok: false, waitMs }
    }
    return { ok: true }
  }
  return {
    tryCount,
    async count(limit, key) {
      const counted = await tryCount(limit, key)
      if (!counted.ok) throw tooMany(counted.waitMs)
    },
    async uncount(limit, key) {
      for (const count of countsOf(limit, key)) await count.limiter.reward(count.key)
    },
    loginBackoff: createLoginBackoff(counters, wider),
  }
}

const noRateLimiter: RateLimiter = {
  tryCount: async () => ({ ok: true }),
  async count() {},
  async uncount() {},
  loginBackoff: {
    tryBegin: async () => ({ ok: true, async takeBack() {} }),
    begin: async () => async () => {},
    async forget() {},
  },
}

interface RateLimitSettings {
  /** False for benchmarks only. */
  readonly rateLimits: boolean
}

interface Counting {
  readonly keys: Pick<ServerKeys, 'rateLimits'>
  readonly store: Pick<Store, 'counts'>
}

/** Counts on the database that several processes share, under keys that name no person and no network. @returns undefined if one process has the database alone */
const sharedCounts = ({ keys, store }: Counting): SharedCounts | undefined =>
  store.counts && {
    ...store.counts,
    disguise: (key) => createHmac('sha256', keys.rateLimits).update(key).digest('base64url'),
  }

export const limiterOf = ({ rateLimits }: RateLimitSettings, counting: Counting): RateLimiter =>
  rateLimits ? createRateLimiter(sharedCounts(counting)) : noRateLimiter
