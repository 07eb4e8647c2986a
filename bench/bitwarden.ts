// `npm run bench:bitwarden`: what the API of Bitwarden's apps costs, beside native figures of the same servers, and beside a server that
// parses and joins a vault in memory. Writes its part of bench/RESULTS.md.
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import autocannon from 'autocannon'
import { createOpaqueSetup } from '../src/domain/identity/opaque.ts'
import { askForToken, BitwardenDevice, registerBitwardenUser } from '../test/support/bitwarden-client.ts'
import { freePort } from '../test/support/free-port.ts'
import { createPostgresDatabase, createSqliteDatabase } from '../test/support/fresh-database.ts'
import { startPostgres } from '../test/support/postgres.ts'
import type { Server } from '../test/support/requests.ts'
import { median, percentile } from './figures.ts'
import { launch, type ServerProcess } from './processes.ts'
import { machine, writeResults } from './results.ts'
import { limpet } from './targets.ts'

const items = 10_000
const syncs = 7
const [seconds, connections] = [3, 16]
const [writes, logins] = [300, 20]
const hubs = Number(process.argv[2] ?? 1000)

const ms = (value: number) => (value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(2))
const perSecond = (value: number) => Math.round(value).toLocaleString('en')

/** A login of a usual size: nothing of it opens, and the server cannot tell. */
function usualItem(device: BitwardenDevice) {
  const text = (bytes: number) =>
    `2.${[16, bytes, 32].map((length) => randomBytes(length).toString('base64')).join('|')}`
  const uris = [{ uri: text(48), uriChecksum: text(48), match: null }]
  const login = { uris, username: text(32), password: text(32), totp: null, passwordRevisionDate: null }
  return { ...device.sealed({ name: 'x' }), name: text(32), notes: text(64), login }
}

async function filled(server: Server): Promise<BitwardenDevice> {
  const device = await BitwardenDevice.login(server, await registerBitwardenUser(server))
  const ciphers = Array.from({ length: items }, () => usualItem(device))
  await device.ask('POST', '/api/ciphers/import', { ciphers, folders: [], folderRelationships: [] })
  return device
}

interface SyncCost {
  readonly firstByteMs: number
  readonly wholeMs: number
  readonly processorMs: number
  readonly megabytes: number
}

/** @returns the medians of several syncs, one after the other, and how far the peak of memory went up */
async function measureSync(server: ServerProcess, path: string, token: string) {
  const costs: SyncCost[] = []
  const idle = await server.usage()
  for (let sync = 0; sync < syncs; sync++) {
    const before = await server.usage()
    const began = performance.now()
    const response = await fetch(`${server.url}${path}`, { headers: { Authorization: `Bearer ${token}` } })
    if (!response.ok || !response.body) throw new Error(`A sync was answered ${response.status}`)
    let [firstByteMs, bytes] = [0, 0]
    for await (const chunk of response.body) {
      firstByteMs ||= performance.now() - began
      bytes += chunk.length
    }
    const wholeMs = performance.now() - began
    const { processorMs } = await server.usage()
    costs.push({
      firstByteMs,
      wholeMs,
      processorMs: processorMs - before.processorMs,
      megabytes: bytes / 1e6,
    })
  }
  const of = (name: keyof SyncCost) => median(costs.map((cost) => cost[name]))
  return {
    firstByteMs: of('firstByteMs'),
    wholeMs: of('wholeMs'),
    processorMs: of('processorMs'),
    megabytes: of('megabytes'),
    grownMb: (await server.usage()).peakMb - idle.residentMb,
  }
}

