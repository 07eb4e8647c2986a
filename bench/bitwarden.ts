// `npm run bench:bitwarden`: what the API of Bitwarden's apps costs, beside native figures of the same servers, and beside a server that
// parses and joins a vault in memory. Writes its part of bench/RESULTS.md.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import autocannon from 'autocannon'
import { z } from 'zod'
import { createOpaqueSetup } from '../src/domain/identity/opaque.ts'
import { askForToken, BitwardenDevice, registerBitwardenUser } from '../test/support/bitwarden-client.ts'
import { freePort } from '../test/support/free-port.ts'
import { createPostgresDatabase, createSqliteDatabase } from '../test/support/fresh-database.ts'
import { startPostgres } from '../test/support/postgres.ts'
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

const encrypted = (bytes: number) =>
  `2.${[16, bytes, 32].map((length) => randomBytes(length).toString('base64')).join('|')}`

/** A login of a usual size: nothing of it opens, and the server cannot tell. */
function usualItem(device: BitwardenDevice) {
  const text = encrypted
  const uris = [{ uri: text(48), uriChecksum: text(48), match: null }]
  const login = { uris, username: text(32), password: text(32), totp: null, passwordRevisionDate: null }
  return { ...device.sealed({ name: 'x' }), name: text(32), notes: text(64), login }
}

/** What a rotation of the user key sends: everything of an account that has items alone. */
function rotationOf(device: BitwardenDevice, { profile, ciphers }: z.output<typeof Sync>) {
  const { email } = device.user
  return {
    oldMasterKeyAuthenticationHash: device.passwordHash,
    accountUnlockData: {
      masterPasswordUnlockData: {
        ...{ kdfType: 0, kdfIterations: 600_000, email, salt: email, masterPasswordHint: null },
        masterKeyAuthenticationHash: randomBytes(32).toString('base64'),
        masterKeyEncryptedUserKey: encrypted(80),
      },
    },
    accountKeys: {
      userKeyEncryptedAccountPrivateKey: encrypted(1232),
      accountPublicKey: profile.accountKeys.publicKeyEncryptionKeyPair.publicKey,
    },
    accountData: {
      ciphers: ciphers.map((cipher) => ({ ...cipher, name: encrypted(32) })),
      folders: [],
      sends: [],
    },
  }
}

const Sync = z.object({
  profile: z.object({
    accountKeys: z.object({ publicKeyEncryptionKeyPair: z.object({ publicKey: z.string() }) }),
  }),
  ciphers: z.array(z.looseObject({ id: z.string() })),
})

interface Held {
  readonly wholeMs: number
  /** Of `GET item` meanwhile. */
  readonly p50: number
  readonly p99: number
}

/** How long others wait while a large request is answered: one of theirs every 10 ms, whether the one before was answered or not. */
async function othersWhile(url: string, token: string, work: () => Promise<unknown>): Promise<Held> {
  const waits: number[] = []
  const asked: Promise<void>[] = []
  const ask = async () => {
    const began = performance.now()
    await (await fetch(url, { headers: { Authorization: `Bearer ${token}` } })).arrayBuffer()
    waits.push(performance.now() - began)
  }
  const asking = setInterval(() => asked.push(ask()), 10)
  const began = performance.now()
  await work()
  const wholeMs = performance.now() - began
  clearInterval(asking)
  await Promise.all(asked)
  return { wholeMs, p50: percentile(waits, 0.5), p99: percentile(waits, 0.99) }
}

interface SyncCost {
  readonly firstByteMs: number
  readonly wholeMs: number
  readonly processorMs: number
  readonly megabytes: number
}

/** A server that nothing was asked of yet, and what a sync is asked with. */
interface Target {
  readonly server: ServerProcess
  readonly path: string
  readonly token: string
}

async function measureOneSync({ server, path, token }: Target): Promise<SyncCost> {
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
  return { firstByteMs, wholeMs, processorMs: processorMs - before.processorMs, megabytes: bytes / 1e6 }
}

