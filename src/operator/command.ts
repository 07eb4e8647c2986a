// What the operator's commands work with.
import { existsSync } from 'node:fs'
import { systemClock } from '../clock.ts'
import { type Config, readConfig } from '../server/config.ts'
import { type DatabaseUrl, openStore } from '../store/open.ts'
import type { Store } from '../store/store.ts'
import { commandOf } from '../terminal/command.ts'
import { CliError } from '../terminal/exit-codes.ts'
import type { Prompter } from '../terminal/prompter.ts'

export interface Surroundings {
  readonly prompter: Prompter
}

export const command = commandOf<Surroundings>('limpet-server')

export const json = { type: 'boolean', help: 'prints JSON' } as const

/** Opening would make an empty SQLite file, and an operator in the wrong folder would find no accounts in it. */
export function requireDatabase(database: DatabaseUrl): void {
  if (database.engine === 'sqlite' && !existsSync(database.file))
    throw new CliError(
      'notFound',
      `There is no database at ${database.file}. Run this with the environment and in the folder of the server, or make the database with "limpet-server migrate".`,
    )
}

/** Runs `work` on the database of the server's configuration, beside servers that are running on it. */
export async function onDatabase<T>(work: (store: Store, config: Config) => Promise<T>): Promise<T> {
  const config = readConfig()
  requireDatabase(config.database)
  const { store } = await openStore(config.database, { now: systemClock.now, onIdleError: () => {} })
  try {
    return await work(store, config)
  } finally {
    await store.close()
  }
}
