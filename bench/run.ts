// `npm run bench`: everything in one run, side by side, so that ratios hold on a noisy machine. Writes bench/RESULTS.md.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import autocannon from 'autocannon'
import { createPostgresDatabase, createSqliteDatabase } from '../test/support/fresh-database.ts'
import { startPostgres } from '../test/support/postgres.ts'
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

const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0

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

const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim()

/** Replaces what stands between the markers of RESULTS.md; the text around it is written by hand. */
function writeResults(text: string) {
  const file = new URL('./RESULTS.md', import.meta.url)
  const [before, , after] = readFileSync(file, 'utf8').split(/<!-- (?:begin|end) of the figures -->\n/)
  writeFileSync(
    file,
    `${before}<!-- begin of the figures -->\n${text}\n<!-- end of the figures -->\n${after}`,
  )
}

const postgres = await startPostgres()
const databases = [await createSqliteDatabase(), await createPostgresDatabase(postgres.url)]
const [sqliteUrl = '', postgresUrl = ''] = databases.map(({ url }) => url)
const onSqlite = await limpet('SQLite', sqliteUrl)
const onPostgres = await limpet('Postgres', postgresUrl)
const bare = await bareExpress(onSqlite.item)

const scenarios = [bare.scenario, ...onSqlite.scenarios, ...onPostgres.scenarios]
const runs = scenarios.length * connectionCounts.length * rounds
let done = 0
for (let round = 1; round <= rounds; round++)
  for (const connections of connectionCounts)
    for (const scenario of scenarios) {
      process.stderr.write(`\r${++done} of ${runs}: ${key(scenario, connections)}${' '.repeat(20)}`)
      const measured = await measure(scenario, connections)
      results.set(key(scenario, connections), [...(results.get(key(scenario, connections)) ?? []), measured])
    }
process.stderr.write('\n')

const figures = `Commit ${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', 'src') ? ' with changes' : ''}, Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, ${new Date().toISOString().slice(0, 10)}. Median of ${rounds} rounds of ${seconds} s each.

${table(scenarios, bare.scenario)}
`
process.stdout.write(`${figures}\n`)
writeResults(figures)

for (const { stop } of [bare, onSqlite, onPostgres]) stop()
for (const { remove } of databases) await remove()
await postgres.stop()
