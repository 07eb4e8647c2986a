// Who waits, without being logged in, for the answer to a request to log in with another device. What is told is that there is an
// answer; who asks for it proves that it is theirs.
import type { Store } from '../../store/store.ts'
import { listen } from './announcements.ts'
import { type WatchBounds, WatchCounts, type WatchKind } from './watch-counts.ts'

interface AnswerListener {
  /** @param accountId of whom the request was about */
  answered(accountId: string): void
  /** The server stops. */
  ended(): void
}

/** A place for one who waits. */
interface AnswerPlace {
  /** Begins to wait; once. */
  start(listener: AnswerListener): void
  /** Ends the waiting and gives the place back. */
  close(): void
}

interface Needs {
  readonly config: { readonly watches: WatchBounds }
  /** Aborted when the server stops. */
  readonly ending: AbortSignal
  readonly store: Store
}

/** Anybody may wait: so few wait at the same time that they leave room for those who are logged in. */
const boundsOf = ({ total, ofAddress }: WatchBounds): WatchBounds => ({
  total: Math.ceil(total / 10),
  ofAddress: Math.min(ofAddress, 10),
  // Of one request, of which nobody but the two devices knows.
  ofAccount: 10,
})

export class LoginAnswers {
  readonly #ending: AbortSignal
  readonly #counts: WatchCounts
  /** By the ids of the requests. */
  readonly #waiting = new Map<string, Set<AnswerListener>>()

  constructor({ config, ending, store }: Needs) {
    this.#ending = ending
    this.#counts = new WatchCounts(boundsOf(config.watches))
    listen(store, {
      heard: (announcement) => {
        if (announcement.kind !== 'bitwarden-changed' || announcement.what !== 'login-answered') return
        const { accountId, id = '' } = announcement
        for (const listener of this.#waiting.get(id) ?? []) listener.answered(accountId)
      },
      // Devices that wait ask from time to time, too.
      missed: () => {},
    })
    ending.addEventListener(
      'abort',
      () => {
        for (const listener of [...this.#waiting.values()].flatMap((some) => [...some])) listener.ended()
      },
      { once: true },
    )
  }

  /** How many there are at this moment. */
  counts(): Readonly<Record<WatchKind, number>> {
    return this.#counts.byKind()
  }

  /**
   * Reserves a place. Throws `too-many-requests` and `unavailable` if there is none.
   * @param requestId of the request; one that does not exist is never answered
   * @param address as rate limits count it
   */
  reserve(requestId: string, address: string): AnswerPlace {
    const giveBack = this.#counts.take('anonymous-hubs', { accountId: requestId, address })
    let own: AnswerListener | undefined
    return {
      start: (listener) => {
        own = listener
        const waiting = this.#waiting.get(requestId)
        if (waiting) waiting.add(listener)
        else this.#waiting.set(requestId, new Set([listener]))
        if (this.#ending.aborted) listener.ended()
      },
      close: () => {
        const waiting = this.#waiting.get(requestId)
        if (own) waiting?.delete(own)
        if (waiting?.size === 0) this.#waiting.delete(requestId)
        giveBack()
      },
    }
  }
}
