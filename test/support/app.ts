// The application over a store that is no database, and without a port.
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { createDeferredTasks } from '../../src/domain/deferred-tasks.ts'
import { createOpaqueServer } from '../../src/domain/identity/opaque.ts'
import { limiterOf } from '../../src/domain/rate-limits/limiter.ts'
import { deriveServerKeys } from '../../src/domain/server-keys.ts'
import { systemRandom } from '../../src/random.ts'
import { createApp } from '../../src/server/compose.ts'
import { readConfig } from '../../src/server/config.ts'
import type { Store } from '../../src/store/store.ts'
import { TestClock, testOpaqueSetup, testSecret } from './server.ts'

const unused = () => Promise.reject(new Error('This store is not to be used'))

/** For an application that is looked at and never asked. */
export const unusedStore: Store = {
  rowsAtOnce: 1,
  read: unused,
  write: unused,
  truncateWal: unused,
  isReady: unused,
  close: async () => {},
  listen: () => () => {},
  load: () => ({ connections: 0, idle: 0, waiting: 0 }),
}

/** @returns the application, the APIs that it serves, and what it has logged so far */
export async function appOver(
  store: Store,
  options: { accepting?: boolean; rateLimits?: 'on' | 'off'; environment?: Record<string, string> } = {},
) {
  const { accepting = true, rateLimits = 'off', environment } = options
  const lines: string[] = []
  const log = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    },
  })
  const config = readConfig({
    DATABASE_URL: 'file:unused.db',
    JWT_SECRET: testSecret,
    RATE_LIMITS: rateLimits,
    ...environment,
  })
  const keys = deriveServerKeys(testSecret, testOpaqueSetup)
  const { app, apis } = await createApp({
    config,
    keys,
    limiter: limiterOf(config, { keys, store }),
    opaque: createOpaqueServer(testOpaqueSetup),
    store,
    objects: undefined,
    clock: new TestClock(),
    random: systemRandom,
    logger: pino({ base: null }, log),
    deferredTasks: createDeferredTasks(),
    accepting: () => accepting,
    ending: new AbortController().signal,
  })
  return { app, apis, log: () => lines.join('') }
}