/** Syncs of all servers in turn. @returns for each the medians, and how far the peak of its memory went up */
async function measureSyncs(targets: readonly Target[]) {
  const measured = await Promise.all(
    targets.map(async (target) => ({ target, idle: await target.server.usage(), costs: [] as SyncCost[] })),
  )
  for (let sync = 0; sync < syncs; sync++)
    for (const { target, costs } of measured) costs.push(await measureOneSync(target))
  return Promise.all(
    measured.map(async ({ target, idle, costs }) => {
      const of = (name: keyof SyncCost) => median(costs.map((cost) => cost[name]))
      return {
        firstByteMs: of('firstByteMs'),
        wholeMs: of('wholeMs'),
        processorMs: of('processorMs'),
        megabytes: of('megabytes'),
        grownMb: (await target.server.usage()).peakMb - idle.residentMb,
      }
    }),
  )
}

async function load(url: string, token: string) {
  const headers = { authorization: `Bearer ${token}` }
  const result = await autocannon({ url, connections, duration: seconds, headers })
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${url}: some requests were refused`)
  return { perSecond: result['2xx'] / result.duration, p99: result.latency.p99 }
}

/** Two syncs at a time, until they are stopped: by a process of its own, which has to read all of it. */
function syncAllTheTime(url: string, token: string) {
  const script = `const one = async () => { for (;;) await (await fetch(process.argv[1] + '/api/sync', { headers: { Authorization: 'Bearer ' + process.argv[2] } })).arrayBuffer() }; one(); one()`
  const child = spawn(process.execPath, ['-e', script, url, token], { stdio: 'ignore' })
  return async () => {
    const ended = once(child, 'exit')
    child.kill()
    await ended
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

/** A database, and how servers on it are started: tokens of one are good on the next. */
interface Place {
  readonly engine: 'SQLite' | 'Postgres'
  start(): Promise<ServerProcess>
}

async function placeOf(engine: Place['engine'], databaseUrl: string): Promise<Place> {
  const settings = {
    DATABASE_URL: databaseUrl,
    PUBLIC_URL: 'https://vault.example.com',
    JWT_SECRET: randomBytes(32).toString('hex'),
    OPAQUE_SERVER_SETUP: await createOpaqueSetup(),
    RATE_LIMITS: 'off',
    BITWARDEN_API: 'on',
    MAX_CONNECTIONS: String(2 * hubs + 200),
    MAX_STREAMS: String(hubs + 10),
    MAX_STREAMS_PER_ACCOUNT: String(hubs + 10),
    MAX_STREAMS_PER_ADDRESS: String(hubs + 10),
  }
  return {
    engine,
    start: async () => launch('../bin/limpet-server.js', [], { ...settings, PORT: String(await freePort()) }),
  }
}

/** Imports the items, on a server that does nothing else afterwards; and what that takes. */
async function fill({ engine, start }: Place) {
  process.stderr.write(`${engine}: filling\n`)
  const server = await start()
  const device = await BitwardenDevice.login(server, await registerBitwardenUser(server))
  const other = await BitwardenDevice.login(server, await registerBitwardenUser(server))
  const { id } = await other.createItem({ name: 'one' })
  const ciphers = Array.from({ length: items }, () => usualItem(device))
  const imported = await othersWhile(`${server.url}/api/ciphers/${id}`, other.accessToken, () =>
    device.ask('POST', '/api/ciphers/import', { ciphers, folders: [], folderRelationships: [] }),
  )
  await server.stop()
  return { device, imported }
}

async function measure({ engine, start }: Place, device: BitwardenDevice) {
  const server = await start()
  const other = await BitwardenDevice.login(server, await registerBitwardenUser(server))
  const { id } = await other.createItem({ name: 'one' })
  const itemUrl = `${server.url}/api/ciphers/${id}`
  process.stderr.write(`${engine}: measuring\n`)
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
  const synced = await fetch(`${server.url}/api/sync`, {
    headers: { Authorization: `Bearer ${device.accessToken}` },
  })
  const rotation = rotationOf(device, Sync.parse(await synced.json()))
  const headers = { Authorization: `Bearer ${device.accessToken}`, 'Content-Type': 'application/json' }
  const rotated = await othersWhile(itemUrl, other.accessToken, async () => {
    const answer = await fetch(`${server.url}/api/accounts/key-management/rotate-user-account-keys`, {
      method: 'POST',
      headers,
      body: JSON.stringify(rotation),
    })
    if (!answer.ok) throw new Error(`A rotation was answered ${answer.status}`)
  })
  await server.stop()
  return { alone, beside, revision, writeTimes, loginTimes, hub, rotated }
}

const sqlite = await createSqliteDatabase()
const postgres = await startPostgres()
const onPostgresDatabase = await createPostgresDatabase(postgres.url)

const sqlitePlace = await placeOf('SQLite', sqlite.url)
const postgresPlace = await placeOf('Postgres', onPostgresDatabase.url)
const inSqlite = await fill(sqlitePlace)
const inPostgres = await fill(postgresPlace)

const joining = await launch(
  './joining-server.js',
  [String(await freePort()), sqlite.url.replace('file:', ''), inSqlite.device.accountId],
  {},
)
const path = '/api/sync?excludeDomains=true'
const targets: readonly Target[] = [
  { server: joining, path: '/api/sync', token: '' },
  { server: await sqlitePlace.start(), path, token: inSqlite.device.accessToken },
  { server: await postgresPlace.start(), path, token: inPostgres.device.accessToken },
]
const [joined, sqliteSync, postgresSync] = await measureSyncs(targets)
for (const { server } of targets) await server.stop()
if (!joined || !sqliteSync || !postgresSync) throw new Error('A server was not measured')

const onSqlite = await measure(sqlitePlace, inSqlite.device)
const onPostgres = await measure(postgresPlace, inPostgres.device)

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
const syncRow = (name: string, cost: NonNullable<typeof joined>) =>
  `| ${name} | ${ms(cost.firstByteMs)} | ${ms(cost.wholeMs)} | ${ms(cost.processorMs)} | ${ratio(cost.processorMs, joined.processorMs)} | ${ms(cost.grownMb)} | ${ratio(cost.grownMb, joined.grownMb)} |`
const heldRow = (name: string, { wholeMs, p50, p99 }: Held) =>
  `| while the server takes ${name} | ${ms(wholeMs)} | ${ms(p50)} | ${ms(p99)} |`
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
    syncRow('Limpet, SQLite', sqliteSync),
    syncRow('Limpet, Postgres', postgresSync),
    '',
    `| at ${connections} connections | GET item a second | beside two syncs | p99 ms | beside two syncs | revision-date a second | PUT item ms | login ms | hubs reached | median ms | p99 ms | KB a hub |`,
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    rowOf('SQLite', onSqlite),
    rowOf('Postgres', onPostgres),
    '',
    '| GET item of others, every 10 ms | takes ms | p50 ms | p99 ms |',
    '| --- | ---: | ---: | ---: |',
    heldRow('an import, SQLite', inSqlite.imported),
    heldRow('an import, Postgres', inPostgres.imported),
    heldRow('a key rotation, SQLite', onSqlite.rotated),
    heldRow('a key rotation, Postgres', onPostgres.rotated),
    '',
    `Native, SQLite, at ${connections} connections, a second: ${[...nativeFigures].map(([name, value]) => `${name.replace(', SQLite', '')} ${perSecond(value)}`).join('; ')}. Peak of that server: ${idle.peakMb.toFixed(0)} MB.`,
  ].join('\n'),
)
await postgres.stop()
for (const { remove } of [sqlite, nativeDatabase]) await remove()
