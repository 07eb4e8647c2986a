// What requests cost: every scenario on both engines, beside bare Express, each in its turn.

import { endProgress, figure, median, progress, table } from './figures.ts'
import { type Figures, measure, type Target } from './load.ts'
import { writePicture } from './pictures.ts'
import { fill, newVault, onlyPath, usualEnvelope } from './place.ts'
import { writeResults } from './results.ts'
import { type ScenarioName, scenarioNames, scenarios } from './scenarios.ts'
import {
  type Engine,
  engines,
  newSettings,
  type ServerProcess,
  startBareExpress,
  startLimpet,
  withDatabases,
} from './servers.ts'
import { nothing, type Usage } from './usage.ts'

export interface Effort {
  /** Every scenario is measured once a round, one after the other; the median of the rounds counts. */
  readonly rounds: number
  readonly seconds: number
}

const itemsInVault = 10_000
/** For the cost against size; twice as many as an account may have, unless the operator says otherwise. */
const sizes = [100, 1000, 10_000, 40_000]
const bySize = ['read', 'replace', 'unchanged', 'sync'] as const

type Where = Engine | 'bare Express'

interface Started {
  readonly where: Where
  readonly server: ServerProcess
  readonly database: { usage(): Usage }
  /** Right after its start. */
  readonly idleMb: number
}

/** Lets something measure bare Express and a server on each engine, which are stopped at its end. */
const withServers = (
  settings: Readonly<Record<string, string>>,
  work: (started: readonly Started[]) => Promise<void>,
): Promise<void> =>
  withDatabases(engines, async ({ create }) => {
    const started: Started[] = []
    const add = (where: Where, server: ServerProcess, database: { usage(): Usage }) =>
      started.push({ where, server, database, idleMb: server.usage().residentMb })
    try {
      add('bare Express', await startBareExpress({ data: usualEnvelope() }), { usage: () => nothing })
      for (const engine of engines) {
        const database = await create(engine)
        add(engine, await startLimpet({ ...(await newSettings(database.url)), ...settings }), database)
      }
      await work(started)
    } finally {
      for (const { server } of started) await server.stop()
    }
  })

/** All that was measured, by what and where and at how many connections. */
class Measured {
  readonly #rounds = new Map<string, Figures[]>()

  add(key: string, figures: Figures) {
    this.#rounds.set(key, [...(this.#rounds.get(key) ?? []), figures])
  }

