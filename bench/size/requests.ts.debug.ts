// `npm run bench:size-requests -- STATE…`: what requests cost on databases that `bench:size-fill` has filled, in turn, at 16 connections
// spread over a thousand accounts: processor time of the server and of its database for each request, p50 and p99.
import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import autocannon from 'autocannon'
import { desc, eq } from 'drizzle-orm'
import pg from 'pg'
import { z } from 'zod'
import { hours } from '../../src/clock.ts'
import { CreatedShare } from '../../src/contract/shares.ts'
import { Item } from '../../src/contract/vaults.ts'
import { signAccessToken } from '../../src/domain/identity/access-tokens.ts'
import { deriveServerKeys } from '../../src/domain/server-keys.ts'
import { encodeCursor } from '../../src/domain/vaults/cursor.ts'
import { encryptFernet } from '../../src/protocol/fernet.ts'
import { newShareKey, shareKeys } from '../../src/protocol/share-link.ts'
import { openStore } from '../../src/store/open.ts'
import { freePort } from '../../test/support/free-port.ts'
import { databaseOf } from '../../test/support/fresh-database.ts'
import { median } from '../figures.ts'
import { launch } from '../processes.ts'
import { readState, type State, settingsOf } from './state.ts'

const connections = 16
const seconds = 4
const rounds = 3
const accountsUsed = 1000
/** Of the newest items of each vault, so many are read and replaced. */
const itemsEach = 32

interface Vault {
  readonly id: string
  readonly email: string
  readonly token: string
  /** Before the last change. */
  readonly cursor: string
  /** At its end. */
  readonly newest: string
  readonly items: { readonly id: string; revision: number }[]
}

/** Vaults all over the database, and a session for each, which needs no login. */
async function vaultsOf(state: State, issuer: string): Promise<Vault[]> {
  const { store } = await openStore(databaseOf({ url: state.databaseUrl, remove: async () => {} }), {
    now: Date.now,
    onIdleError: () => {},
  })
  const key = deriveServerKeys(state.jwtSecret, state.opaqueSetup).accessTokens
  const now = Date.now()
  const rows = await store.read(async ({ db, tables: { accounts, instance, vaults } }) => {
    const [epochs] = await db.select({ epoch: instance.epoch }).from(instance)
    const all = await db
      .select({ id: vaults.id, accountId: vaults.accountId, epoch: vaults.epoch, revision: vaults.revision })
      .from(vaults)
      .orderBy(vaults.id)
    const step = Math.max(1, Math.floor(all.length / accountsUsed))
    const chosen = all.filter((_, index) => index % step === 0).slice(0, accountsUsed)
    const emails = new Map(
      (await db.select({ id: accounts.id, email: accounts.email }).from(accounts)).map(({ id, email }) => [
        id,
        email,
      ]),
    )
    return chosen.map((vault) => ({
      ...vault,
      databaseEpoch: epochs?.epoch ?? '',
      email: emails.get(vault.accountId) ?? '',
    }))
  })
  const found: Vault[] = []
  for (const { id, accountId, databaseEpoch, email, epoch, revision } of rows) {
    const sessionId = randomUUID()
    const vault = await store.write(async ({ db, tables: { sessions, items } }) => {
      await db.insert(sessions).values({
        id: sessionId,
        accountId,
        deviceId: randomUUID(),
        deviceName: 'bench',
        deviceType: 'other',
        createdAt: now,
        lastUsedAt: now,
        expiresAt: now + hours(12),
      })
      const count = rows.length === 1 ? connections * itemsEach : itemsEach
      return db
        .select({ id: items.id, revision: items.revision })
        .from(items)
        .where(eq(items.vaultId, id))
        .orderBy(desc(items.revision))
        .limit(count)
    })
    const at = (position: number) =>
      encodeCursor({ databaseEpoch, vaultEpoch: epoch }, { revision: position, itemId: '' })
    found.push({
      id,
      email,
      token: signAccessToken(
        { key, issuer },
        { accountId, sessionId },
        { now, ttl: hours(2), id: randomUUID() },
      ),
      cursor: at(revision - 1),
      newest: at(revision),
      items: vault,
    })
  }
  await store.close()
  return found
}

const anyOf = <T>(from: readonly T[]): T => {
  const one = from[randomInt(from.length)]
  if (one === undefined) throw new Error('Nothing to choose from')
  return one
}

/** Processor time of a process and of those that it has started, in milliseconds. */
function processorMsOf(pid: number): number {
  const ticks = (stat: string) => {
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }
  }
  let total = 0
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const { parent, ticks: used } = ticks(readFileSync(`/proc/${name}/stat`, 'utf8'))
      if (Number(name) === pid || parent === pid) total += used
    } catch {
      // It has ended.
    }
  }
  return total * 10
}

