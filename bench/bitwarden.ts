// `npm run bench:bitwarden`: what the API of Bitwarden's apps costs, beside native figures of the same servers, and beside a server that
// parses and joins a vault in memory. Writes its part of bench/RESULTS.md.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { askForToken, BitwardenDevice, registerBitwardenUser } from '../test/support/bitwarden-client.ts'
import { endProgress, figure, median, percentile, progress, table } from './figures.ts'
import { measureGets } from './load.ts'
import { writeResults } from './results.ts'
import {
  type BenchDatabase,
  type Engine,
  engines,
  newSettings,
  type ServerProcess,
  startLimpet,
  startPeer,
  withDatabases,
} from './servers.ts'

const items = 10_000
const syncs = 7
const [seconds, connections] = [3, 16]
const [writes, logins] = [300, 20]
const hubs = Number(process.argv[2] ?? 1000)

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
  const before = server.usage()
  const began = performance.now()
  const response = await fetch(`${server.url}${path}`, { headers: { Authorization: `Bearer ${token}` } })
  if (!response.ok || !response.body) throw new Error(`A sync was answered ${response.status}`)
  let [firstByteMs, bytes] = [0, 0]
  for await (const chunk of response.body) {
    firstByteMs ||= performance.now() - began
    bytes += chunk.length
  }
  const wholeMs = performance.now() - began
  const { processorMs } = server.usage()
  return { firstByteMs, wholeMs, processorMs: processorMs - before.processorMs, megabytes: bytes / 1e6 }
}

/** Syncs of all servers in turn. @returns for each the medians, and how far the peak of its memory went up */
async function measureSyncs(targets: readonly Target[]) {
  const measured = await Promise.all(
    targets.map(async (target) => ({ target, idle: target.server.usage(), costs: [] as SyncCost[] })),
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
        grownMb: target.server.usage().peakMb - idle.residentMb,
      }
    }),
  )
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
  const before = server.usage()
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
  const after = server.usage()
  began = performance.now()
  await device.ask('PUT', `/api/ciphers/${itemId}/partial`, { folderId: null, favorite: true })
  for (let waited = 0; waits.length < hubs && waited < 20_000; waited += 20) await pause(20)
  for (const socket of sockets) socket.close()
  return { waits, kilobytesEach: ((after.residentMb - before.residentMb) * 1024) / hubs }
}

/** A database, and how servers on it are started: tokens of one are good on the next. */
interface Place {
  readonly engine: Engine
  start(): Promise<ServerProcess>
}

async function placeOf({ engine, url }: BenchDatabase): Promise<Place> {
  const settings = {
    ...(await newSettings(url)),
    PUBLIC_URL: 'https://vault.example.com',
    BITWARDEN_API: 'on',
    MAX_CONNECTIONS: String(2 * hubs + 200),
    MAX_STREAMS: String(hubs + 10),
    MAX_STREAMS_PER_ACCOUNT: String(hubs + 10),
    MAX_STREAMS_PER_ADDRESS: String(hubs + 10),
  }
  return { engine, start: () => startLimpet(settings) }
}

/** Imports the items, on a server that does nothing else afterwards; and what that takes. */
async function fill({ engine, start }: Place) {
  progress(`${engine}: filling`)
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
  progress(`${engine}: measuring`)
  const load = (path: string) =>
    measureGets(server, { path, token: other.accessToken }, { connections, seconds })
  const alone = await load(`/api/ciphers/${id}`)
  const stop = syncAllTheTime(server.url, device.accessToken)
  const beside = await load(`/api/ciphers/${id}`)
  await stop()
  const revision = await load('/api/accounts/revision-date')
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

await withDatabases(engines, async ({ create }) => {
  const sqlite = await create('SQLite')
  const sqlitePlace = await placeOf(sqlite)
  const postgresPlace = await placeOf(await create('Postgres'))
  const inSqlite = await fill(sqlitePlace)
  const inPostgres = await fill(postgresPlace)

  const path = '/api/sync?excludeDomains=true'
  const targets: readonly Target[] = [
    {
      server: await startPeer('./joining-server.js', [
        sqlite.url.replace('file:', ''),
        inSqlite.device.accountId,
      ]),
      path: '/api/sync',
      token: '',
    },
    { server: await sqlitePlace.start(), path, token: inSqlite.device.accessToken },
    { server: await postgresPlace.start(), path, token: inPostgres.device.accessToken },
  ]
  const [joined, sqliteSync, postgresSync] = await measureSyncs(targets)
  for (const { server } of targets) await server.stop()
  if (!joined || !sqliteSync || !postgresSync) throw new Error('A server was not measured')

  const onSqlite = await measure(sqlitePlace, inSqlite.device)
  const onPostgres = await measure(postgresPlace, inPostgres.device)
  endProgress()

  const ratio = (value: number, of: number) => (value / of).toFixed(2)
  const syncRow = (name: string, cost: typeof joined) => [
    name,
    ...[cost.firstByteMs, cost.wholeMs, cost.processorMs].map(figure),
    ratio(cost.processorMs, joined.processorMs),
    figure(cost.grownMb),
    ratio(cost.grownMb, joined.grownMb),
  ]
  const heldRow = (name: string, { wholeMs, p50, p99 }: Held) => [
    `while the server takes ${name}`,
    ...[wholeMs, p50, p99].map(figure),
  ]
  const rowOf = (name: string, measured: typeof onSqlite) => {
    const { alone, beside, revision, writeTimes, loginTimes, hub } = measured
    return [
      name,
      ...[alone.perSecond, beside.perSecond, alone.p99, beside.p99, revision.perSecond].map(figure),
      ...[median(writeTimes), median(loginTimes)].map(figure),
      `${hub.waits.length} of ${hubs}`,
      ...[percentile(hub.waits, 0.5), percentile(hub.waits, 0.99), hub.kilobytesEach].map(figure),
    ]
  }
  writeResults(
    'bitwarden',
    [
      `Median of ${syncs} syncs of ${figure(items)} items, ${joined.megabytes.toFixed(1)} MB.`,
      '',
      table(
        ['sync', 'first byte ms', 'whole ms', 'processor ms', 'of joining', 'peak MB grown', 'of joining'],
        [
          syncRow('parsing and joining in memory, SQLite', joined),
          syncRow('Limpet, SQLite', sqliteSync),
          syncRow('Limpet, Postgres', postgresSync),
        ],
      ),
      '',
      table(
        [
          `at ${connections} connections`,
          ...[
            'GET item a second',
            'beside two syncs',
            'p99 ms',
            'beside two syncs',
            'revision-date a second',
          ],
          ...['PUT item ms', 'login ms', 'hubs reached', 'median ms', 'p99 ms', 'KB a hub'],
        ],
        [rowOf('SQLite', onSqlite), rowOf('Postgres', onPostgres)],
      ),
      '',
      table(
        ['GET item of others, every 10 ms', 'takes ms', 'p50 ms', 'p99 ms'],
        [
          heldRow('an import, SQLite', inSqlite.imported),
          heldRow('an import, Postgres', inPostgres.imported),
          heldRow('a key rotation, SQLite', onSqlite.rotated),
          heldRow('a key rotation, Postgres', onPostgres.rotated),
        ],
      ),
    ].join('\n'),
  )
})
