// `npm run bench:size-requests -- STATE…`: what requests cost on databases that `npm run bench:size-fill` has filled, each in its turn.
// Each round is about other vaults, from anywhere in the database.
import { z } from 'zod'
import { Changes } from '../../src/contract/vaults.ts'
import { logIn } from '../../test/support/accounts.ts'
import { bodyOf } from '../../test/support/requests.ts'
import { endProgress, figure, median, progress, table } from '../figures.ts'
import { type Figures, measure } from '../load.ts'
import { ask, type BenchVault, type Place } from '../place.ts'
import { machine } from '../results.ts'
import { type ScenarioName, scenarios } from '../scenarios.ts'
import { postmasterOf, startLimpet } from '../servers.ts'
import { nothing, usageOf } from '../usage.ts'
import { emailOf, readState } from './state.ts'

const names = [
  'read',
  'replace',
  'writers',
  'unchanged',
  'share',
  'login-key',
] as const satisfies ScenarioName[]
const connections = 16
const seconds = 2
const rounds = 3
const accountsEach = 16

const Vaults = z.object({ vaults: z.array(z.object({ id: z.string() })) })

async function open(file: string) {
  const { settings, databaseUrl, vaults, authKey } = readState(file)
  const server = await startLimpet(settings)
  const postmaster = databaseUrl.startsWith('file:') ? undefined : await postmasterOf(databaseUrl)
  const used = Math.min(vaults, accountsEach)
  const known: BenchVault[] = []
  for (let index = 0; index < used; index++) {
    const { token } = await logIn(server, { email: emailOf(Math.floor((index * vaults) / used)), authKey })
    const listed = bodyOf(Vaults, await ask(server, { path: '/api/v1/vaults', token }))
    const path = `/api/v1/vaults/${listed.vaults[0]?.id}`
    const first = bodyOf(Changes, await ask(server, { path: `${path}/changes?limit=256`, token }))
    let last = first
    while (last.more)
      last = bodyOf(Changes, await ask(server, { path: `${path}/changes?since=${last.cursor}`, token }))
    known.push({ token, path, itemIds: first.items.map(({ id }) => id), cursor: last.cursor })
  }
  const placeOf = (round: number): Place => {
    const [vault, written] = [known[(2 * round) % used], known[(2 * round + 1) % used]]
    if (!vault || !written) throw new Error('No vault')
    const byKey = Array.from({ length: used }, (_, index) => [emailOf(index), authKey] as const)
    return { url: server.url, vault, written, vaults: known, byKey, byOpaque: [] }
  }
  return { file, server, placeOf, database: { usage: () => (postmaster ? usageOf(postmaster) : nothing) } }
}

const opened: Awaited<ReturnType<typeof open>>[] = []
const measured = new Map<string, Figures[]>()
try {
  for (const file of process.argv.slice(2)) opened.push(await open(file))
  for (let round = 0; round < rounds; round++)
    for (const name of names)
      for (const { file, server, database, placeOf } of opened) {
        const place = placeOf(round)
        // Each of these writers has a vault of its own.
        if (name === 'writers' && place.vaults.length < connections) continue
        progress(`${name}, ${file}, ${round + 1} of ${rounds}`)
        const target = { server, database, place }
        const found = await measure(name, target, connections, seconds)
        if (found.errors.length > 0) throw new Error(`${name} on ${file}: ${found.errors[0]}`)
        measured.set(`${name} ${file}`, [...(measured.get(`${name} ${file}`) ?? []), found])
      }
} finally {
  endProgress()
  for (const { server } of opened) await server.stop()
}

const rows = names.flatMap((name) =>
  opened.flatMap(({ file }) => {
    const all = measured.get(`${name} ${file}`)
    if (!all) return []
    const of = (pick: keyof Omit<Figures, 'errors'>) => figure(median(all.map((figures) => figures[pick])))
    return [
      [
        scenarios[name].title,
        file,
        of('serverMicros'),
        of('databaseMicros'),
        of('p50'),
        of('p99'),
        of('perSecond'),
      ],
    ]
  }),
)
process.stdout.write(
  `${machine()}\n\n${table(['work', 'database', 'µs of the server', 'µs of its database', 'p50 ms', 'p99 ms', 'a second'], rows)}\n`,
)