/** The process that all of Postgres's others were started by. */
async function postmasterOf({ databaseUrl }: State): Promise<number | undefined> {
  if (databaseUrl.startsWith('file:')) return undefined
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const { rows } = await client.query('select pg_backend_pid() as pid')
  const [{ pid }] = z.tuple([z.object({ pid: z.int() })]).parse(rows)
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  await client.end()
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

const headersOf = (token: string) => ({
  authorization: `Bearer ${token}`,
  'content-type': 'application/json',
})
const data = Buffer.concat([Buffer.from([1]), randomBytes(399)]).toString('base64url')

type Client = Parameters<NonNullable<autocannon.Options['setupClient']>>[0]

async function workOf(
  state: State,
  vaults: readonly Vault[],
): Promise<Record<string, (client: Client, turn: number) => void>> {
  const { fernetKey, proof } = await shareKeys(newShareKey())
  const share = JSON.stringify({ ciphertext: await encryptFernet(fernetKey, randomBytes(100)), proof })
  const json = { 'content-type': 'application/json' }
  const get = (path: (vault: Vault) => string) => (client: Client) =>
    client.setRequests([
      {
        setupRequest(request) {
          const vault = anyOf(vaults)
          return {
            ...request,
            path: `/api/v1/vaults/${vault.id}${path(vault)}`,
            headers: headersOf(vault.token),
          }
        },
      },
    ])
  return {
    'GET item': get(({ items }) => `/items/${anyOf(items).id}`),
    'PUT item': (client, turn) => {
      // No two connections replace the same item.
      const own = vaults.flatMap((vault, index) =>
        vault.items.flatMap((item, number) =>
          (index + number) % connections === turn % connections ? [{ vault, item }] : [],
        ),
      )
      let { item, vault } = anyOf(own)
      client.setRequests([
        {
          method: 'PUT',
          body: JSON.stringify({ data }),
          setupRequest(request) {
            ;({ item, vault } = anyOf(own))
            return {
              ...request,
              path: `/api/v1/vaults/${vault.id}/items/${item.id}`,
              headers: { ...headersOf(vault.token), 'if-match': `"${item.revision}"` },
            }
          },
          onResponse(_status, body) {
            item.revision = Item.parse(JSON.parse(body)).revision
          },
        },
      ])
    },
    'changes of one item': get(({ cursor }) => `/changes?limit=1&since=${cursor}`),
    'login by a key': (client) =>
      client.setRequests([
        {
          method: 'POST',
          path: '/api/v1/login',
          headers: json,
          setupRequest: (request) => ({
            ...request,
            body: JSON.stringify({
              email: anyOf(vaults).email,
              authKey: state.authKey,
              device: { id: randomUUID(), name: 'bench', type: 'other' },
            }),
          }),
        },
      ]),
    'share made and read': (client) => {
      let id = ''
      client.setRequests([
        {
          method: 'POST',
          path: '/api/v1/shares',
          headers: json,
          body: share,
          onResponse: (_status, body) => {
            id = CreatedShare.parse(JSON.parse(body)).id
          },
        },
        {
          method: 'POST',
          headers: json,
          body: JSON.stringify({ proof }),
          setupRequest: (request) => ({ ...request, path: `/api/v1/shares/${id}/reveal` }),
        },
      ])
    },
  }
}

async function open(file: string) {
  const state = readState(file)
  const port = await freePort()
  const publicUrl = `http://127.0.0.1:${port}`
  const server = await launch('../bin/limpet-server.js', [], {
    PORT: String(port),
    PUBLIC_URL: publicUrl,
    ...settingsOf(state),
  })
  const vaults = await vaultsOf(state, publicUrl)
  await first(server.url, vaults[0])
  return { file, server, work: await workOf(state, vaults), postmaster: await postmasterOf(state) }
}

const opened = []
const first = async (url: string, vault: Vault | undefined) =>
  console.error(
    await (
      await fetch(`${url}/api/v1/vaults/${vault?.id}/items/${vault?.items[0]?.id}`, {
        headers: headersOf(vault?.token ?? ''),
      })
    ).text(),
  )
for (const file of process.argv.slice(2)) opened.push(await open(file))

const figures = new Map<
  string,
  { server: number; database: number; p50: number; p99: number; rate: number }[]
>()
const names = Object.keys(opened[0]?.work ?? {})
// The round before the first is not counted: code is compiled and pages are read then.
for (let round = 0; round <= rounds; round++)
  for (const name of names)
    for (const { file, server, work, postmaster } of opened) {
      const database = () => (postmaster === undefined ? 0 : processorMsOf(postmaster))
      const [before, databaseBefore] = [(await server.usage()).processorMs, database()]
      let turn = 0
      const result = await autocannon({
        url: server.url,
        connections,
        duration: round === 0 ? 2 : seconds,
        setupClient: (client) => work[name]?.(client, turn++),
      })
      const requests = result['2xx']
      if (result.non2xx > requests / 100 || result.errors > 0 || requests === 0)
        throw new Error(
          `${name} on ${file}: ${result.non2xx} refused, ${result.errors} failed, ${requests} well`,
        )
      const figure = {
        server: (1000 * ((await server.usage()).processorMs - before)) / requests,
        database: (1000 * (database() - databaseBefore)) / requests,
        p50: result.latency.p50,
        p99: result.latency.p99,
        rate: requests / result.duration,
      }
      process.stderr.write(`${round} ${name} ${file} ${JSON.stringify(figure)}\n`)
      if (round > 0) figures.set(`${name} | ${file}`, [...(figures.get(`${name} | ${file}`) ?? []), figure])
    }

process.stdout.write(
  '| work | database | µs of the server | µs of the database | p50 ms | p99 ms | a second |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |\n',
)
for (const [key, measured] of figures) {
  const of = (pick: (figure: (typeof measured)[number]) => number) => median(measured.map(pick)).toFixed(0)
  process.stdout.write(
    `| ${key} | ${of(({ server }) => server)} | ${of(({ database }) => database)} | ${of(({ p50 }) => p50)} | ${of(({ p99 }) => p99)} | ${of(({ rate }) => rate)} |\n`,
  )
}
for (const { server } of opened) await server.stop()
