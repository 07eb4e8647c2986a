// `npm run bench:attack`: what strangers and one account can send for a minute to a server with the heap of a container of 512 MB, and
// how soon it says meanwhile that it lives. `npm run bench:attack -- 5` for five seconds.
import { readFileSync } from 'node:fs'
import { newAccount } from '../test/support/accounts.ts'
import { heapOfContainer, measureAttack, quantile } from '../test/support/attack.ts'
import { freePort } from '../test/support/free-port.ts'
import { createSqliteDatabase } from '../test/support/fresh-database.ts'
import { startProcess } from '../test/support/process.ts'

/** The largest share of the machine's memory that a process has had, in MiB; not known outside of Linux. */
const peakMemory = (pid: number | undefined) =>
  Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

const database = await createSqliteDatabase()
const server = await startProcess({
  port: await freePort(),
  databaseUrl: database.url,
  environment: { NODE_OPTIONS: heapOfContainer, RATE_LIMITS: 'on', LOG_LEVEL: 'warn' },
})
const ms = Number(process.argv[2] ?? 60) * 1000
const { outcomes, healthMs } = await measureAttack(server, { account: await newAccount(server), ms })
process.stdout.write(`${JSON.stringify(outcomes, null, 2)}\n`)
const isAlive = server.child.exitCode === null && server.child.signalCode === null
const at = (share: number) => `${quantile(healthMs, share).toFixed(0)} ms`
process.stdout.write(
  isAlive
    ? `The process lives; /healthz ${healthMs.length} times: median ${at(0.5)}, 95 % ${at(0.95)}, longest ${at(1)}; memory at most ${peakMemory(server.child.pid).toFixed(0)} MiB.\n`
    : `The process ended:\n${server.output().slice(-2000)}\n`,
)
await server.kill()
await database.remove()
