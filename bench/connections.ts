// Thousands of connections. First one server on SQLite: what an idle connection takes of its memory, whether all of them are still there and
// answered afterwards, and what `GET item` takes beside them at many connections. Then servers on one Postgres behind nginx, with
// the project's nginx.conf without TLS: what a request takes with one of them and with two.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from '../test/support/free-port.ts'
import { Connection } from './connection.ts'
import { endProgress, figure, median, percentile, progress, table } from './figures.ts'
import { type Figures, measure } from './load.ts'
import { fill, newVault, onlyPath, type Place } from './place.ts'
import { writeResults } from './results.ts'
import {
  checkout,
  type Engine,
  newSettings,
  type ServerProcess,
  startLimpet,
  withDatabases,
} from './servers.ts'
import { nothing, usageOf } from './usage.ts'

const idle = 10_000
const active = 1000
const seconds = 5
/** Opened at the same time: fewer than wait in the kernel for a server that is busy. */
const openedTogether = 100

/** Opens connections, each of which has been answered once, so that it is one that is kept. */
async function openIdle(url: string): Promise<Connection[]> {
  const open: Connection[] = []
  while (open.length < idle) {
    const some = Array.from({ length: Math.min(openedTogether, idle - open.length) }, async () => {
      const connection = await Connection.open(url)
      await answered(connection)
      return connection
    })
    open.push(...(await Promise.all(some)))
    if (open.length % 1000 === 0) progress(`${open.length} of ${idle} connections`)
  }
  return open
}

async function answered(connection: Connection): Promise<void> {
  const { status } = await connection.ask({ path: '/healthz' })
  if (status !== 200) throw new Error(`A health check was answered ${status}`)
}

const target = (server: ServerProcess, place: Place) => ({
  server,
  database: { usage: () => nothing },
  place,
})

async function measureIdle(): Promise<string> {
  return withDatabases(['SQLite'], async ({ create }) => {
    const { url: databaseUrl } = await create('SQLite')
    const room = { MAX_CONNECTIONS: String(idle + active + 100) }
    const server = await startLimpet({ ...(await newSettings(databaseUrl)), ...room })
    try {
      const vault = await newVault(server, 1000)
      const place = { ...onlyPath(server.url, vault.path), vault }
      const gets = (connections: number) => measure('read', target(server, place), connections, seconds)
      await gets(active)
      const alone = await gets(active)
      const before = server.usage()
      const open = await openIdle(server.url)
      await pause(2000)
      const during = server.usage()
      await pause(5000)
      // What they cost while nothing comes: timers.
      const restMs = server.usage().processorMs - during.processorMs
      progress('measuring beside them')
      const beside = await gets(active)
      const lost = open.filter(({ isClosed }) => isClosed).length
      const again = await Promise.allSettled(open.map(answered))
      const refused = again.filter(({ status }) => status === 'rejected').length
      for (const connection of open) connection.close()
      endProgress()
      const row = (name: string, { perSecond, serverMicros, p50, p99, errors }: Figures) => [
        name,
        ...[perSecond, serverMicros, p50, p99].map(figure),
        String(errors.length),
      ]
      return [
        table(
          [
            `GET item at ${figure(active)} connections, SQLite`,
            'a second',
            'processor µs',
            'p50 ms',
            'p99 ms',
            'errors',
          ],
          [row('alone', alone), row(`beside ${figure(idle)} idle ones`, beside)],
        ),
        '',
        `An idle connection takes ${(((during.residentMb - before.residentMb) * 1024) / idle).toFixed(1)} KiB (${before.residentMb.toFixed(0)} MB before, ${during.residentMb.toFixed(0)} MB with ${figure(idle)} of them), and all of them ${figure(restMs / 5)} ms of a processor each second. Closed by the server meanwhile: ${lost}; refused when all of them asked at once: ${refused}.`,
      ].join('\n')
    } finally {
      await server.stop()
    }
  })
}

