// Whether migrations/ is in step with src/store/schema.ts: generating again must add nothing.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'

let stale = false
for (const engine of ['sqlite', 'postgres']) {
  // drizzle-kit takes paths below the project only.
  const copy = mkdtempSync(join('node_modules', '.migrations-'))
  try {
    cpSync(join('migrations', engine), copy, { recursive: true })
    const before = readdirSync(copy).length
    execFileSync('drizzle-kit', ['generate', '--name', 'check'], {
      env: { ...process.env, ENGINE: engine, OUT: relative('.', copy) },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const added = readdirSync(copy).length - before
    console.log(`${engine}: ${added === 0 ? 'migrations are current' : 'a migration is missing'}`)
    stale ||= added > 0
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}
if (stale) console.error('The schema changed without its migrations. Run: npm run migrations -- <name>')
process.exitCode = stale ? 1 : 0
