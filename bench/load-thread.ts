// The load, in a thread of its own: runs a scenario at so many connections, and is told when it counts and when it is over.
import { once } from 'node:events'
import { type MessagePort, parentPort } from 'node:worker_threads'
import { Connection } from './connection.ts'
import type { Place } from './place.ts'
import { type ScenarioName, scenarios, type Unit } from './scenarios.ts'

export interface Order {
  readonly name: ScenarioName
  readonly place: Place
  readonly connections: number
  /** One number, of 32 bits: how many units were counted so far. */
  readonly counter: SharedArrayBuffer
}

export interface Counted {
  /** Of each unit that has ended meanwhile. */
  readonly ms: Float64Array
  readonly seconds: number
  readonly errors: readonly string[]
  /** Processor time of this thread. */
  readonly clientMs: number
}

const threadMs = () => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** A connection whose unit fails does no more. */
async function runLoad({ name, place, connections, counter }: Order, port: MessagePort): Promise<Counted> {
  const errors: string[] = []
  const tell = (error: unknown) => errors.push(error instanceof Error ? error.message : String(error))
  let [isOver, began, beganMs, ended, endedMs] = [false, 0, 0, 0, 0]
  const ms: number[] = []
  const counted = new Int32Array(counter)
  const isStopped = once(port, 'message').then(async () => {
    ;[began, beganMs] = [performance.now(), threadMs()]
    await once(port, 'message')
    isOver = true
    ;[ended, endedMs] = [performance.now(), threadMs()]
  })
  const repeat = async (unit: Unit) => {
    while (!isOver) {
      const from = performance.now()
      await unit()
      if (isOver || began === 0) continue
      // Also what began before: as much is cut off at the end.
      ms.push(performance.now() - from)
      Atomics.add(counted, 0, 1)
    }
  }
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(place.url)))
  const prepared = open.map(async (connection, index) => scenarios[name].prepare(place, connection, index))
  await Promise.allSettled(prepared)
  port.postMessage('ready')
  await Promise.all(prepared.map((unit) => unit.then(repeat).catch(tell)))
  await isStopped
  for (const connection of open) connection.close()
  return { ms: Float64Array.from(ms), seconds: (ended - began) / 1000, errors, clientMs: endedMs - beganMs }
}

const port = parentPort
if (!port) throw new Error('This is not a thread')
for (;;) {
  const [order] = await once(port, 'message')
  port.postMessage(await runLoad(order, port))
}
