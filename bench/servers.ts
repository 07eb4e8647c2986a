// What is measured: servers as processes of their own, on databases of their own.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { z } from 'zod'
import { createOpaqueSetup } from '../src/domain/identity/opaque-library.ts'
import { freePort } from '../test/support/free-port.ts'
import { createPostgresDatabase, createSqliteDatabase } from '../test/support/fresh-database.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { nothing, type Usage, usageOf } from './usage.ts'

export type Engine = 'SQLite' | 'Postgres'
export const engines: readonly Engine[] = ['SQLite', 'Postgres']

/** The checkout that this file is of. */
export const checkout = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')

const benchFile = (name: string) => fileURLToPath(new URL(name, import.meta.url))

export interface ServerProcess {
  readonly url: string
  readonly pid: number
  /** From its start to its first answer, in milliseconds. */
  readonly startMs: number
  /** What it and all that it has started have used so far. */
  usage(): Usage
  stop(): Promise<void>
}

const tuned = /GLIBC_TUNABLES=(\S+) node (--max-semi-space-size=\d+)/

/** What `npm start` sets to bound the memory of a server, as everything that starts servers does. */
function memoryBounds(root: string): { variables: Record<string, string>; options: string[] } {
  const [, tunables, option] = tuned.exec(readFileSync(`${root}/package.json`, 'utf8')) ?? []
  if (!tunables || !option) throw new Error('"npm start" does not bound the memory of a server')
  return { variables: { GLIBC_TUNABLES: tunables }, options: [option] }
}

const running = new Set<ChildProcess>()
// However the bench ends, nothing that it started stays.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts Node. Log lines are written, as in production, and go nowhere. */
function spawnNode(
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
  told: 'pipe' | 'ignore',
): ChildProcess {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'inherit', told],
    env: { PATH: process.env.PATH, NODE_ENV: 'production', ...settings },
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

const Told = z.object({ processorMs: z.number(), residentMb: z.number(), peakMb: z.number() })

/**
 * Runs Node to its end.
 * @returns what it used, as it tells itself when it ends
 */
export async function run(
  args: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Promise<Usage> {
  const child = spawnNode(['--require', benchFile('./usage-at-end.cjs'), ...args], settings, 'pipe')
  const told = child.stdio[3]
  if (!told || !('read' in told)) throw new Error('Node gives no pipe for descriptor 3')
  const lines = createInterface({ input: told })[Symbol.asyncIterator]()
  const ended = once(child, 'exit')
  const { value = '' } = await lines.next()
  const [code] = await ended
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`)
  return Told.parse(JSON.parse(value))
}

/**
 * Starts a server and waits until it answers.
 * @param args a program, and what it is given
 * @param root the checkout that the program is of
 */
async function launch(
  args: readonly string[],
  port: number,
  settings: Readonly<Record<string, string>>,
  root = checkout,
): Promise<ServerProcess> {
  const { variables, options } = memoryBounds(root)
  const began = performance.now()
  const child = spawnNode([...options, ...args], { ...variables, ...settings }, 'ignore')
  const ended = once(child, 'exit')
  const url = `http://127.0.0.1:${port}`
  for (;;) {
    if (child.exitCode !== null || child.pid === undefined)
      throw new Error(`${args[0]} ended with ${child.exitCode}`)
    const answer = await fetch(`${url}/healthz`).catch(() => undefined)
    await answer?.arrayBuffer()
    if (answer) break
    await pause(20)
  }
  const startMs = performance.now() - began
  const { pid } = child
  return {
    url,
    pid,
    startMs,
    usage: () => usageOf(pid),
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** A program of this folder that takes its port first. */
export async function startPeer(name: string, args: readonly string[]): Promise<ServerProcess> {
  const port = await freePort()
  return launch([benchFile(name), String(port), ...args], port, {})
}

/** Bare Express, which answers one JSON that is already in memory. */
export const startBareExpress = (answer: unknown) => startPeer('./bare-express.js', [JSON.stringify(answer)])

/** What servers on one database have in common: tokens of one are good on the others. */
export async function newSettings(databaseUrl: string): Promise<Record<string, string>> {
  return {
    DATABASE_URL: databaseUrl,
    PUBLIC_URL: 'http://localhost',
    JWT_SECRET: randomBytes(32).toString('base64url'),
    OPAQUE_SERVER_SETUP: await createOpaqueSetup(),
    RATE_LIMITS: 'off',
    SNAPPASS_API: 'on',
    ACCESS_TOKEN_TTL: '1h',
    SHUTDOWN_GRACE: '0s',
  }
}

/** @param root another checkout than this one */
export async function startLimpet(
  settings: Readonly<Record<string, string>>,
  root = checkout,
): Promise<ServerProcess> {
  const port = await freePort()
  const program = `${root}/bin/limpet-server.js`
  if (!existsSync(program)) throw new Error(`${program} is missing`)
  return launch([program], port, { ...settings, PORT: String(port) }, root)
}

export interface BenchDatabase {
  readonly engine: Engine
  readonly url: string
  /** What the database's own processes have used so far; nothing if it has none. */
  usage(): Usage
}

/** The process that all others of a Postgres are started by. */
export async function postmasterOf(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query({ text: "select pg_read_file('postmaster.pid')", rowMode: 'array' })
    return z.coerce.number().int().parse(String(rows[0]?.[0]).split('\n')[0])
  } finally {
    await client.end()
  }
}

export interface Databases {
  /** An empty one. */
  create(engine: Engine): Promise<BenchDatabase>
}

/**
 * Lets something have databases, and removes them at its end, however it ends. Both engines wait for the disk, as in production.
 * @param wanted Postgres is started if it is among them
 */
export async function withDatabases<T>(
  wanted: readonly Engine[],
  work: (databases: Databases) => Promise<T>,
): Promise<T> {
  const postgres = wanted.includes('Postgres') ? await startPostgres({ isDurable: true }) : undefined
  const postmaster = postgres && (await postmasterOf(postgres.url))
  const made: { remove(): Promise<void> }[] = []
  try {
    return await work({
      async create(engine) {
        if (engine === 'Postgres' && !postgres) throw new Error('Postgres was not started')
        const database =
          postgres && engine === 'Postgres'
            ? await createPostgresDatabase(postgres.url)
            : await createSqliteDatabase()
        made.push(database)
        const usage = () =>
          engine === 'Postgres' && postmaster !== undefined ? usageOf(postmaster) : nothing
        return { engine, url: database.url, usage }
      },
    })
  } finally {
    for (const { remove } of made) await remove()
    await postgres?.stop()
  }
}

/** The usual case: on each engine in turn, a server on an empty database. */
export const onBothEngines = (
  work: (server: ServerProcess, database: BenchDatabase) => Promise<void>,
  more: Readonly<Record<string, string>> = {},
): Promise<void> =>
  withDatabases(engines, async ({ create }) => {
    for (const engine of engines) {
      const database = await create(engine)
      const server = await startLimpet({ ...(await newSettings(database.url)), ...more })
      await work(server, database).finally(() => server.stop())
    }
  })
