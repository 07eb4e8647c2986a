// `npm run bench:login-load`: logins a second by each method, and how long others wait meanwhile: `GET item`, asked for at a steady
// pace, alone and while one method or the other runs at full load. Each in its turn, a few rounds, on both engines.
import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { z } from 'zod'
import { createOpaqueSetup } from '../src/domain/identity/opaque.ts'
import { fakeEnvelope, logInBody, newAccount } from '../test/support/accounts.ts'
import { freePort } from '../test/support/free-port.ts'
import { createPostgresDatabase, createSqliteDatabase } from '../test/support/fresh-database.ts'
import { newOpaqueAccount, opaqueLogin, post } from '../test/support/opaque.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { outcomeOf, type Server, send } from '../test/support/requests.ts'
import { median, percentile } from './figures.ts'
import { launch } from './processes.ts'

const rounds = 7
const seconds = 4
/** Before a measurement, for connections to be made and code to be compiled. */
const warmUpSeconds = 2
/** Logins at the same time. */
const atOnce = 16
const accountsEach = 16
/** How often an item is asked for, in milliseconds: far below what the server could answer. */
const readEvery = 5

const methods = ['authKey', 'opaque'] as const
type Method = (typeof methods)[number]

const Load = z.object({
  url: z.string(),
  method: z.enum(methods),
  /** E-mail and secret: the key, or the password. */
  accounts: z.array(z.tuple([z.string(), z.string()])),
})

/** In a thread of its own: logs in, so many at once, until it is told to stop; then tells how often. */
async function load() {
  const { url, method, accounts } = Load.parse(workerData)
  let stopped = false
  let logins = 0
  parentPort?.on('message', (message) => {
    if (message === 'count') logins = 0
    else stopped = true
  })
  const one = async (turn: number) => {
    const [email = '', secret = ''] = accounts[turn % accounts.length] ?? []
    const answer =
      method === 'opaque'
        ? await opaqueLogin({ url }, email, secret)
        : await post({ url }, 'login', logInBody({ email, authKey: secret }))
    if (answer.status !== 200) throw new Error(`A login was answered ${outcomeOf(answer)}`)
    logins++
  }
  await Promise.all(
    Array.from({ length: atOnce }, async (_, turn) => {
      while (!stopped) await one(turn)
    }),
  )
  parentPort?.postMessage(logins)
  parentPort?.close()
}

/** How long each answer took that was asked for at its time, whether the one before had come or not. */
async function read(server: Server, item: { path: string; token: string }): Promise<number[]> {
  const began = performance.now()
  const waits: Promise<number>[] = []
  for (let due = 0; due < seconds * 1000; due += readEvery) {
    await pause(Math.max(0, began + due - performance.now()))
    const sent = performance.now()
    waits.push(
      send(server, item).then((answer) => {
        if (answer.status !== 200) throw new Error(`GET item was answered ${outcomeOf(answer)}`)
        return performance.now() - sent
      }),
    )
  }
  return Promise.all(waits)
}

interface Round {
  readonly loginsPerSecond: number
  readonly p50: number
  readonly p99: number
}

/** One round of reads, beside logins by a method or alone. */
async function measure(
  server: Server,
  item: { path: string; token: string },
  logins: z.infer<typeof Load> | undefined,
): Promise<Round> {
  const worker = logins && new Worker(new URL(import.meta.url), { workerData: logins })
  const counted =
    worker && new Promise<unknown>((resolve, reject) => worker.once('message', resolve).once('error', reject))
  await pause(warmUpSeconds * 1000)
  worker?.postMessage('count')
  const began = performance.now()
  const waits = await read(server, item)
  const took = (performance.now() - began) / 1000
  worker?.postMessage('stop')
  const count = counted ? z.number().parse(await counted) : 0
  return { loginsPerSecond: count / took, p50: percentile(waits, 0.5), p99: percentile(waits, 0.99) }
}

async function measureOn(engine: string, databaseUrl: string): Promise<string[]> {
  const port = await freePort()
  const server = await launch('../bin/limpet-server.js', [], {
    PORT: String(port),
    DATABASE_URL: databaseUrl,
    JWT_SECRET: randomBytes(32).toString('base64url'),
    OPAQUE_SERVER_SETUP: await createOpaqueSetup(),
    RATE_LIMITS: 'off',
    ACCESS_TOKEN_TTL: '1h',
  })
  const { token, vaultId } = await newAccount(server)
  const item = { path: `/api/v1/vaults/${vaultId}/items/${randomUUID()}`, token }
  const put = { ...item, method: 'PUT', headers: { 'If-None-Match': '*' }, body: { data: fakeEnvelope(400) } }
  const made = await send(server, put)
  if (made.status !== 201) throw new Error(`PUT item was answered ${outcomeOf(made)}`)
  const accounts: Record<Method, [string, string][]> = { authKey: [], opaque: [] }
  for (let index = 0; index < accountsEach; index++) {
    const byKey = await newAccount(server)
    const byOpaque = await newOpaqueAccount(server)
    accounts.authKey.push([byKey.email, byKey.authKey])
    accounts.opaque.push([byOpaque.email, byOpaque.password])
  }
  const results = new Map<Method | undefined, Round[]>()
  for (let round = 1; round <= rounds; round++)
    for (const method of [undefined, ...methods]) {
      process.stderr.write(`\r${engine}, round ${round} of ${rounds}: ${method ?? 'alone'}     `)
      const logins = method && { url: server.url, method, accounts: accounts[method] }
      results.set(method, [...(results.get(method) ?? []), await measure(server, item, logins)])
    }
  process.stderr.write('\n')
  await server.stop()
  return [...results].map(([method, all]) => {
    const of = (figure: keyof Round, digits: number) =>
      median(all.map((round) => round[figure])).toFixed(digits)
    const logins = method ? of('loginsPerSecond', 0) : ''
    return `| ${engine} | ${method ?? 'none'} | ${logins} | ${of('p50', 1)} | ${of('p99', 1)} |`
  })
}

async function main() {
  const postgres = await startPostgres()
  const rows: string[] = []
  for (const [engine, database] of [
    ['SQLite', await createSqliteDatabase()],
    ['Postgres', await createPostgresDatabase(postgres.url)],
  ] as const) {
    rows.push(...(await measureOn(engine, database.url)))
    await database.remove()
  }
  await postgres.stop()
  console.log(
    [
      '| engine | logins by | a second | GET item: p50 ms | p99 ms |',
      '| --- | --- | ---: | ---: | ---: |',
      ...rows,
    ].join('\n'),
  )
}

await (isMainThread ? main() : load())
