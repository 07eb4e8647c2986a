// `npm run bench:attack`: what strangers and one account can send for a minute to a server with the heap of a container of 512 MB, and
// how soon it says meanwhile that it lives. `npm run bench:attack -- 5` for five seconds.
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { z } from 'zod'
import { attack, heapOfContainer } from '../test/support/attack.ts'
import { createSqliteDatabase } from '../test/support/fresh-database.ts'
import { freePort } from '../test/support/postgres.ts'
import { startProcess } from '../test/support/process.ts'

const Task = z.object({ url: z.string(), seconds: z.number() })

/** The largest share of the machine's memory that a process has had, in MiB; not known outside of Linux. */
const peakMemory = (pid: number | undefined) =>
  /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]

async function measure(seconds: number) {
  const database = await createSqliteDatabase()
  const server = await startProcess({
    port: await freePort(),
    databaseUrl: database.url,
    environment: { NODE_OPTIONS: heapOfContainer, RATE_LIMITS: 'on', LOG_LEVEL: 'warn' },
  })
  const worker = new Worker(new URL(import.meta.url), { workerData: { url: server.url, seconds } })
  let outcomes: unknown
  worker.once('message', (message) => {
    outcomes = message
  })
  const times: number[] = []
  while (outcomes === undefined && server.child.exitCode === null && server.child.signalCode === null) {
    const began = performance.now()
    const answer = await fetch(`${server.url}/healthz`).catch(() => undefined)
    if (answer?.ok) times.push(performance.now() - began)
    await pause(50)
  }
  const sorted = times.toSorted((one, other) => one - other)
  const at = (share: number) => `${sorted[Math.floor(sorted.length * share)]?.toFixed(0)} ms`
  process.stdout.write(`${JSON.stringify(outcomes, null, 2)}\n`)
  const isAlive = server.child.exitCode === null && server.child.signalCode === null
  process.stdout.write(
    `${isAlive ? 'The process lives' : `The process ended:\n${server.output().slice(-2000)}`}; /healthz ${sorted.length} times: median ${at(0.5)}, 95 % ${at(0.95)}, longest ${at(0.9999)}; memory at most ${Number(isAlive ? peakMemory(server.child.pid) : 0) / 1024} MiB.\n`,
  )
  await server.kill()
  await database.remove()
}

if (isMainThread) await measure(Number(process.argv[2] ?? 60))
else {
  const { url, seconds } = Task.parse(workerData)
  parentPort?.postMessage(await attack({ url }, seconds * 1000))
}
