// The threads that compute OPAQUE, so that the event loop does not: bounded in number, and in how many calls wait for them.
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Computed, OpaqueCall } from './opaque-library.ts'
import type { CallMessage, ComputedMessage } from './opaque-thread.ts'
import { tooManyLogins } from './password-hasher.ts'

/** Beyond this many for each thread (less than a second's work) a client is told to come back instead. */
const maxWaitingEach = 500

export interface OpaqueThreads {
  /** Throws `unavailable` while too many wait, and an error if the threads cannot do it. */
  compute(call: OpaqueCall): Promise<Computed>
  /** How many calls are not answered yet. */
  waiting(): number
  /** Refuses new calls, has those that wait answered, and ends the threads. */
  close(): Promise<void>
}

export interface ThreadOptions {
  /** How many threads there may be. */
  readonly most?: number
  readonly maxWaitingEach?: number
  /** Starts one, of `opaque-thread.ts`. */
  readonly start?: (setup: string) => Worker
  /** Told when a thread has ended that nobody has ended. Another one is started for its calls. */
  readonly onLost?: (error: Error) => void
}

interface Waiting {
  readonly call: OpaqueCall
  /** Whether a thread has ended with it before. */
  readonly isAgain: boolean
  resolve(computed: Computed): void
  reject(error: Error): void
}

interface Thread {
  readonly worker: Worker
  readonly waiting: Map<number, Waiting>
}

/** The event loop keeps a core for itself. */
const usualMost = () => Math.max(1, Math.min(4, availableParallelism() - 1))

const program = import.meta.url.endsWith('.ts') ? './opaque-thread.ts' : './opaque-thread.js'

/** With no environment, because secrets are in it; a call takes little memory. */
const startThread = (setup: string): Worker =>
  new Worker(new URL(program, import.meta.url), {
    workerData: setup,
    env: {},
    resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 },
  })

/**
 * Starts each thread when a call would have to wait for another one: the first with the first call.
 * @param setup OPAQUE_SERVER_SETUP
 */
export function createOpaqueThreads(setup: string, options: ThreadOptions = {}): OpaqueThreads {
  const { most = usualMost(), start = startThread, onLost = () => {} } = options
  const maxWaiting = most * (options.maxWaitingEach ?? maxWaitingEach)
  const threads = new Set<Thread>()
  let lastId = 0
  let isClosed = false
  /** Called whenever a call was answered or has failed. */
  let onAnswer = () => {}

  const waiting = () => [...threads].reduce((sum, thread) => sum + thread.waiting.size, 0)

  function startAnother(): Thread {
    const worker = start(setup)
    const thread: Thread = { worker, waiting: new Map() }
    threads.add(thread)
    let cause: unknown
    worker.on('message', ({ id, computed }: ComputedMessage) => {
      thread.waiting.get(id)?.resolve(computed)
      thread.waiting.delete(id)
      onAnswer()
    })
    worker.on('error', (error) => {
      cause = error
    })
    worker.on('exit', (code) => {
      threads.delete(thread)
      const error = new Error(`A thread that computes OPAQUE has ended with code ${code}`, { cause })
      if (!isClosed || thread.waiting.size > 0) onLost(error)
      // It may have ended by one of them, so each is tried with one more thread and no more.
      for (const one of thread.waiting.values())
        if (one.isAgain) one.reject(error)
        else give({ ...one, isAgain: true })
      onAnswer()
    })
    // What waits for an answer holds a connection; a thread alone keeps no process alive.
    worker.unref()
    return thread
  }

  function give(one: Waiting): void {
    try {
      hand(one)
    } catch (error) {
      // The system has no more threads, or no memory for one.
      one.reject(new Error('A thread that computes OPAQUE cannot be started', { cause: error }))
    }
  }

  function hand(one: Waiting): void {
    const [leastBusy] = [...threads].sort((a, b) => a.waiting.size - b.waiting.size)
    const isFree = leastBusy?.waiting.size === 0
    const thread = leastBusy && (isFree || threads.size >= most) ? leastBusy : startAnother()
    const id = ++lastId
    thread.waiting.set(id, one)
    const message: CallMessage = { id, ...one.call }
    thread.worker.postMessage(message)
  }

  return {
    async compute(call) {
      if (isClosed || waiting() >= maxWaiting) throw tooManyLogins()
      return new Promise((resolve, reject) => give({ call, isAgain: false, resolve, reject }))
    },
    waiting,
    async close() {
      isClosed = true
      while (waiting() > 0) {
        await new Promise<void>((resolve) => {
          onAnswer = resolve
        })
      }
      await Promise.all([...threads].map(({ worker }) => worker.terminate()))
    },
  }
}
