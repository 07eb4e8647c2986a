// The operator's commands for the server itself: start, migrate.

import { systemClock } from '../clock.ts'
import { pagePaths } from '../contract/paths.ts'
import { readConfig } from '../server/config.ts'
import { openStore } from '../store/open.ts'
import { print, remark } from '../terminal/output.ts'
import { command } from './command.ts'

export const start = command({
  name: 'start',
  operands: [],
  summary: 'serve; the default',
  example: 'PORT=8443 limpet-server start',
  options: {},
  async run() {
    const config = readConfig()
    // Only here, so that the commands that need no server do not wait for all of it to be loaded.
    const { startServer } = await import('../server/lifecycle.ts')
    const server = await startServer(config)
    if (!config.production) {
      const { publicUrl } = config
      // As it can be pasted: npm has put the command line beside the server, but not where a shell looks.
      const limpet = process.env.npm_command ? 'npx limpet' : 'limpet'
      const option = publicUrl === 'http://localhost:8080' ? '' : ` --server ${publicUrl}`
      remark(
        '',
        `  Limpet listens on ${publicUrl}`,
        `  The contract is at ${publicUrl}${pagePaths.documentation}`,
        `  Try next, in another terminal: ${limpet} register you@example.com${option}`,
        '',
      )
    }
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => {
        // A second signal ends the process at once, as everywhere.
        void server.stop().then(() => process.exit(0))
      })
  },
})

export const migrate = command({
  name: 'migrate',
  operands: [],
  summary: 'apply missing migrations to the database, make it where there is none, and exit',
  example: 'limpet-server migrate',
  options: {},
  async run() {
    const { store, migrationsApplied } = await openStore(readConfig().database, {
      now: systemClock.now,
      onIdleError: () => {},
    })
    await store.close()
    print(JSON.stringify({ migrationsApplied }))
  },
})

export const newOpaqueSetup = command({
  name: 'new-opaque-setup',
  operands: [],
  summary: 'print a new value for OPAQUE_SERVER_SETUP and exit',
  details: 'Once for each server, before its first account: losing or changing it locks every account out.',
  example: 'limpet-server new-opaque-setup > opaque-setup',
  options: {},
  async run() {
    const { createOpaqueSetup } = await import('../domain/identity/opaque-library.ts')
    print(await createOpaqueSetup())
  },
})
