// `npm run migrations -- <name>`: writes what changed in src/store/schema.ts to migrations/, for both engines.
import { execFileSync } from 'node:child_process'

const [name] = process.argv.slice(2)
if (!name) {
  console.error('Usage: npm run migrations -- <name of the change, such as add-shares>')
  process.exit(2)
}
for (const engine of ['sqlite', 'postgres'])
  execFileSync('drizzle-kit', ['generate', '--name', name], {
    env: { ...process.env, ENGINE: engine },
    stdio: 'inherit',
  })
