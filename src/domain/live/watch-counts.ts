// How many watches one process holds: of all, of an account and of an address, so that they leave room for requests and for each other.
import { PassingFailure } from '../failure.ts'
import { wider } from '../rate-limits/budgets.ts'
import { networkKey } from '../rate-limits/keys.ts'

/**
 * A stream of events, a request for changes that waits, a hub of Bitwarden's apps, or a hub of an app that is not logged in yet.
 */
export type WatchKind = 'events' | 'changes' | 'hubs' | 'anonymous-hubs'

export interface WatchBounds {
  readonly total: number
  readonly ofAccount: number
  readonly ofAddress: number
}

/** After how many seconds it is worth trying again. */
const retryAfter = 30

export class WatchCounts {
  readonly #bounds: WatchBounds
  readonly #byKind: Record<WatchKind, number> = { events: 0, changes: 0, hubs: 0, 'anonymous-hubs': 0 }
  #all = 0
  readonly #byKey = new Map<string, number>()

  constructor(bounds: WatchBounds) {
    this.#bounds = bounds
  }

  byKind(): Readonly<Record<WatchKind, number>> {
    return this.#byKind
  }

  /**
   * Counts one. Throws `unavailable` if the process has no room, and `too-many-requests` if the account or the address has as many as
   * it may.
   * @param whose.address as rate limits count it
   * @returns what takes the count back, once
   */
  take(kind: WatchKind, { accountId, address }: { accountId: string; address: string }): () => void {
    const { ofAccount, ofAddress, total } = this.#bounds
    if (this.#all >= total)
      throw new PassingFailure(
        'unavailable',
        'The server has as many streams open as it may. Ask for changes without waiting meanwhile.',
        retryAfter,
      )
    const network = networkKey(address)
    const counted = [
      { key: `account ${accountId}`, allowed: ofAccount, whose: 'The account' },
      { key: `address ${address}`, allowed: ofAddress, whose: 'The address' },
      ...(network === undefined
        ? []
        : [{ key: `address ${network}`, allowed: ofAddress * wider, whose: 'The network' }]),
    ]
    const full = counted.find(({ key, allowed }) => (this.#byKey.get(key) ?? 0) >= allowed)
    if (full)
      throw new PassingFailure(
        'too-many-requests',
        `${full.whose} has ${full.allowed} streams and waiting requests open here, as many as it may. Close one, or ask for changes without waiting.`,
        retryAfter,
      )
    const add = (number: 1 | -1) => {
      this.#byKind[kind] += number
      this.#all += number
      for (const { key } of counted) {
        const now = (this.#byKey.get(key) ?? 0) + number
        if (now === 0) this.#byKey.delete(key)
        else this.#byKey.set(key, now)
      }
    }
    add(1)
    let isTaken = true
    return () => {
      if (isTaken) add(-1)
      isTaken = false
    }
  }
}
