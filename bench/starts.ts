// What starts cost: processor time and memory of the programs, side by side with bare Node and bare Express.
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { minKdf } from '../src/contract/accounts.ts'
import { Limpet } from '../src/sdk/index.ts'
import { endProgress, median, progress, table } from './figures.ts'
import { writeResults } from './results.ts'
import {
  type BenchDatabase,
  type Databases,
  engines,
  newSettings,
  run,
  type ServerProcess,
  startBareExpress,
  startLimpet,
  withDatabases,
} from './servers.ts'
import type { Usage } from './usage.ts'

const itemsInVault = 100

const program = (name: string) => fileURLToPath(new URL(`../bin/${name}.js`, import.meta.url))

/** What a server has used when it answers for the first time. */
async function start(launched: Promise<ServerProcess>): Promise<Usage> {
  const server = await launched
  const usage = server.usage()
  await server.stop()
  return usage
}

const startOn = async ({ url }: BenchDatabase): Promise<Usage> => start(startLimpet(await newSettings(url)))

/** A server with an account, whose vault a token reads. @returns what a job has in its environment */
async function job({ url }: BenchDatabase, stateFolder: string) {
  const server = await startLimpet(await newSettings(url))
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
  return [name, ...cells, of(usages, 'peakMb').toFixed(0)]
}

/** @returns the table */
async function measure({ create }: Databases, folder: string, rounds: number): Promise<string> {
  const { environment, stop } = await job(await create('SQLite'), folder)
  const starts: readonly (readonly [name: string, start: () => Promise<Usage>])[] = [
    ['`node -e 0`', () => run(['-e', '0'])],
    ['bare Express, listening', () => start(startBareExpress({}))],
    ['`limpet --version`', () => run([program('limpet'), '--version'])],
    ['`limpet-server --version`', () => run([program('limpet-server'), '--version'])],
    [
      '`limpet get` with a token',
      () => run([program('limpet'), 'get', 'Item 7', '--field', 'password'], environment),
    ],
    ...engines.map(
      (engine) => [`\`limpet-server\`, ready, ${engine}`, async () => startOn(await create(engine))] as const,
    ),
  ]
  const usages = new Map<string, Usage[]>(starts.map(([name]) => [name, []]))
  // The first round is not counted: it fills V8's caches.
  for (let round = 0; round <= rounds; round++)
    for (const [name, start] of starts) {
      progress(`starts, round ${round} of ${rounds}: ${name}`)
      const usage = await start()
      if (round > 0) usages.get(name)?.push(usage)
    }
  endProgress()
  await stop()
  const [first = []] = usages.values()
  return table(
    ['started', 'processor ms', 'of bare Node', 'resident MB', 'of bare Node', 'most MB'],
    [...usages].map(([name, all]) => row(name, all, first)),
  )
}

/**
 * Starts everything once a round, one after the other, and writes the medians.
 * @returns no errors: a start that fails ends it
 */
export async function measureStarts(rounds: number): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'limpet-starts-'))
  try {
    const text = await withDatabases(engines, (databases) => measure(databases, folder, rounds))
    writeResults('starts', `Median of ${rounds} rounds.\n\n${text}`)
    return []
  } finally {
    await rm(folder, { recursive: true })
  }
}
