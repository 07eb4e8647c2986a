// What starts cost: processor time and memory of the programs, side by side with bare Node and bare Express.
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { minKdf } from '../src/contract/accounts.ts'
import { createOpaqueSetup } from '../src/domain/identity/opaque.ts'
import { Limpet } from '../src/sdk/index.ts'
import { freePort } from '../test/support/free-port.ts'
import {
  createPostgresDatabase,
  createSqliteDatabase,
  type TestDatabase,
} from '../test/support/fresh-database.ts'
import { median } from './figures.ts'
import { launch, run, type ServerProcess, type Usage } from './processes.ts'

/** Everything is started once a round, one after the other; the median of the rounds counts. */
export const startsRounds = 9

const itemsInVault = 100

const program = (name: string) => fileURLToPath(new URL(`../bin/${name}.js`, import.meta.url))

const settings = async (database: TestDatabase) => ({
  PORT: String(await freePort()),
  DATABASE_URL: database.url,
  JWT_SECRET: randomBytes(32).toString('base64url'),
  OPAQUE_SERVER_SETUP: await createOpaqueSetup(),
  SHUTDOWN_GRACE: '0s',
})

/** What a server has used when it answers for the first time. */
async function start(launched: Promise<ServerProcess>): Promise<Usage> {
  const server = await launched
  const usage = await server.usage()
  await server.stop()
  return usage
}

async function startOn(database: TestDatabase): Promise<Usage> {
  const usage = await start(launch('../bin/limpet-server.js', [], await settings(database)))
  await database.remove()
  return usage
}

/** A server with an account, whose vault a token reads. @returns what a job has in its environment */
async function job(database: TestDatabase, stateFolder: string) {
  const server = await launch('../bin/limpet-server.js', [], {
    ...(await settings(database)),
    RATE_LIMITS: 'off',
  })
  const limpet = new Limpet({
    server: server.url,
    device: { id: randomUUID(), name: 'bench', type: 'other' },
    acceptAuthKey: () => true,
  })
  const owner = { email: `${randomUUID()}@example.com`, password: 'kelp forest lantern dune' }
  await limpet.register({ ...owner, method: 'authKey', kdf: minKdf })
  const account = await limpet.login(owner)
  const [vault] = await account.vaults()
  if (!vault) throw new Error('A new account has no vault')
  for (let index = 0; index < itemsInVault; index++)
    await vault.create({ kind: 'login', name: `Item ${index}`, password: randomUUID() })
  const { bearerToken } = await account.tokens.create({
    name: 'bench',
    scopes: ['read'],
    vault,
    password: owner.password,
  })
  return {
    environment: { LIMPET_SERVER: server.url, LIMPET_TOKEN: bearerToken, LIMPET_STATE_DIR: stateFolder },
    stop: server.stop,
  }
}

const row = (name: string, usages: readonly Usage[], bare: readonly Usage[]) => {
  const of = (all: readonly Usage[], figure: keyof Usage) => median(all.map((usage) => usage[figure]))
  const cells = (['processorMs', 'residentMb'] as const).flatMap((figure) => [
    of(usages, figure).toFixed(0),
    (of(usages, figure) / of(bare, figure)).toFixed(1),
  ])
  return `| ${[name, ...cells, of(usages, 'peakMb').toFixed(0)].join(' | ')} |`
}

/** @returns the table */
export async function measureStarts(postgresUrl: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'limpet-starts-'))
  const database = await createSqliteDatabase()
  const { environment, stop } = await job(database, folder)
  const bare = async () => start(launch('./bare-express.js', [String(await freePort()), '{}'], {}))
  const starts: readonly (readonly [name: string, start: () => Promise<Usage>])[] = [
    ['`node -e 0`', () => run(['-e', '0'])],
    ['bare Express, listening', bare],
    ['`limpet --version`', () => run([program('limpet'), '--version'])],
    ['`limpet-server --version`', () => run([program('limpet-server'), '--version'])],
    [
      '`limpet get` with a token',
      () => run([program('limpet'), 'get', 'Item 7', '--field', 'password'], environment),
    ],
    ['`limpet-server`, ready, SQLite', async () => startOn(await createSqliteDatabase())],
    ['`limpet-server`, ready, Postgres', async () => startOn(await createPostgresDatabase(postgresUrl))],
  ]
  const usages = new Map<string, Usage[]>(starts.map(([name]) => [name, []]))
  // The first round is not counted: it fills V8's caches.
  for (let round = 0; round <= startsRounds; round++)
    for (const [name, start] of starts) {
      process.stderr.write(`\rstarts, round ${round} of ${startsRounds}: ${name}${' '.repeat(20)}`)
      const usage = await start()
      if (round > 0) usages.get(name)?.push(usage)
    }
  process.stderr.write('\n')
  await stop()
  await database.remove()
  await rm(folder, { recursive: true })
  const [first = []] = usages.values()
  return [
    '| started | processor ms | of bare Node | resident MB | of bare Node | most MB |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
    ...[...usages].map(([name, all]) => row(name, all, first)),
  ].join('\n')
}
