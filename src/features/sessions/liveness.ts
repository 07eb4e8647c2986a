// Whether a session still lives: remembered for less than a second, so that one ended anywhere is refused everywhere by then.
import type { Clock } from '../../clock.ts'
import type { Store } from '../../store/store.ts'
import type { Caller } from '../caller.ts'
import { isLiving } from './repository.ts'

/** An answer is believed this long, counted from before it was asked for. */
const believedForMs = 500
/** A bound for the memory; beyond it everything is asked again. */
const mostRemembered = 100_000

export interface SessionLiveness {
  isLiving(caller: Caller): Promise<boolean>
  /** To be called after this process ended sessions, so that it notices at once. */
  forget(): void
}

export function createLiveness(store: Store, clock: Clock): SessionLiveness {
  /** Living sessions with their account, and the monotonic time up to which that is believed. */
  const believedUntil = new Map<string, number>()
  return {
    async isLiving(caller) {
      const now = clock.monotonic()
      // Both ids: that the session lives says nothing about another account.
      const who = `${caller.accountId} ${caller.sessionId}`
      if ((believedUntil.get(who) ?? 0) > now) return true
      const living = await store.read((reader) => isLiving(reader, caller, clock.now()))
      if (living) {
        if (believedUntil.size >= mostRemembered) believedUntil.clear()
        believedUntil.set(who, now + believedForMs)
      } else believedUntil.delete(who)
      return living
    },
    forget: () => believedUntil.clear(),
  }
}
