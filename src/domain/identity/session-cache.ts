// Whether a session or a token still lives: remembered for less than a second, and forgotten as soon as this process hears that some
// have ended, wherever that was. The second is the bound where such an announcement is lost.
import type { Clock } from '../../clock.ts'
import type { Store } from '../../store/store.ts'
import type { Caller } from '../caller.ts'
import { listen } from '../live/announcements.ts'
import { type FoundToken, findToken } from './personal-tokens.ts'
import { isLiving } from './sessions.ts'

/** An answer is believed this long, counted from before it was asked for. */
const believedForMs = 500
/** A bound for the memory; beyond it everything is asked again. */
const maxRemembered = 100_000

export interface SessionCache {
  isLiving(caller: Caller): Promise<boolean>
  /** The personal access token of a hash. Look at its expiry and its account: they are remembered with it. */
  findToken(hash: Uint8Array): Promise<FoundToken | undefined>
}

/** Remembers what was found for a moment, by a key; what was not found is asked again. */
function believing<T>(clock: Clock) {
  const known = new Map<string, { found: T; until: number }>()
  /** Counts what was forgotten: an answer that was under way meanwhile may be of before. */
  let forgotten = 0
  return {
    async find(key: string, ask: () => Promise<T | undefined>): Promise<T | undefined> {
      const now = clock.monotonic()
      const believed = known.get(key)
      if (believed && believed.until > now) return believed.found
      const before = forgotten
      const found = await ask()
      if (found === undefined || before !== forgotten) known.delete(key)
      else {
        if (known.size >= maxRemembered) known.clear()
        known.set(key, { found, until: now + believedForMs })
      }
      return found
    },
    forget(isMeant: (key: string, found: T) => boolean) {
      forgotten++
      for (const [key, { found }] of known) if (isMeant(key, found)) known.delete(key)
    },
  }
}

export function createSessionCache(store: Store, clock: Clock): SessionCache {
  // That one has ended is believed as well: its token could be sent again and again, and it never lives again.
  const sessions = believing<boolean>(clock)
  const tokens = believing<FoundToken>(clock)

  /** @param accountId null for all accounts */
  function forget(accountId: string | null) {
    sessions.forget((key) => accountId === null || key.startsWith(`${accountId} `))
    tokens.forget((_key, { holder }) => accountId === null || holder.accountId === accountId)
  }
  listen(store, {
    heard(announcement) {
      if (announcement.kind === 'access-changed') forget(announcement.accountId)
    },
    missed: () => forget(null),
  })
  return {
    async isLiving(caller) {
      // Both ids: that the session lives says nothing about another account.
      const living = await sessions.find(`${caller.accountId} ${caller.sessionId}`, () =>
        store.read((reader) => isLiving(reader, caller, clock.now())),
      )
      return living === true
    },
    findToken: (hash) =>
      tokens.find(Buffer.from(hash).toString('base64'), () =>
        store.read((reader) => findToken(reader, hash)),
      ),
  }
}
