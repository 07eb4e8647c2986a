// Runs dependency-cruiser and refuses to succeed when it cruised nothing: a tool that sees no module sees no mistake.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

const Report = z.object({
  summary: z.object({
    error: z.number(),
    totalCruised: z.number(),
    violations: z.array(z.object({ from: z.string(), to: z.string(), rule: z.object({ name: z.string() }) })),
  }),
})

/**
 * Looks at the imports of a tree.
 * @param folder holds `src`, `tsconfig.json` and `node_modules`
 * @returns how many modules there are, and each import that a rule of .dependency-cruiser.cjs refuses
 */
export function checkImports(folder: string): z.infer<typeof Report>['summary'] {
  const config = fileURLToPath(new URL('../.dependency-cruiser.cjs', import.meta.url))
  const program = fileURLToPath(
    new URL('../node_modules/dependency-cruiser/bin/dependency-cruiser.mjs', import.meta.url),
  )
  const read = () => {
    try {
      return execFileSync(process.execPath, [program, '--config', config, '--output-type', 'json', 'src'], {
        cwd: folder,
        encoding: 'utf8',
        maxBuffer: 64 * 1024 * 1024,
      })
    } catch (error) {
      // It exits with the number of violations and still prints the report.
      if (error instanceof Error && 'stdout' in error && typeof error.stdout === 'string') return error.stdout
      throw error
    }
  }
  return Report.parse(JSON.parse(read())).summary
}

if (import.meta.main) {
  const { violations, totalCruised, error } = checkImports(fileURLToPath(new URL('..', import.meta.url)))
  for (const { from, to, rule } of violations) console.error(`${rule.name}: ${from} → ${to}`)
  console.log(`${totalCruised} modules looked at, ${error} imports refused`)
  if (totalCruised === 0) console.error('No module was looked at: the check itself is broken')
  process.exitCode = error > 0 || totalCruised === 0 ? 1 : 0
}
