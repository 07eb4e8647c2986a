// Runs dependency-cruiser and refuses to succeed when it cruised nothing: a tool that sees no module sees no mistake.
import { execFileSync } from 'node:child_process'
import { z } from 'zod'

const Report = z.object({
  summary: z.object({
    error: z.number(),
    totalCruised: z.number(),
    violations: z.array(z.object({ from: z.string(), to: z.string(), rule: z.object({ name: z.string() }) })),
  }),
})

const run = () => {
  try {
    return execFileSync('depcruise', ['--output-type', 'json', 'src'], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    })
  } catch (error) {
    // It exits with the number of violations and still prints the report.
    if (error instanceof Error && 'stdout' in error && typeof error.stdout === 'string') return error.stdout
    throw error
  }
}

const { summary } = Report.parse(JSON.parse(run()))
for (const { from, to, rule } of summary.violations) console.error(`${rule.name}: ${from} → ${to}`)
console.log(`${summary.totalCruised} modules looked at, ${summary.error} imports refused`)
if (summary.totalCruised === 0) console.error('No module was looked at: the check itself is broken')
process.exitCode = summary.error > 0 || summary.totalCruised === 0 ? 1 : 0
