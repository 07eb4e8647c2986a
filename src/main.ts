// limpet-server: the operator's command line.
import { systemClock } from './clock.ts'
import { ConfigError, readConfig } from './config.ts'
import { startServer } from './server.ts'
import { openStore } from './store/open.ts'
import { StoreError } from './store/store.ts'

const usage = `Usage: limpet-server [command]

  start      serve (the default)
  migrate    apply missing migrations to the database and exit

The configuration comes from the environment; .env.example lists every setting.
`

async function start(): Promise<void> {
  const config = readConfig()
  const server = await startServer(config)
  if (!config.production) {
    const { publicUrl } = config
    process.stderr.write(
      [
        '',
        `  Limpet listens on ${publicUrl}`,
        `  The contract is at ${publicUrl}/docs`,
        '  Try next, in another terminal: npx limpet register you@example.com',
        '',
        '',
      ].join('\n'),
    )
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => {
      // A second signal ends the process at once, as everywhere.
      void server.stop().then(() => process.exit(0))
    })
}

async function migrate(): Promise<void> {
  const { store, migrationsApplied } = await openStore(readConfig().database, {
    now: systemClock.now,
    onIdleError: () => {},
  })
  await store.close()
  process.stdout.write(`${JSON.stringify({ migrationsApplied })}\n`)
}

const commands: Record<string, () => Promise<void>> = {
  start,
  migrate,
  help: async () => void process.stdout.write(usage),
}

/** What an operator can do about an error that kept the command from its work. */
function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message
  if (error instanceof StoreError)
    return `The database cannot be used (${error.code}). Is DATABASE_URL right, and is the database running and writable?`
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
    return 'The port is taken by another program. Choose another one with PORT.'
  return error instanceof Error ? error.message : String(error)
}

const [name = 'start', ...rest] = process.argv.slice(2)
const command = name === '--help' || name === '-h' ? commands.help : commands[name]
if (!command || rest.length > 0) {
  process.stderr.write(usage)
  process.exitCode = 2
} else {
  await command().catch((error: unknown) => {
    process.stderr.write(`${explain(error)}\n`)
    process.exitCode = 1
  })
}
