// Wrong bearer tokens, counted by address before the database is asked about one.
import type { RateLimiter } from './limiter.ts'

/** Bounds the memory: those used longest ago are forgotten, and are then like tokens that were never seen. */
const maxRemembered = 10_000

export interface WrongTokens {
  /** Counts a token that is known to be wrong without the database; throws `too-many-requests`. */
  count(address: string): Promise<void>
  /**
   * Asks about a token, unless too many from its address were wrong. One that was good before is asked about in any case, so that
   * a stranger who guesses does not hinder others behind the same address whose token this process knows. Throws `too-many-requests`.
   * @param name stands for the token: a hash, not the token itself
   * @param ask says undefined for a wrong one
   */
  find<T>(address: string, name: string, ask: () => Promise<T | undefined>): Promise<T | undefined>
}

export function countWrongTokens(limiter: Pick<RateLimiter, 'count' | 'uncount'>): WrongTokens {
  /** In the order of their last use. */
  const good = new Set<string>()
  const count = (address: string) => limiter.count('wrongTokens', address)

  function remember(name: string) {
    good.delete(name)
    good.add(name)
    if (good.size <= maxRemembered) return
    const [oldest] = good
    if (oldest !== undefined) good.delete(oldest)
  }

  return {
    count,
    async find(address, name, ask) {
      // Counted before it is known to be wrong, so that many at the same moment are all counted.
      const isCounted = !good.has(name)
      if (isCounted) await count(address)
      const takeBack = async () => {
        if (isCounted) await limiter.uncount('wrongTokens', address)
      }
      const found = await ask().catch(async (error: unknown) => {
        await takeBack()
        throw error
      })
      if (found !== undefined) {
        await takeBack()
        remember(name)
      } else if (!isCounted) {
        good.delete(name)
        await count(address)
      }
      return found
    },
  }
}
