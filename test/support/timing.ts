// Time for what watches a server, which stands still until a test moves it.
import type { Timing } from '../../src/sdk/index.ts'

interface Timer {
  readonly at: number
  readonly callback: () => void
}

export class TestTiming implements Timing {
  /** What `random` gives. */
  chance = 0.5
  #wall = Date.UTC(2026, 0, 1)
  #elapsed = 0
  readonly #timers = new Set<Timer>()

  now(): number {
    return this.#wall
  }

  random(): number {
    return this.chance
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#elapsed + ms, callback }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** Milliseconds until each timer that runs, the next one first. */
  get waits(): number[] {
    return [...this.#timers].map(({ at }) => at - this.#elapsed).toSorted((left, right) => left - right)
  }

  /** Lets time pass: calls back what is due, one after the other, and lets each be followed by what it leads to here. */
  async advance(ms: number): Promise<void> {
    await settled()
    const until = this.#elapsed + ms
    for (;;) {
      const [next] = [...this.#timers].toSorted((left, right) => left.at - right.at)
      if (!next || next.at > until) break
      this.#moveTo(next.at)
      this.#timers.delete(next)
      next.callback()
      await settled()
    }
    this.#moveTo(until)
    await settled()
  }

  /** Lets time pass until something is the case, and fails after an hour. */
  async advanceUntil(isSo: () => boolean): Promise<void> {
    for (let waited = 0; !isSo(); waited += 100) {
      if (waited > 3_600_000) throw new Error('An hour passed, and it was not so')
      await this.advance(100)
    }
  }

  #moveTo(elapsed: number) {
    this.#wall += elapsed - this.#elapsed
    this.#elapsed = elapsed
  }

  /** The machine sleeps: the wall clock goes on, and no timer runs meanwhile. */
  sleep(ms: number): void {
    this.#wall += ms
  }
}

/** Once everything has happened that waits for nothing outside of this process. What WebCrypto does, other threads do, one after the other. */
const settled = async () => {
  for (let turn = 0; turn < 5; turn++) {
    await crypto.subtle.digest('SHA-256', new Uint8Array(1))
    await new Promise((resolve) => setImmediate(resolve))
  }
}
