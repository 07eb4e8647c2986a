// How often one account, or one address where there is no account yet, may ask.
import { widerKey } from './address-key.ts'
import { type Counters, countersOver, msToWait, type SharedCounts, tooMany } from './counters.ts'
import { type FailureLimiter, failureLimiter } from './login-backoff.ts'

/** Requests allowed in a number of seconds, for each kind of route, in all processes together. */
const together = {
  /** Leads to a session. Many people can stand behind one address; who guesses is slowed down by `loginFailures` and pauses. */
  login: { points: 300, duration: 60 },
  /** Proves a password again within a session. */
  proof: { points: 30, duration: 60 },
  register: { points: 20, duration: 3600 },
  /** Confirms an address or asks for mail; and the same about one e-mail address. */
  mail: { points: 30, duration: 3600 },
  mailAbout: { points: 5, duration: 3600 },
  /** How much mail of one kind an address is sent: what strangers can ask for, and what tells its owner of something. */
  askedMail: { points: 10, duration: 3600 },
  notices: { points: 30, duration: 3600 },
  /** Makes a one-time share, which takes room on the disk until somebody reads it. */
  share: { points: 120, duration: 3600 },
} as const

/** The same for what may turn out to have been right, and is taken back then. */
const guesses = {
  /** Wrong passwords of all accounts from one address: what somebody sends who tries one password everywhere. */
  loginFailures: { points: 100, duration: 600 },
  /** Wrong proofs of all shares from one address, of one share from one address, and of one share from everywhere. */
  addressProof: { points: 30, duration: 600 },
  readerProof: { points: 30, duration: 3600 },
  shareProof: { points: 100, duration: 3600 },
  /** What an address may still try of a share whose `shareProof` others have spent: strangers keep no reader out. */
  lateProof: { points: 1, duration: 3600 },
} as const

/** What comes by the thousand and is cheap to answer: each process counts for itself. */
const alone = {
  refresh: { points: 120, duration: 60 },
  /** Answers with up to some hundred kilobytes. */
  securityLog: { points: 120, duration: 60 },
  read: { points: 12_000, duration: 60 },
  write: { points: 6_000, duration: 60 },
  /** Bearer tokens that are none, from one address: counted before the database is asked, so not in it. */
  wrongTokens: { points: 300, duration: 300 },
} as const

/** How often the /48 around an address may do what the address may: many customers share one, and others have one to themselves. */
const wider = 16

/** `none` is for what load balancers ask. */
export type RateLimit = keyof typeof together | keyof typeof guesses | keyof typeof alone | 'none'

/** Whether a request was within its budget, and if not, after how many milliseconds the next one is. */
type Counted = { readonly ok: true } | { readonly ok: false; readonly waitMs: number }

export interface RateLimiter {
  /** Counts one request of a kind by a key. */
  tryCount(limit: RateLimit, key: string): Promise<Counted>
  /** Counts likewise; throws `too-many-requests` beyond the budget. */
  count(limit: RateLimit, key: string): Promise<void>
  /** Takes one count back, of what turned out not to be what is limited. */
  uncount(limit: RateLimit, key: string): Promise<void>
  /** Slows down whoever fails again and again. */
  readonly failures: FailureLimiter
}

type Budgets = typeof together | typeof guesses | typeof alone

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

/** @param shared where processes on one database count together; none for a process that is alone on it */
export function createRateLimiter(shared?: SharedCounts): RateLimiter {
  const counters = countersOver(shared)
  const limiters = new Map([
    ...limitersOf(counters, together),
    ...limitersOf(counters, guesses),
    ...limitersOf(countersOver(undefined), alone),
  ])
  /** What a key is counted by: its limit, and that of the network around it. */
  const countsOf = (limit: RateLimit, key: string) => {
    const [own, network] = [limiters.get(limit), limiters.get(`${limit}Wider`)]
    const networkKey = widerKey(key)
    return [
      ...(own ? [{ limiter: own, key }] : []),
      ...(network && networkKey !== undefined ? [{ limiter: network, key: networkKey }] : []),
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
    failures: failureLimiter(counters, wider),
  }
}

export const noRateLimiter: RateLimiter = {
  tryCount: async () => ({ ok: true }),
  async count() {},
  async uncount() {},
  failures: {
    tryBegin: async () => ({ ok: true, async takeBack() {} }),
    begin: async () => async () => {},
    async forget() {},
  },
}
