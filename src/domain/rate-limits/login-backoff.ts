// Pauses that grow with every failure of a key: they make guessing slow, and lock nobody out for good.
import { hours, minutes, seconds } from '../../clock.ts'
import { widerKey } from './address-key.ts'
import { type Counters, msToWait, tooMany } from './counters.ts'

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

/** @param more what stands behind the names of the counts @param free failures without a pause */
function pausing(counters: Counters, more: string, free: number): FailureLimiter {
  const kept = { isFinal: false }
  const failures = counters(`failures${more}`, { points: free, duration: remembered / 1000 }, kept)
  const pauses = counters(`pauses${more}`, { points: 1, duration: longestPause / 1000 }, kept)
  // Only whoever begins a pause raises it, while `failures` is higher for a moment where many are refused together.
  const pausesBefore = counters(`pausesBefore${more}`, { points: 1, duration: remembered / 1000 }, kept)

  /** Begins a pause; whoever comes second at the same moment is refused. */
  async function pause(key: string) {
    const before = (await pausesBefore.get(key))?.consumedPoints ?? 0
    const wait = await msToWait(pauses.consume(key, 1, { customDuration: pauseAfter(before) / 1000 }))
    if (wait === undefined) return void (await pausesBefore.penalty(key))
    await failures.reward(key)
    throw tooMany(wait)
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

/** @param wider how many times as much the /48 around an address may fail */
export function failureLimiter(counters: Counters, wider: number): FailureLimiter {
  const [own, network] = [pausing(counters, '', free), pausing(counters, 'Wider', free * wider)]
  return {
    async begin(key) {
      const takeBack = await own.begin(key)
      const networkKey = widerKey(key)
      if (networkKey === undefined) return takeBack
      try {
        const takeBackNetwork = await network.begin(networkKey)
        return async () => {
          await takeBack()
          await takeBackNetwork()
        }
      } catch (refusal) {
        await takeBack()
        throw refusal
      }
    },
    async forget(key) {
      await own.forget(key)
      const networkKey = widerKey(key)
      if (networkKey !== undefined) await network.forget(networkKey)
    },
  }
}
