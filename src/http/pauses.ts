// Pauses that grow with every failure of a key: they make guessing slow, and lock nobody out for good.
import { hours, minutes, seconds } from '../clock.ts'
import { type Counters, tooMany, within } from './counters.ts'

/**
 * Failures without a pause. Attempts count as failures until they have succeeded, so this is also how many logins of one
 * account may be under way at the same time from one address.
 */
const free = 20
const [firstPause, longestPause, remembered] = [seconds(5), minutes(15), hours(24)]

/** How long nothing is tried after so many pauses before, in milliseconds. */
const pauseAfter = (pauses: number) => Math.min(firstPause * 2 ** pauses, longestPause)

export interface FailureLimiter {
  /**
   * Counts an attempt before it is known how it ends, so that attempts at the same time are all counted; throws
   * `too-many-requests` during a pause.
   * @returns what takes the attempt back where it told nobody anything
   */
  begin(key: string): Promise<() => Promise<void>>
  /** After a success: the key begins anew. */
  forget(key: string): Promise<void>
}

export function failureLimiter(counters: Counters): FailureLimiter {
  const kept = { isFinal: false }
  const failures = counters('failures', { points: free, duration: remembered / 1000 }, kept)
  const pauses = counters('pauses', { points: 1, duration: longestPause / 1000 }, kept)
  // Only whoever begins a pause raises it, while `failures` is higher for a moment where many are refused together.
  const pausesBefore = counters('pausesBefore', { points: 1, duration: remembered / 1000 }, kept)

  /** Begins a pause; whoever comes second at the same moment is refused. */
  async function pause(key: string) {
    const before = (await pausesBefore.get(key))?.consumedPoints ?? 0
    try {
      await within(pauses.consume(key, 1, { customDuration: pauseAfter(before) / 1000 }))
      await pausesBefore.penalty(key)
    } catch (refusal) {
      await failures.reward(key)
      throw refusal
    }
  }

  return {
    async begin(key) {
      const paused = await pauses.get(key)
      if (paused && paused.msBeforeNext > 0) throw tooMany(paused.msBeforeNext)
      const { consumedPoints: count } = await failures.penalty(key)
      if (count >= free) await pause(key)
      return async () => {
        await failures.reward(key)
        if (count < free) return
        await pausesBefore.reward(key)
        await pauses.delete(key)
      }
    },
    async forget(key) {
      for (const counts of [failures, pauses, pausesBefore]) await counts.delete(key)
    },
  }
}
