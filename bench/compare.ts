// `npm run bench:compare -- BASE`: what a change costs. Builds the commit BASE in a worktree of its own, and measures scenarios of it and of
// the working tree in turn: a ratio of two neighbours holds on a busy machine too.
// `--scenario read --engine SQLite` choose (each may be said again); `--rounds`, `--seconds` and `--connections` say how long and how much;
// `--json` prints what was measured, round by round.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { endProgress, figure, median, progress, spread, table } from './figures.ts'
import { type Figures, measure, type Target } from './load.ts'
import { fill } from './place.ts'
import { machine } from './results.ts'
import { type ScenarioName, scenarioNames, scenarios } from './scenarios.ts'
import { checkout, type Engine, engines, newSettings, startLimpet, withDatabases } from './servers.ts'

const { values, positionals } = parseArgs({
  options: {
    scenario: { type: 'string', multiple: true, default: ['read', 'replace', 'unchanged', 'share'] },
    engine: { type: 'string', multiple: true, default: [...engines] },
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '1' },
    connections: { type: 'string' },
    items: { type: 'string', default: '10000' },
    json: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})
const number = z.coerce.number().positive()
const chosen = z.array(z.enum(scenarioNames)).parse(values.scenario)
const chosenEngines = z.array(z.enum(['SQLite', 'Postgres'])).parse(values.engine)
const [rounds, seconds] = [number.parse(values.rounds), number.parse(values.seconds)]
const connections = number.optional().parse(values.connections)
const items = number.parse(values.items)
const [base] = positionals
if (base === undefined) throw new Error('Say the commit to compare with: npm run bench:compare -- main')

const git = (...args: string[]) => execFileSync('git', args, { cwd: checkout, encoding: 'utf8' }).trim()

/** Checks a commit out, with the packages that it names. @returns the folder */
function checkOut(commit: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'limpet-base-'))
  git('worktree', 'add', '--quiet', '--detach', '--force', folder, commit)
  // However the bench ends.
  process.on('exit', () => {
    git('worktree', 'remove', '--force', folder)
    rmSync(folder, { recursive: true, force: true })
  })
  const lockOf = (root: string) => readFileSync(join(root, 'package-lock.json'), 'utf8')
  if (lockOf(folder) === lockOf(checkout))
    symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'))
  else
    execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], {
      cwd: folder,
      stdio: 'ignore',
    })
  return folder
}

const sides = ['base', 'change'] as const
type Side = (typeof sides)[number]

interface Compared {
  readonly scenario: ScenarioName
  readonly engine: Engine
  readonly connections: number
  /** Both of one round were measured one right after the other. */
  readonly rounds: Readonly<Record<Side, Figures>>[]
}

/** At how many connections a scenario is compared: 16, or what it has. */
const connectionsOf = (name: ScenarioName): number => {
  const all = scenarios[name].connections
  return connections ?? (all.includes(16) ? 16 : (all[0] ?? 1))
}

async function compare(folder: string): Promise<Compared[]> {
  const compared: Compared[] = []
  const all = chosenEngines.length * chosen.length * rounds
  let done = 0
  await withDatabases(chosenEngines, async ({ create }) => {
    for (const engine of chosenEngines) {
      const targets: Partial<Record<Side, Target>> = {}
      const stops: (() => Promise<void>)[] = []
      try {
        for (const side of sides) {
          progress(`${engine}: starting and filling ${side}`)
          const database = await create(engine)
          const server = await startLimpet(
            await newSettings(database.url),
            side === 'base' ? folder : checkout,
          )
          stops.push(server.stop)
          targets[side] = { server, database, place: await fill(server, items) }
        }
        const { base, change } = targets
        if (!base || !change) throw new Error('A server was not started')
        for (const scenario of chosen) {
          const at = connectionsOf(scenario)
          const entry: Compared = { scenario, engine, connections: at, rounds: [] }
          compared.push(entry)
          for (let round = 0; round < rounds; round++) {
            progress(`${++done} of ${all}: ${scenarios[scenario].title}, ${engine}`)
            // Another one is first each time.
            const first = round % 2 === 0 ? base : change
            const one = await measure(scenario, first, at, seconds)
            const other = await measure(scenario, first === base ? change : base, at, seconds)
            entry.rounds.push(first === base ? { base: one, change: other } : { base: other, change: one })
          }
        }
      } finally {
        for (const stop of stops) await stop()
      }
    }
  })
  endProgress()
  return compared
}

/** Processor time of the server and of the database. */
const micros = ({ serverMicros, databaseMicros }: Figures) => serverMicros + databaseMicros

const measures = {
  'processor µs': micros,
  'a second': ({ perSecond }: Figures) => perSecond,
  'p50 ms': ({ p50 }: Figures) => p50,
  'p99 ms': ({ p99 }: Figures) => p99,
} as const

const ratioOf = ({ rounds }: Compared, of: (figures: Figures) => number): string =>
  spread(rounds.map(({ base, change }) => of(change) / of(base)))

const rowOf = (entry: Compared) => [
  `${scenarios[entry.scenario].title}, ${entry.engine}, ${entry.connections}`,
  ...Object.values(measures).flatMap((of) => [
    ...sides.map((side) => figure(median(entry.rounds.map((round) => of(round[side]))))),
    ratioOf(entry, of),
  ]),
]

const commit = git('rev-parse', '--short', `${base}^{commit}`)
progress(`checking out ${commit}`)
const folder = checkOut(commit)
const compared = await compare(folder)
console.log(
  values.json
    ? JSON.stringify({ base: commit, machine: machine(), seconds, items, compared }, undefined, 2)
    : [
        `${machine()} Compared with ${commit}: ${rounds} rounds of ${seconds} s each, in turn. A ratio is that of the change to the base, the median of the rounds (and their middle half).`,
        '',
        table(
          [
            'work, engine, connections',
            ...Object.keys(measures).flatMap((name) => [`${name}: base`, 'change', 'ratio']),
          ],
          compared.map(rowOf),
        ),
      ].join('\n'),
)
const errors = compared.flatMap(({ rounds, scenario, engine }) =>
  rounds.flatMap((round) =>
    sides.flatMap((side) => round[side].errors.map((error) => `${scenario}, ${engine}, ${side}: ${error}`)),
  ),
)
for (const error of new Set(errors)) console.error(error)
if (errors.length > 0) process.exitCode = 1
