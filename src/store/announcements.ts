// Tells the listeners of this process what units of work announce. How it reaches other processes is up to the engine.

/** Postgres takes less than 8,000 bytes (NOTIFY); some are for the name of the process that sends it. */
const maxBytes = 7900

/** Throws for a message that one of the engines could not tell. */
export function checkLength(message: string): void {
  if (Buffer.byteLength(message) > maxBytes)
    throw new Error('An announcement is too long: announce ids alone')
}

export interface Listener {
  /** A unit of work announced this, here or in another process, and it is committed. */
  heard(message: string): void
  /** Announcements of other processes may have been lost: what depends on having heard all of them is to be looked up again. */
  missed(): void
}

export class Announcements {
  readonly #listeners = new Set<Listener>()

  /** @returns what ends listening */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  tell(message: string): void {
    for (const listener of this.#listeners) listener.heard(message)
  }

  missed(): void {
    for (const listener of this.#listeners) listener.missed()
  }
}

/** What one unit of work leaves to be done once it is committed. Nothing of a unit that was rolled back is done. */
export class AfterCommit {
  readonly #work: (() => void)[] = []

  add(work: () => void): void {
    this.#work.push(work)
  }

  /** The unit is durable whatever happens in here, so that an error is not the unit's: it ends the process. */
  run(): void {
    for (const work of this.#work) {
      try {
        work()
      } catch (error) {
        process.nextTick(() => {
          throw error
        })
      }
    }
  }
}
