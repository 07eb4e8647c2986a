// `npm run bench:size-requests -- STATE…`: what requests cost on databases that `npm run bench:size-fill` has filled, each in its turn, in
// many short rounds; and what that is of the first database in the same round. Each round is about other vaults, from anywhere in the
// database.
import { Changes } from '../../src/contract/vaults.ts'
import { logIn } from '../../test/support/accounts.ts'
import { bodyOf } from '../../test/support/requests.ts'
import { endProgress, figure, median, progress, spread, table } from '../figures.ts'
import { type Figures, measure } from '../load.ts'
import { ask, type BenchVault, type Place } from '../place.ts'
import { machine } from '../results.ts'
import { type ScenarioName, scenarios } from '../scenarios.ts'
import { postmasterOf, startLimpet } from '../servers.ts'
import { nothing, usageOf } from '../usage.ts'
import { emailOf, readState, Vaults } from './state.ts'

const names = [
  'read',
  'unchanged',
  'replace',
  'writers',
  'share',
  'login-key',
] as const satisfies ScenarioName[]
const connections = 16
const seconds = 0.5
/** The first one is for code that is not compiled yet and pages that are not in memory, and does not count. */
const rounds = 10
const accountsEach = 32

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
  // Nothing has changed before something is written. Logins come last: those of one account end its oldest sessions.
  for (const name of names)
    for (let round = 0; round < rounds; round++)
      for (const { file, server, database, placeOf } of opened) {
        const place = placeOf(round)
        // Each of these writers has a vault of its own.
        if (name === 'writers' && place.vaults.length < connections) continue
        progress(`${name}, ${file}, ${round + 1} of ${rounds}`)
        const target = { server, database, place }
        const found = await measure(name, target, connections, seconds)
        if (found.errors.length > 0) throw new Error(`${name} on ${file}: ${found.errors[0]}`)
        if (round > 0) measured.set(`${name} ${file}`, [...(measured.get(`${name} ${file}`) ?? []), found])
      }
} finally {
  endProgress()
  for (const { server } of opened) await server.stop()
}

const processorMicros = ({ serverMicros, databaseMicros }: Figures) => serverMicros + databaseMicros
const p99Of = ({ p99 }: Figures) => p99

/** Of the first database, round by round: the median, and the middle half. */
function ratio(
  all: readonly Figures[],
  first: readonly Figures[] | undefined,
  of: (figures: Figures) => number,
) {
  if (!first || first === all) return ''
  return spread(
    all.flatMap((figures, round) => {
      const beside = first[round]
      return beside ? [of(figures) / of(beside)] : []
    }),
  )
}

const rows = names.flatMap((name) =>
  opened.flatMap(({ file }) => {
    const all = measured.get(`${name} ${file}`)
    if (!all) return []
    const first = measured.get(`${name} ${opened[0]?.file}`)
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
        ratio(all, first, processorMicros),
        ratio(all, first, p99Of),
      ],
    ]
  }),
)
process.stdout.write(
  `${machine()}\n\n${table(
    [
      'work',
      'database',
      'µs of the server',
      'µs of its database',
      'p50 ms',
      'p99 ms',
      'a second',
      'processor time, of the first',
      'p99, of the first',
    ],
    rows,
  )}\n`,
)
