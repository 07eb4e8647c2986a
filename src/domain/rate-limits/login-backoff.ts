// Pauses that grow with every failure of a key: they make guessing slow, and lock no owner out for good.
import { hours, minutes, seconds } from '../../clock.ts'
import { type Counters, msToWait, tooMany } from './counters.ts'
import { networkKey } from './keys.ts'

/**
 * Failures without a pause. Attempts count as failures until they have succeeded, so this is also how many logins of one
 * account may be under way at the same time from one address.
 */
const free = 20
const [firstPause, longestPause, remembered] = [seconds(5), minutes(15), hours(24)]

/** How long nothing is tried after so many pauses before, in milliseconds. */
const pauseAfter = (pauses: number) => Math.min(firstPause * 2 ** pauses, longestPause)

/** An attempt that was counted, or a pause. */
type Begun =
  | {
      readonly ok: true
      /** For an attempt that said nothing about the password. */
      takeBack(): Promise<void>
    }
  | { readonly ok: false; readonly waitMs: number }

export interface LoginBackoff {
  /** Counts an attempt before it is known how it ends, so that attempts at the same time are all counted. */
  tryBegin(key: string): Promise<Begun>
  /** Counts likewise; throws `too-many-requests` during a pause. @returns what takes the attempt back */
  begin(key: string): Promise<() => Promise<void>>
  /** After a success: the key begins anew. */
  forget(key: string): Promise<void>
}

/** @param more what stands behind the names of the counts @param free failures without a pause */
function pausing(counters: Counters, more: string, free: number): Pick<LoginBackoff, 'tryBegin' | 'forget'> {
  const kept = { isFinal: false }
  const failures = counters(`failures${more}`, { points: free, duration: remembered / 1000 }, kept)
  const pauses = counters(`pauses${more}`, { points: 1, duration: longestPause / 1000 }, kept)
  // Only the attempt that begins a pause raises it, while `failures` is higher for a moment if many are refused together.
  const pausesBefore = counters(`pausesBefore${more}`, { points: 1, duration: remembered / 1000 }, kept)

  /** Begins a pause. @returns the milliseconds to wait if another attempt began it at the same moment */
  async function pause(key: string): Promise<number | undefined> {
    const before = (await pausesBefore.get(key))?.consumedPoints ?? 0
    const waitMs = await msToWait(pauses.consume(key, 1, { customDuration: pauseAfter(before) / 1000 }))
    if (waitMs === undefined) await pausesBefore.penalty(key)
    else await failures.reward(key)
    return waitMs
  }

  return {
    async tryBegin(key) {
      const paused = await pauses.get(key)
      if (paused && paused.msBeforeNext > 0) return { ok: false, waitMs: paused.msBeforeNext }
      const { consumedPoints: count } = await failures.penalty(key)
      const waitMs = count < free ? undefined : await pause(key)
      if (waitMs !== undefined) return { ok: false, waitMs }
      return {
        ok: true,
        async takeBack() {
          await failures.reward(key)
          if (count < free) return
          await pausesBefore.reward(key)
          await pauses.delete(key)
        },
      }
    },
    async forget(key) {
      await Promise.all([failures, pauses, pausesBefore].map((counts) => counts.delete(key)))
    },
  }
}

/** @param wider how many times as much the /48 around an address may fail */
export function createLoginBackoff(counters: Counters, wider: number): LoginBackoff {
  const [own, network] = [pausing(counters, '', free), pausing(counters, 'Wider', free * wider)]

  async function tryBegin(key: string): Promise<Begun> {
    const begun = await own.tryBegin(key)
    const ofNetwork = networkKey(key)
    if (!begun.ok || ofNetwork === undefined) return begun
    const begunNetwork = await network.tryBegin(ofNetwork).catch(async (error: unknown) => {
      await begun.takeBack()
      throw error
    })
    if (!begunNetwork.ok) {
      await begun.takeBack()
      return begunNetwork
    }
    return {
      ok: true,
      async takeBack() {
        await begun.takeBack()
        await begunNetwork.takeBack()
      },
    }
  }

  return {
    tryBegin,
    async begin(key) {
      const begun = await tryBegin(key)
      if (!begun.ok) throw tooMany(begun.waitMs)
      return begun.takeBack
    },
    async forget(key) {
      await own.forget(key)
      const ofNetwork = networkKey(key)
      if (ofNetwork !== undefined) await network.forget(ofNetwork)
    },
  }
}
