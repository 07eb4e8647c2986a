// How often one account, or one address where there is no account yet, may ask.
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { retryLater } from './problem.ts'

/** Requests allowed in a number of seconds, for each kind of route. */
const budgets = {
  /** Proves a password: what somebody guessing would repeat. */
  login: { points: 30, duration: 60 },
  register: { points: 20, duration: 3600 },
  refresh: { points: 120, duration: 60 },
  read: { points: 12_000, duration: 60 },
  write: { points: 6_000, duration: 60 },
} as const

/** `none` is for what load balancers ask. */
export type RateLimit = keyof typeof budgets | 'none'

/** Counts one request of a kind by a key; throws `too-many-requests` beyond the budget. */
export type RateLimiter = (limit: RateLimit, key: string) => Promise<void>

/** Counts in the memory of this process. */
export function memoryRateLimiter(): RateLimiter {
  const limiters = new Map(
    Object.entries(budgets).map(([limit, budget]) => [limit, new RateLimiterMemory(budget)]),
  )
  return async (limit, key) => {
    try {
      await limiters.get(limit)?.consume(key)
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal
      throw retryLater('too-many-requests', 'Too many requests in a short time.', refusal.msBeforeNext / 1000)
    }
  }
}

export const noRateLimiter: RateLimiter = async () => {}
