// Requests that wait for the same thing are done together, in one unit of work.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { refuseNested, type Store, StoreError, type Tx, type Unchanged } from './store.ts'

/** What is to be done about requests at one place. */
interface Work<Place, Request, Answer> {
  /** Requests of one line wait for each other. */
  lineOf(place: Place): string
  /** @returns how many requests, from the first on, can be done together; 1 at the least */
  fit(waiting: readonly Request[]): number
  /** Answers each of the requests, in their order. If it throws, they are done one by one. */
  work(tx: Tx, place: Place, requests: readonly Request[]): Promise<Answer[] | Unchanged<Answer[]>>
}

interface Waiting<Request, Answer> {
  readonly request: Request
  resolve(answer: Answer): void
  reject(error: unknown): void
}

/** While some requests of a line are done, later ones gather, and are done together next. */
export class Groups<Place, Request, Answer> {
  readonly #store: Pick<Store, 'write'>
  readonly #work: Work<Place, Request, Answer>
  readonly #lines = new Map<string, Waiting<Request, Answer>[]>()

  constructor(store: Pick<Store, 'write'>, work: Work<Place, Request, Answer>) {
    this.#store = store
    this.#work = work
  }

  /** Does what is asked for once its turn has come. @returns the answer, once it is durable */
  async do(place: Place, request: Request): Promise<Answer> {
    refuseNested()
    return new Promise((resolve, reject) => {
      const line = this.#work.lineOf(place)
      const waiting = this.#lines.get(line)
      const own = { request, resolve, reject }
      if (waiting) waiting.push(own)
      else void this.#run(place, line, [own])
    })
  }

  async #run(place: Place, line: string, waiting: Waiting<Request, Answer>[]): Promise<void> {
    this.#lines.set(line, waiting)
    while (waiting.length > 0) {
      // Requests that came in the same turn of the event loop are done together from the first on.
      await nextTurn()
      await this.#runSome(place, line, waiting)
    }
    this.#lines.delete(line)
  }

  async #runSome(place: Place, line: string, waiting: Waiting<Request, Answer>[]): Promise<void> {
    let taken: Waiting<Request, Answer>[] | undefined
    const take = () => waiting.splice(0, this.#work.fit(waiting.map(({ request }) => request)))
    try {
      // Whatever came until the unit had its turn comes along.
      const answers = await this.#write(place, line, () => {
        taken ??= take()
        return taken
      })
      this.#settle(taken ?? [], answers)
    } catch (error) {
      const failed = taken ?? take()
      if (failed.length === 1 || (error instanceof StoreError && error.unavailable))
        for (const { reject } of failed) reject(error)
      else for (const one of failed) await this.#runAlone(place, line, one)
    }
  }

  async #runAlone(place: Place, line: string, one: Waiting<Request, Answer>): Promise<void> {
    try {
      this.#settle([one], await this.#write(place, line, () => [one]))
    } catch (error) {
      one.reject(error)
    }
  }

  #write(place: Place, line: string, take: () => readonly Waiting<Request, Answer>[]): Promise<Answer[]> {
    return this.#store.write(
      (tx) =>
        this.#work.work(
          tx,
          place,
          take().map(({ request }) => request),
        ),
      { line },
    )
  }

  #settle(taken: readonly Waiting<Request, Answer>[], answers: readonly Answer[]): void {
    for (const [index, { resolve, reject }] of taken.entries()) {
      const answer = answers[index]
      if (answer === undefined) reject(new Error('A request was not answered'))
      else resolve(answer)
    }
  }
}