async function load(url: string, token: string) {
  const headers = { authorization: `Bearer ${token}` }
  const result = await autocannon({ url, connections, duration: seconds, headers })
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${url}: some requests were refused`)
  return { perSecond: result['2xx'] / result.duration, p99: result.latency.p99 }
}

/** Two syncs at a time, until they are stopped. */
function syncAllTheTime(url: string, token: string) {
  let running = true
  const one = async () => {
    while (running)
      await (await fetch(`${url}/api/sync`, { headers: { Authorization: `Bearer ${token}` } })).arrayBuffer()
  }
  const both = [one(), one()]
  return async () => {
    running = false
    await Promise.all(both)
  }
}

/** Opens hubs, and waits until one change has reached each of them. @returns the waits, and the memory that one hub takes */
async function measureHubs(server: ServerProcess, device: BitwardenDevice, itemId: string) {
  const before = await server.usage()
  const waits: number[] = []
  let began = 0
  const url = `${server.url.replace('http', 'ws')}/notifications/hub?access_token=${device.accessToken}`
  const sockets: WebSocket[] = []
  for (let opened = 0; opened < hubs; opened += 50)
    await Promise.all(
      Array.from({ length: Math.min(50, hubs - opened) }, async () => {
        const socket = new WebSocket(url)
        socket.binaryType = 'arraybuffer'
        await new Promise((resolve, reject) => {
          socket.onopen = () => socket.send('{"protocol":"messagepack","version":1}\u001e')
          socket.onmessage = resolve
          socket.onerror = reject
        })
        // Pings are three bytes long.
        socket.onmessage = ({ data }) => {
          if (data instanceof ArrayBuffer && data.byteLength > 10) waits.push(performance.now() - began)
        }
        sockets.push(socket)
      }),
    )
  const after = await server.usage()
  began = performance.now()
  await device.ask('PUT', `/api/ciphers/${itemId}/partial`, { folderId: null, favorite: true })
  for (let waited = 0; waits.length < hubs && waited < 20_000; waited += 20) await pause(20)
  for (const socket of sockets) socket.close()
  return { waits, kilobytesEach: ((after.residentMb - before.residentMb) * 1024) / hubs }
}

async function measure(engine: 'SQLite' | 'Postgres', databaseUrl: string) {
  const server = await launch('../bin/limpet-server.js', [], {
    PORT: String(await freePort()),
    DATABASE_URL: databaseUrl,
    JWT_SECRET: randomBytes(32).toString('hex'),
    OPAQUE_SERVER_SETUP: await createOpaqueSetup(),
    RATE_LIMITS: 'off',
    BITWARDEN_API: 'on',
    MAX_CONNECTIONS: String(2 * hubs + 200),
    MAX_STREAMS: String(hubs + 10),
    MAX_STREAMS_PER_ACCOUNT: String(hubs + 10),
    MAX_STREAMS_PER_ADDRESS: String(hubs + 10),
  })
  process.stderr.write(`${engine}: filling\n`)
  const device = await filled(server)
  const other = await BitwardenDevice.login(server, await registerBitwardenUser(server))
  const { id } = await other.createItem({ name: 'one' })
  const itemUrl = `${server.url}/api/ciphers/${id}`
  process.stderr.write(`${engine}: measuring\n`)
  const sync = await measureSync(server, '/api/sync?excludeDomains=true', device.accessToken)
  const alone = await load(itemUrl, other.accessToken)
  const stop = syncAllTheTime(server.url, device.accessToken)
  const beside = await load(itemUrl, other.accessToken)
  await stop()
  const revision = await load(`${server.url}/api/accounts/revision-date`, other.accessToken)
  const timesOf = async (count: number, act: () => Promise<unknown>) => {
    const times: number[] = []
    for (let done = 0; done < count; done++) {
      const began = performance.now()
      await act()
      times.push(performance.now() - began)
    }
    return times
  }
  const writeTimes = await timesOf(writes, () =>
    other.ask('PUT', `/api/ciphers/${id}`, other.sealed({ name: 'one' })),
  )
  const hub = await measureHubs(server, other, id)
  // Last, because a device keeps only its latest sessions.
  const loginTimes = await timesOf(logins, () =>
    askForToken(server, {
      grant_type: 'password',
      scope: 'api offline_access',
      client_id: 'cli',
      deviceType: '25',
      deviceIdentifier: other.identifier,
      deviceName: 'bench',
      username: other.user.email,
      password: other.passwordHash,
    }),
  )
  return { server, device, sync, alone, beside, revision, writeTimes, loginTimes, hub }
}

const sqlite = await createSqliteDatabase()
const postgres = await startPostgres()
const onPostgresDatabase = await createPostgresDatabase(postgres.url)

const onSqlite = await measure('SQLite', sqlite.url)
const joining = await launch(
  './joining-server.js',
  [String(await freePort()), sqlite.url.replace('file:', ''), onSqlite.device.accountId],
  {},
)
const joined = await measureSync(joining, '/api/sync', '')
await joining.stop()
await onSqlite.server.stop()
const onPostgres = await measure('Postgres', onPostgresDatabase.url)
await onPostgres.server.stop()

// The native API, on a server of its own.
const nativeDatabase = await createSqliteDatabase()
const native = await limpet('SQLite', nativeDatabase.url)
const nativeFigures = new Map<string, number>()
for (const scenario of native.scenarios) {
  const result = await autocannon({ ...(await scenario.options(connections)), duration: seconds })
  nativeFigures.set(scenario.name, result['2xx'] / result.duration / scenario.requestsEach)
}
const idle = await native.server.usage()
await native.server.stop()

const ratio = (value: number, of: number) => (value / of).toFixed(2)
const syncRow = (name: string, cost: typeof joined) =>
  `| ${name} | ${ms(cost.firstByteMs)} | ${ms(cost.wholeMs)} | ${ms(cost.processorMs)} | ${ratio(cost.processorMs, joined.processorMs)} | ${ms(cost.grownMb)} | ${ratio(cost.grownMb, joined.grownMb)} |`
const rowOf = (name: string, { alone, beside, revision, writeTimes, loginTimes, hub }: typeof onSqlite) =>
  `| ${name} | ${perSecond(alone.perSecond)} | ${perSecond(beside.perSecond)} | ${ms(alone.p99)} | ${ms(beside.p99)} | ${perSecond(revision.perSecond)} | ${ms(median(writeTimes))} | ${ms(median(loginTimes))} | ${hub.waits.length} of ${hubs} | ${ms(percentile(hub.waits, 0.5))} | ${ms(percentile(hub.waits, 0.99))} | ${ms(hub.kilobytesEach)} |`

writeResults(
  'bitwarden',
  [
    `${machine()} Median of ${syncs} syncs of ${items.toLocaleString('en')} items, ${joined.megabytes.toFixed(1)} MB.`,
    '',
    '| sync | first byte ms | whole ms | processor ms | of joining | peak MB grown | of joining |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    syncRow('parsing and joining in memory, SQLite', joined),
    syncRow('Limpet, SQLite', onSqlite.sync),
    syncRow('Limpet, Postgres', onPostgres.sync),
    '',
    `| at ${connections} connections | GET item a second | beside two syncs | p99 ms | beside two syncs | revision-date a second | PUT item ms | login ms | hubs reached | median ms | p99 ms | KB a hub |`,
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    rowOf('SQLite', onSqlite),
    rowOf('Postgres', onPostgres),
    '',
    `Native, SQLite, at ${connections} connections, a second: ${[...nativeFigures].map(([name, value]) => `${name.replace(', SQLite', '')} ${perSecond(value)}`).join('; ')}. Peak of that server: ${idle.peakMb.toFixed(0)} MB.`,
  ].join('\n'),
)
await postgres.stop()
for (const { remove } of [sqlite, nativeDatabase]) await remove()