  /** @returns the median of the rounds; not a number if it was not measured */
  of(key: string, name: Exclude<keyof Figures, 'errors'>): number {
    return median((this.#rounds.get(key) ?? []).map((figures) => figures[name]))
  }

  /** @returns each error once, with what was measured */
  errors(): string[] {
    return [...this.#rounds].flatMap(([key, rounds]) => [
      ...new Set(rounds.flatMap(({ errors }) => errors.map((error) => `${key}: ${error}`))),
    ])
  }
}

const keyOf = (name: ScenarioName, where: Where, at: number) => `${scenarios[name].title}, ${where}, ${at}`

/** Processor time: the server's, and the database's where it has processes of its own. */
function micros(measured: Measured, key: string): string {
  const [server, database] = [measured.of(key, 'serverMicros'), measured.of(key, 'databaseMicros')]
  return Number.isFinite(database) && database > 0
    ? `${figure(server)} + ${figure(database)}`
    : figure(server)
}

function tableOf(measured: Measured): string {
  const bareMicros = measured.of(keyOf('get', 'bare Express', 16), 'serverMicros')
  const cells = (name: ScenarioName, where: Where, at: number) => {
    const key = keyOf(name, where, at)
    // The processor time is that of the logins beside it.
    const used = scenarios[name].beside ? '' : micros(measured, key)
    const rate = scenarios[name].beside ? '' : figure(measured.of(key, 'perSecond'))
    return [rate, used, figure(measured.of(key, 'p50')), figure(measured.of(key, 'p99'))]
  }
  const rows = scenarioNames.flatMap((name) =>
    scenarios[name].connections.map((at) => {
      const { title, isBare, beside } = scenarios[name]
      const own = isBare
        ? [...cells(name, 'bare Express', at), '', '', '', '']
        : engines.flatMap((engine) => cells(name, engine, at))
      const server = measured.of(keyOf(name, isBare ? 'bare Express' : 'SQLite', at), 'serverMicros')
      return [title, String(at), ...own, beside ? '' : figure(server / bareMicros)]
    }),
  )
  const columns = ['a second', 'processor µs', 'p50 ms', 'p99 ms']
  return table(
    [
      'work',
      'connections',
      ...engines.flatMap((engine) => columns.map((column) => `${engine}: ${column}`)),
      'SQLite: of bare Express',
    ],
    rows,
  )
}

const memoryTable = (started: readonly Started[]) =>
  table(
    ['memory, MB', 'after the start', 'after all of this', 'at most', 'start, ms'],
    started.map(({ where, server, idleMb }) => {
      const { residentMb, peakMb } = server.usage()
      return [where, ...[idleMb, residentMb, peakMb, server.startMs].map(figure)]
    }),
  )

function drawRates(measured: Measured) {
  const line = (name: ScenarioName, where: Where) => ({
    name: where === 'bare Express' ? where : `${scenarios[name].title}, ${where}`,
    points: scenarios[name].connections.map(
      (at) => [at, measured.of(keyOf(name, where, at), 'perSecond')] as const,
    ),
  })
  writePicture('rate', {
    title: 'Rate against connections',
    x: 'connections',
    y: 'a second',
    lines: [
      line('get', 'bare Express'),
      ...(['read', 'replace', 'share'] as const).flatMap((name) =>
        engines.map((engine) => line(name, engine)),
      ),
    ],
  })
}

/** One thing to measure in each round. */
interface Step {
  readonly key: string
  readonly name: ScenarioName
  readonly at: number
  readonly target: Target
}

async function measureAll(steps: readonly Step[], { rounds, seconds }: Effort): Promise<Measured> {
  const measured = new Measured()
  const all = Array.from({ length: rounds }, () => steps).flat()
  for (const [done, { key, name, at, target }] of all.entries()) {
    const left = ((all.length - done) * (seconds + 0.8)) / 60
    progress(`${done + 1} of ${all.length}, ${left.toFixed(1)} minutes left: ${key}`)
    measured.add(key, await measure(name, target, at, seconds))
  }
  endProgress()
  return measured
}

/** Measures every scenario, and writes the figures. @returns what was answered otherwise than it has to be */
export async function measureRequests(effort: Effort): Promise<readonly string[]> {
  const errors: string[] = []
  await withServers({}, async (started) => {
    const targets = new Map<Where, Target>()
    for (const { where, server, database } of started) {
      progress(`filling: ${where}`)
      const place = where === 'bare Express' ? onlyPath(server.url, '/') : await fill(server, itemsInVault)
      targets.set(where, { server, database, place })
    }
    const steps = scenarioNames.flatMap((name) =>
      scenarios[name].connections.flatMap((at) =>
        [...targets]
          .filter(([where]) => (where === 'bare Express') === (scenarios[name].isBare ?? false))
          .map(([where, target]) => ({ key: keyOf(name, where, at), name, at, target })),
      ),
    )
    const measured = await measureAll(steps, effort)
    errors.push(...measured.errors())
    writeResults(
      'requests',
      [
        `Median of ${effort.rounds} rounds of ${effort.seconds} s each. Errors: ${errors.length || 'none'}.`,
        '',
        tableOf(measured),
        '',
        memoryTable(started),
        '',
        ...scenarioNames.map((name) => `- **${scenarios[name].title}**: ${scenarios[name].why}.`),
      ].join('\n'),
    )
    drawRates(measured)
  })
  return errors
}

/** Measures what a vault's size costs, and writes the figures. @returns errors, as above */
export async function measureSizes(effort: Effort): Promise<readonly string[]> {
  const errors: string[] = []
  const most = String(Math.max(...sizes) + 1)
  await withServers({ MAX_ITEMS: most }, async (started) => {
    const sizeKey = (name: ScenarioName, where: Where, items: number) =>
      `${scenarios[name].title}, ${where}, ${items} items`
    const steps: Step[] = []
    for (const { where, server, database } of started) {
      if (where === 'bare Express') continue
      for (const items of sizes) {
        progress(`filling: ${where}, ${items} items`)
        const vault = await newVault(server, items)
        const target = {
          server,
          database,
          place: { ...onlyPath(server.url, vault.path), vault, written: vault },
        }
        for (const name of bySize) steps.push({ key: sizeKey(name, where, items), name, at: 2, target })
      }
    }
    const measured = await measureAll(steps, effort)
    errors.push(...measured.errors())
    const cost = (name: ScenarioName, where: Where, items: number) =>
      measured.of(sizeKey(name, where, items), 'serverMicros') +
      measured.of(sizeKey(name, where, items), 'databaseMicros')
    const lines = bySize.flatMap((name) =>
      engines.map((engine) => ({ name: `${scenarios[name].title}, ${engine}`, engine, scenario: name })),
    )
    writeResults(
      'sizes',
      [
        `Median of ${effort.rounds} rounds of ${effort.seconds} s each, at 2 connections.`,
        '',
        table(
          ['processor µs, of server and database', ...sizes.map((items) => `${figure(items)} items`)],
          lines.map(({ name, engine, scenario }) => [
            name,
            ...sizes.map((items) => figure(cost(scenario, engine, items))),
          ]),
        ),
      ].join('\n'),
    )
    writePicture('size', {
      title: 'Cost against size',
      x: 'items in the vault',
      y: 'processor µs, of server and database',
      lines: lines.map(({ name, engine, scenario }) => ({
        name,
        points: sizes.map((items) => [items, cost(scenario, engine, items)] as const),
      })),
    })
  })
  return errors
}
