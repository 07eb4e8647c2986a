// Work that strangers cause and must not notice is done every second, not with the request: otherwise the time of the answer, or
// the load that it leaves, would tell which addresses have an account.

/** How many of a kind may wait: bounds the memory, and what one turn takes. More than that within a second are not done. */
const maxWaiting = 100

type Kind = 'failed-login' | 'started-login' | 'mail'

export interface DeferredTasks {
  add(kind: Kind, work: () => Promise<void>): void
  /** Does everything that waits; throws the first failure. What failed is not tried again. */
  flush(): Promise<void>
}

export function createDeferredTasks(): DeferredTasks {
  const waiting = new Map<Kind, (() => Promise<void>)[]>()
  return {
    add(kind, work) {
      const alike = waiting.get(kind) ?? []
      if (alike.length < maxWaiting) waiting.set(kind, [...alike, work])
    },
    async flush() {
      const due = [...waiting.values()].flat()
      waiting.clear()
      const outcomes = await Promise.allSettled(due.map((work) => work()))
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    },
  }
}