/** The project's nginx.conf for servers of this machine, without TLS, and with room for all that the bench opens. */
function nginxConfiguration(
  { port, healthPort }: { port: number; healthPort: number },
  servers: readonly ServerProcess[],
  folder: string,
): string {
  const upstream = (options: string) =>
    servers.map(({ url }) => `server ${new URL(url).host}${options};`).join('\n')
  return readFileSync(join(checkout, 'nginx.conf'), 'utf8')
    .replaceAll('/tmp/', `${folder}/`)
    .replaceAll(/server app-1:8080([^;]*);\s*server app-2:8080[^;]*;/g, (_both, options: string) =>
      upstream(options),
    )
    .replace('listen 443 ssl;', `listen 127.0.0.1:${port};`)
    .replace('127.0.0.1:8081', `127.0.0.1:${healthPort}`)
    .replace(/listen 80\b[^;]*;/g, `listen 127.0.0.1:${port} ; server_name none;`)
    .replaceAll(/^\s*(?:ssl_[a-z_]+|http2) [^;]*;$/gm, '')
    .replaceAll('access_log /dev/stdout', `access_log ${folder}/requests.log`)
}

/** @returns its address, and what stops it */
async function startNginx(servers: readonly ServerProcess[]) {
  const folder = mkdtempSync(join(tmpdir(), 'limpet-nginx-'))
  const port = await freePort()
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, nginxConfiguration({ port, healthPort: await freePort() }, servers, folder))
  const child = spawn('nginx', ['-c', file, '-p', folder, '-g', 'daemon off;'], {
    stdio: 'ignore',
  })
  const ended = once(child, 'exit')
  const url = `http://127.0.0.1:${port}`
  while (!(await fetch(`${url}/healthz`).catch(() => undefined))?.ok) {
    if (child.exitCode !== null) throw new Error('nginx has ended')
    await pause(50)
  }
  return {
    url,
    usage: () => usageOf(child.pid ?? 0),
    async stop() {
      child.kill('SIGTERM')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function measureReplicas(): Promise<string> {
  const engine: Engine = 'Postgres'
  return withDatabases([engine], async ({ create }) => {
    const database = await create(engine)
    const settings = await newSettings(database.url)
    const servers = [await startLimpet(settings), await startLimpet(settings)] as const
    const proxies = [await startNginx(servers.slice(0, 1)), await startNginx(servers)] as const
    try {
      const place = await fill(servers[0], 1000)
      const rows: string[][] = []
      for (const name of ['read', 'replace', 'share'] as const) {
        const rounds: [Figures, Figures][] = []
        for (let round = 0; round < 5; round++) {
          progress(`${name}: round ${round + 1} of 5, one and two servers behind nginx`)
          const one = async (proxy: (typeof proxies)[number], used: readonly ServerProcess[]) => {
            const all = {
              usage: () => ({
                ...nothing,
                processorMs: used.reduce((sum, each) => sum + each.usage().processorMs, 0),
              }),
            }
            return measure(name, { server: all, database, place: { ...place, url: proxy.url } }, 64, 2)
          }
          const first = await one(proxies[0], servers.slice(0, 1))
          rounds.push([first, await one(proxies[1], servers)])
        }
        const of = (index: 0 | 1, get: (figures: Figures) => number) =>
          figure(median(rounds.map((round) => get(round[index]))))
        const used = ({ serverMicros, databaseMicros }: Figures) => serverMicros + databaseMicros
        const ratios = rounds.map(([one, two]) => used(one) / used(two))
        const errors = rounds.flat().reduce((sum, figures) => sum + figures.errors.length, 0)
        rows.push([
          name,
          ...([0, 1] as const).flatMap((index) => [
            of(index, ({ perSecond }) => perSecond),
            `${of(index, ({ serverMicros }) => serverMicros)} + ${of(index, ({ databaseMicros }) => databaseMicros)}`,
            of(index, ({ p99 }) => p99),
          ]),
          `${percentile(ratios, 0.5).toFixed(2)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`,
          String(errors),
        ])
      }
      endProgress()
      const columns = ['a second', 'processor µs', 'p99 ms']
      return table(
        [
          'at 64 connections to nginx, Postgres',
          ...['one server', 'two'].flatMap((count) => columns.map((column) => `${count}: ${column}`)),
          'requests per processor second, two to one',
          'errors',
        ],
        rows,
      )
    } finally {
      for (const proxy of proxies) await proxy.stop()
      for (const server of servers) await server.stop()
    }
  })
}

/** Measures both, and writes the figures. Without `nginx` the second part is left out. @returns errors: none, or it throws */
export async function measureConnections(): Promise<readonly string[]> {
  const alone = await measureIdle()
  const isMissing = spawnSync('nginx', ['-v']).error !== undefined
  const replicas = isMissing ? 'There was no nginx: replicas were not measured.' : await measureReplicas()
  writeResults('connections', `\n\n${alone}\n\n${replicas}`)
  return []
}
