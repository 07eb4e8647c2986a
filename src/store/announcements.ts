// Tells the listeners of this process what units of work announce. How it reaches other processes is up to the engine.

/** Postgres takes less than 8,000 bytes (NOTIFY); some are for the name of the process that sends it. */
const maxBytes = 7900

/** Throws for a message that one of the engines could not tell. */
export function checkLength(message: string): void {
  if (Buffer.byteLength(message) > maxBytes)
    throw new Error('An announcement is too long: announce ids alone')
}

/** Of announcements on one topic, that of the greatest order is enough. */
export interface TopicalAnnouncement {
  readonly topic: string
  readonly order: number
  readonly message: string
}

/** Announcements of which only the newest on each topic counts, until they are taken. */
export class NewestOfTopics {
  readonly #waiting = new Map<string, TopicalAnnouncement>()

  get size(): number {
    return this.#waiting.size
  }

  add(announcement: TopicalAnnouncement): void {
    const { topic, order } = announcement
    if ((this.#waiting.get(topic)?.order ?? order) <= order) this.#waiting.set(topic, announcement)
  }

  /** Takes out as many as there are, up to a number of them; the ones that came first. */
  take(most = Number.POSITIVE_INFINITY): TopicalAnnouncement[] {
    const taken: TopicalAnnouncement[] = []
    for (const [topic, announcement] of this.#waiting) {
      if (taken.length === most) break
      taken.push(announcement)
      this.#waiting.delete(topic)
    }
    return taken
  }
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
  readonly #soon = new NewestOfTopics()
  readonly #announce: (announcement: TopicalAnnouncement) => void

  /** @param announce tells everybody what the unit had to say on a topic */
  constructor(announce: (announcement: TopicalAnnouncement) => void) {
    this.#announce = announce
  }

  add(work: () => void): void {
    this.#work.push(work)
  }

  announceSoon(announcement: TopicalAnnouncement): void {
    checkLength(announcement.message)
    this.#soon.add(announcement)
  }

  /** The unit is durable whatever happens in here, so that an error is not the unit's: it ends the process. */
  run(): void {
    const announcing = this.#soon.take().map((announcement) => () => this.#announce(announcement))
    for (const work of [...this.#work, ...announcing]) {
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
