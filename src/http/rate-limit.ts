// How often one account, or one address where there is no account yet, may ask.
import { type Counters, countersOver, type SharedCounts, within } from './counters.ts'
import { type FailureLimiter, failureLimiter } from './pauses.ts'

/** Requests allowed in a number of seconds, for each kind of route, in all processes together. */
const together = {
  /** Leads to a session. Many people can stand behind one address; who guesses is slowed down by `loginFailures` and pauses. */
  login: { points: 300, duration: 60 },
  /** Proves a password again within a session. */
  proof: { points: 30, duration: 60 },
  register: { points: 20, duration: 3600 },
  /** Confirms an address or asks for mail; and how much mail one address is sent. */
  mail: { points: 30, duration: 3600 },
  mailTo: { points: 5, duration: 3600 },
  /** Makes a one-time share, which takes room on the disk until somebody reads it. */
  share: { points: 120, duration: 3600 },
} as const

/** The same for what may turn out to have been right, and is taken back then. */
const guesses = {
  /** Wrong passwords of all accounts from one address: what somebody sends who tries one password everywhere. */
  loginFailures: { points: 100, duration: 600 },
  /** Wrong proofs of one share from everywhere, and of all shares from one address: what somebody guessing a passphrase sends. */
  shareProof: { points: 100, duration: 3600 },
  addressProof: { points: 30, duration: 600 },
} as const

/** What comes by the thousand and is cheap to answer: each process counts for itself. */
const alone = {
  refresh: { points: 120, duration: 60 },
  /** Answers with up to some hundred kilobytes. */
  securityLog: { points: 120, duration: 60 },
  read: { points: 12_000, duration: 60 },
  write: { points: 6_000, duration: 60 },
} as const

/** `none` is for what load balancers ask. */
export type RateLimit = keyof typeof together | keyof typeof guesses | keyof typeof alone | 'none'

export interface RateLimiter {
  /** Counts one request of a kind by a key; throws `too-many-requests` beyond the budget. */
  count(limit: RateLimit, key: string): Promise<void>
  /** Takes one count back, of what turned out not to be what is limited. */
  uncount(limit: RateLimit, key: string): Promise<void>
  /** Slows down whoever fails again and again. */
  readonly failures: FailureLimiter
}

const limitersOf = (counters: Counters, budgets: typeof together | typeof guesses | typeof alone) =>
  Object.entries(budgets).map(
    ([limit, budget]) => [limit, counters(limit, budget, { isFinal: budgets === together })] as const,
  )

/** @param shared where processes on one database count together; none for a process that is alone on it */
export function createRateLimiter(shared?: SharedCounts): RateLimiter {
  const counters = countersOver(shared)
  const limiters = new Map([
    ...limitersOf(counters, together),
    ...limitersOf(counters, guesses),
    ...limitersOf(countersOver(undefined), alone),
  ])
  return {
    async count(limit, key) {
      const limiter = limiters.get(limit)
      if (limiter) await within(limiter.consume(key))
    },
    async uncount(limit, key) {
      await limiters.get(limit)?.reward(key)
    },
    failures: failureLimiter(counters),
  }
}

export const noRateLimiter: RateLimiter = {
  async count() {},
  async uncount() {},
  failures: { begin: async () => async () => {}, async forget() {} },
}
