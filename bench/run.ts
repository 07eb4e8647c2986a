// `npm run bench`: everything in one run, side by side, so that ratios hold on a noisy machine. Writes bench/RESULTS.md.
// `npm run bench -- starts` and `npm run bench -- requests` measure one part.
import autocannon from 'autocannon'
import { createPostgresDatabase, createSqliteDatabase } from '../test/support/fresh-database.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { median } from './figures.ts'
import type { ServerProcess } from './processes.ts'
import { machine, writeResults } from './results.ts'
import { measureStarts, startsRounds } from './starts.ts'
import { bareExpress, limpet, type Scenario } from './targets.ts'

const connectionCounts = [1, 16, 64]
/** Every scenario is measured once a round, one after the other; the median of the rounds counts. */
const rounds = 3
const seconds = 3

interface Measured {
  perSecond: number
  p99: number
}

const results = new Map<string, Measured[]>()
const key = (scenario: Scenario, connections: number) => `${scenario.name} at ${connections}`

async function measure(scenario: Scenario, connections: number): Promise<Measured> {
  const result = await autocannon({ ...(await scenario.options(connections)), duration: seconds })
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${key(scenario, connections)}: ${result.non2xx} refused, ${result.errors} failed`)
  return { perSecond: result['2xx'] / result.duration / scenario.requestsEach, p99: result.latency.p99 }
}

const medianOf = (scenario: Scenario, connections: number): Measured => {
  const measured = results.get(key(scenario, connections)) ?? []
  return { perSecond: median(measured.map((m) => m.perSecond)), p99: median(measured.map((m) => m.p99)) }
}

const figure = (number: number) =>
  number >= 100 ? Math.round(number).toLocaleString('en') : number.toPrecision(2)

function table(scenarios: Scenario[], bare: Scenario): string {
  const head = connectionCounts.map((count) => `${count}: a second | ratio | p99 ms`).join(' | ')
  const rows = scenarios.map((scenario) => {
    const cells = connectionCounts.map((count) => {
      const { perSecond, p99 } = medianOf(scenario, count)
      const ratio = perSecond / medianOf(bare, count).perSecond
      return `${figure(perSecond)} | ${ratio.toFixed(2)} | ${figure(p99)}`
    })
    return `| ${scenario.name} | ${cells.join(' | ')} |`
  })
  const rule = `| --- |${' ---: |'.repeat(connectionCounts.length * 3)}`
  return [`| at connections | ${head} |`, rule, ...rows].join('\n')
}

/** What each server has used, once all of the load is over. */
async function memoryTable(servers: Readonly<Record<string, ServerProcess>>): Promise<string> {
  const rows: string[] = []
  for (const [name, server] of Object.entries(servers)) {
    const { residentMb, peakMb } = await server.usage()
    rows.push(`| ${name} | ${residentMb.toFixed(0)} | ${peakMb.toFixed(0)} |`)
  }
  return ['| after this load | resident MB | most MB |', '| --- | ---: | ---: |', ...rows].join('\n')
}

/** @returns the tables */
async function measureRequests(postgresUrl: string): Promise<string> {
  const databases = [await createSqliteDatabase(), await createPostgresDatabase(postgresUrl)]
  const [sqliteDatabase = '', postgresDatabase = ''] = databases.map(({ url }) => url)
  const onSqlite = await limpet('SQLite', sqliteDatabase)
  const onPostgres = await limpet('Postgres', postgresDatabase)
  const bare = await bareExpress(onSqlite.item)

  const scenarios = [bare.scenario, ...onSqlite.scenarios, ...onPostgres.scenarios]
  const runs = scenarios.length * connectionCounts.length * rounds
  let done = 0
  for (let round = 1; round <= rounds; round++)
    for (const connections of connectionCounts)
      for (const scenario of scenarios) {
        process.stderr.write(`\r${++done} of ${runs}: ${key(scenario, connections)}${' '.repeat(20)}`)
        const measured = await measure(scenario, connections)
        results.set(key(scenario, connections), [
          ...(results.get(key(scenario, connections)) ?? []),
          measured,
        ])
      }
  process.stderr.write('\n')
  const memory = await memoryTable({
    'bare Express': bare.server,
    'Limpet, SQLite': onSqlite.server,
    'Limpet, Postgres': onPostgres.server,
  })
  for (const { server } of [bare, onSqlite, onPostgres]) await server.stop()
  for (const { remove } of databases) await remove()
  return `${table(scenarios, bare.scenario)}\n\n${memory}`
}

const [only] = process.argv.slice(2)
const postgres = await startPostgres()
if (only !== 'requests') {
  const starts = await measureStarts(postgres.url)
  writeResults('starts', `${machine()} Median of ${startsRounds} rounds.\n\n${starts}`)
}
if (only !== 'starts') {
  const requests = await measureRequests(postgres.url)
  writeResults('requests', `${machine()} Median of ${rounds} rounds of ${seconds} s each.\n\n${requests}`)
}
await postgres.stop()
