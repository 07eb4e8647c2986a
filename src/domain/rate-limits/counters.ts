// The counts themselves: in the memory of this process, or in a table that all processes share.
import {
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterPostgres,
  RateLimiterRes,
} from 'rate-limiter-flexible'
import { PassingFailure } from '../failure.ts'
import type { Budget } from './budgets.ts'

/** A table on Postgres with the columns key, points and expire, in this order. */
export interface SharedCounts {
  readonly table: string
  /** What the limiter's statements run on: a pool, or what looks like one. */
  readonly client: object
  /** Makes of a key what may stand in a table: no e-mail and no network address. */
  disguise(key: string): string
}

/** The part of the library's limiters that is used here. */
type Limiter = Pick<RateLimiterAbstract, 'consume' | 'penalty' | 'reward' | 'get' | 'delete'>

const memoryLimiter = (name: string, budget: Budget): Limiter =>
  new RateLimiterMemory({ ...budget, keyPrefix: name })

/** @param isFinal whether nothing is ever taken back, so that a spent budget is remembered here instead of asked for again */
function sharedLimiter(shared: SharedCounts, name: string, budget: Budget, isFinal: boolean): Limiter {
  const limiter = new RateLimiterPostgres({
    ...budget,
    ...(isFinal && { inMemoryBlockOnConsumed: budget.points + 1 }),
    keyPrefix: name,
    storeClient: shared.client,
    storeType: 'pool',
    tableName: shared.table,
    tableCreated: true,
    clearExpiredByTimeout: false,
  })
  const hidden = (key: string | number) => shared.disguise(`${name} ${key}`)
  return {
    consume: (key, ...rest) => limiter.consume(hidden(key), ...rest),
    penalty: (key, ...rest) => limiter.penalty(hidden(key), ...rest),
    reward: (key, ...rest) => limiter.reward(hidden(key), ...rest),
    get: (key) => limiter.get(hidden(key)),
    delete: (key) => limiter.delete(hidden(key)),
  }
}

/** Makes a counter of its own for each name. */
export type Counters = (name: string, budget: Budget, options: { isFinal: boolean }) => Limiter

/** @param shared none for a database that one process has for itself */
export const countersOver = (shared: SharedCounts | undefined): Counters =>
  shared
    ? (name, budget, { isFinal }) => sharedLimiter(shared, name, budget, isFinal)
    : (name, budget) => memoryLimiter(name, budget)

/** Waits for what may spend a budget. @returns the milliseconds to wait if it is spent */
export async function msToWait(spending: Promise<unknown>): Promise<number | undefined> {
  try {
    await spending
    return undefined
  } catch (refusal) {
    if (refusal instanceof RateLimiterRes) return refusal.msBeforeNext
    throw refusal
  }
}

/** @param waitMs after how many milliseconds the caller may try again */
export function tooMany(waitMs: number) {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000))
  const detail = `Too many requests in a short time. Try again in ${seconds} s.`
  return new PassingFailure('too-many-requests', detail, seconds)
}
