// A unit of work on its way through an engine: its turn, what became of it, and who waits for it.
import type { AfterCommit } from './announcements.ts'
import { guarded, type Tx, Unchanged } from './store.ts'

export type Work<T> = (tx: Tx) => Promise<T | Unchanged<T>>

/** One writer's turn; `settle` is called after the commit that made it durable, or after it failed. */
export interface Unit {
  work: Work<unknown>
  settle(outcome: Outcome): void
}

export type Outcome = { ok: true; afterCommit: AfterCommit } | { ok: false; error: unknown }

/**
 * Makes a unit of `work` and hands it on.
 * @param add sees to it that the unit gets its turn, and is settled
 * @returns what the work returned, once the unit is settled
 */
export const settled = <T>(work: Work<T>, add: (unit: Unit) => void): Promise<T> =>
  new Promise<T>((resolve, reject) => {
    let result: T
    add({
      work: (tx) =>
        guarded(async () => {
          const returned = await work(tx)
          result = returned instanceof Unchanged ? returned.result : returned
          return returned
        }),
      settle: (outcome) => (outcome.ok ? resolve(result) : reject(outcome.error)),
    })
  })

/** Units that stand in a line wait for each other: while some of a line run, later ones gather, and run together next. */
export class Lines {
  readonly #waiting = new Map<string, Unit[]>()
  readonly #runTogether: (units: Unit[]) => Promise<void>
  readonly #most: number

  /**
   * @param runTogether settles every unit that it gets, and does not throw
   * @param most how many it gets at once
   */
  constructor(runTogether: (units: Unit[]) => Promise<void>, most: number) {
    this.#runTogether = runTogether
    this.#most = most
  }

  /** How many units wait for their turn, in all lines. */
  get waiting(): number {
    let sum = 0
    for (const units of this.#waiting.values()) sum += units.length
    return sum
  }

  add(line: string, unit: Unit): void {
    const waiting = this.#waiting.get(line)
    if (waiting) waiting.push(unit)
    else void this.#run(line, [unit])
  }

  async #run(line: string, waiting: Unit[]): Promise<void> {
    this.#waiting.set(line, waiting)
    while (waiting.length > 0) await this.#runTogether(waiting.splice(0, this.#most))
    this.#waiting.delete(line)
  }
}
