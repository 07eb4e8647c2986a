// What strangers cause and are not to notice is done every second, and not with the request: otherwise the time of the answer, or
// the load that it leaves, would tell which addresses have an account.

/** Most of a kind that wait: bounds the memory, and what one turn takes. What comes beyond within a second is not done. */
const mostWaiting = 100

type Kind = 'failed-login' | 'started-login' | 'mail'

export interface Postponed {
  add(kind: Kind, work: () => Promise<void>): void
  /** Does what waits, all of it; throws the first failure. What failed is not tried again. */
  flush(): Promise<void>
}

export function createPostponed(): Postponed {
  const waiting = new Map<Kind, (() => Promise<void>)[]>()
  return {
    add(kind, work) {
      const alike = waiting.get(kind) ?? []
      if (alike.length < mostWaiting) waiting.set(kind, [...alike, work])
    },
    async flush() {
      const due = [...waiting.values()].flat()
      waiting.clear()
      const outcomes = await Promise.allSettled(due.map((work) => work()))
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    },
  }
}
