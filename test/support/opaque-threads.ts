// Threads that compute OPAQUE, and end when a test says so.
import { Worker } from 'node:worker_threads'

/** Starts one as a server does. */
export const startThread = (setup: string): Worker =>
  new Worker(new URL('../../src/domain/identity/opaque-thread.ts', import.meta.url), { workerData: setup })

export function threadsThatDie() {
  const threads: Worker[] = []
  let doomed = 0
  return {
    start(setup: string): Worker {
      const thread = startThread(setup)
      threads.push(thread)
      if (doomed > 0) {
        doomed--
        void thread.terminate()
      }
      return thread
    },
    /** Ends every thread that runs. */
    killAll: () => Promise.all(threads.splice(0).map((thread) => thread.terminate())),
    /** Has so many threads end as soon as they are started. */
    killNext(count: number) {
      doomed = count
    },
  }
}
