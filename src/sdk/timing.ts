// Time and chance, as what watches a server needs them; handed in, so that tests move them.

export interface Timing {
  /** Milliseconds since 1970 in UTC. Jumps when somebody sets the clock, and when a machine wakes up. */
  now(): number
  /** A number from 0 up to 1, which is left out. It need not be hard to guess. */
  random(): number
  /** Calls back once, after some milliseconds. @returns what takes that back */
  after(ms: number, callback: () => void): () => void
}

export const systemTiming: Timing = {
  now: () => Date.now(),
  random: () => Math.random(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}

/** Resolves after some milliseconds, or earlier once the signal is aborted. */
export const sleep = (timing: Timing, ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const wake = () => {
      takeBack()
      signal.removeEventListener('abort', wake)
      resolve()
    }
    const takeBack = timing.after(ms, wake)
    signal.addEventListener('abort', wake)
  })

const [firstMs, longestMs] = [1000, 60_000]

/**
 * Waits between tries that fail: a random part ("full jitter") of a time that doubles from one second to one minute, so that
 * the clients of a server that comes back do not all come at once.
 */
export class Backoff {
  readonly #timing: Timing
  #tries = 0

  constructor(timing: Timing) {
    this.#timing = timing
  }

  /** After a success. */
  reset(): void {
    this.#tries = 0
  }

  /** Milliseconds to wait before the next try. */
  next(): number {
    const most = Math.min(longestMs, firstMs * 2 ** this.#tries)
    if (most < longestMs) this.#tries += 1
    return this.#timing.random() * most
  }
}
