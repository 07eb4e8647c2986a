// Measures scenarios: the load runs in threads of its own, and the kernel tells what the servers use meanwhile.
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { percentile } from './figures.ts'
import type { Counted, Order } from './load-thread.ts'
import { onlyPath, type Place } from './place.ts'
import { type ScenarioName, scenarios } from './scenarios.ts'
import type { ServerProcess } from './servers.ts'
import { nothing, type Usage } from './usage.ts'

/**
 * A figure is of so many units and of so much processor time at least, which the kernel counts in steps of 10 ms; or of what has ended
 * within so many times of the time that it was given.
 */
const [leastUnits, leastProcessorMs, longest] = [4, 250, 10]

/** Before a measurement counts: connections are made, and code is compiled. */
const warmUpMs = 400

export interface Figures {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  readonly longest: number
  /** Processor time for each unit, in microseconds: of the server's process tree. */
  readonly serverMicros: number
  /** Of the database's. */
  readonly databaseMicros: number
  /** Of the client's thread: where it comes near to the time that a unit takes of the wall clock, the client is what is measured. */
  readonly clientMicros: number
  readonly errors: readonly string[]
}

/** A thread for one load at a time. It stays for the next one, so that its code is loaded and compiled once. */
class LoadThread {
  readonly #worker = new Worker(new URL('./load-thread.ts', import.meta.url))
  readonly #counter = new SharedArrayBuffer(4)
  isFree = true

  constructor() {
    // It does not hold up the end of the process while it waits for something to do.
    this.#worker.unref()
  }

  async #next<T>(): Promise<T> {
    const [message] = await once(this.#worker, 'message')
    return message
  }

  /** Resolves once the load has come to its first requests. */
  async start(order: Omit<Order, 'counter'>): Promise<void> {
    this.isFree = false
    this.#worker.ref()
    const ready = this.#next()
    Atomics.store(new Int32Array(this.#counter), 0, 0)
    this.#worker.postMessage({ ...order, counter: this.#counter } satisfies Order)
    await ready
  }

  /** How many units were counted so far. */
  get units(): number {
    return Atomics.load(new Int32Array(this.#counter), 0)
  }

  count() {
    this.#worker.postMessage('count')
  }

  /** @returns what was counted */
  async stop(): Promise<Counted> {
    const counted = this.#next<Counted>()
    this.#worker.postMessage('stop')
    const result = await counted
    this.#worker.unref()
    this.isFree = true
    return result
  }
}

/** One for what is measured, and one for what runs beside it: more are never busy. */
const threads = [new LoadThread(), new LoadThread()]

async function startLoad(order: Omit<Order, 'counter'>): Promise<LoadThread> {
  const thread = threads.find(({ isFree }) => isFree)
  if (!thread) throw new Error('Two loads run already')
  await thread.start(order)
  return thread
}

/** A server that is measured, what it holds, and what its database uses. */
export interface Target {
  readonly server: { usage(): Usage }
  readonly database: { usage(): Usage }
  readonly place: Place
}

/**
 * Measures a scenario once.
 * @param seconds that are counted, or more of them for what is slow or on a machine that is busy; some are needed before them
 */
export async function measure(
  name: ScenarioName,
  { server, database, place }: Target,
  connections: number,
  seconds: number,
): Promise<Figures> {
  const { beside } = scenarios[name]
  const other = beside && (await startLoad({ ...beside, place }))
  const load = await startLoad({ name, place, connections })
  await pause(warmUpMs)
  const before = { server: server.usage(), database: database.usage() }
  load.count()
  other?.count()
  await pause(seconds * 1000)
  const isEnough = () =>
    load.units >= leastUnits && server.usage().processorMs - before.server.processorMs >= leastProcessorMs
  for (let times = 1; times < longest && !isEnough(); times++) await pause(seconds * 1000)
  const after = { server: server.usage(), database: database.usage() }
  const counted = await load.stop()
  const besides = await other?.stop()
  const units = counted.ms.length
  const used = (of: 'server' | 'database') =>
    ((after[of].processorMs - before[of].processorMs) / units) * 1000
  return {
    perSecond: units / counted.seconds,
    p50: percentile(counted.ms, 0.5),
    p99: percentile(counted.ms, 0.99),
    longest: percentile(counted.ms, 1),
    serverMicros: used('server'),
    databaseMicros: used('database'),
    clientMicros: (counted.clientMs / units) * 1000,
    errors: [...counted.errors, ...(besides?.errors ?? [])],
  }
}

/** Measures one GET, again and again. Throws if it is ever answered otherwise than with 200. */
export async function measureGets(
  server: ServerProcess,
  { path, token }: { path: string; token: string },
  { connections, seconds }: { connections: number; seconds: number },
): Promise<Figures> {
  const place = onlyPath(server.url, path, token)
  const target = { server, database: { usage: () => nothing }, place }
  const figures = await measure('get', target, connections, seconds)
  const [error] = figures.errors
  if (error !== undefined) throw new Error(error)
  return figures
}
