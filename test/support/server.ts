// A server for a test, in this process, and clients of it.
import { randomUUID } from 'node:crypto'
import { Writable } from 'node:stream'
import { type Clock, systemClock } from '../../src/clock.ts'
import type { ThreadOptions } from '../../src/domain/identity/opaque-threads.ts'
import {
  Limpet,
  minKdf,
  type OpenVault,
  type SessionStorage,
  type UnlockedAccount,
} from '../../src/sdk/index.ts'
import { readConfig } from '../../src/server/config.ts'
import type { Patience } from '../../src/server/http-server.ts'
import { startServer as start } from '../../src/server/lifecycle.ts'
import { createDatabase, type Engine, type TestDatabase } from './database.ts'
import { freePort } from './free-port.ts'

/** A clock that stands still until it is moved. */
export class TestClock implements Clock {
  #now = Date.UTC(2026, 0, 1)
  #monotonic = 0

  now() {
    return this.#now
  }

  monotonic() {
    return this.#monotonic
  }

  /** Lets time pass. */
  advance(ms: number) {
    this.#now += ms
    this.#monotonic += ms
  }

  /** Sets the wall clock, as an administrator would; no time passes. */
  jump(ms: number) {
    this.#now += ms
  }
}

export const testSecret = 'a secret of more than thirty-two bytes, for tests only'

export const testOpaqueSetup =
  'WxEZw7qRAfCX3e04IF40-Oz0beBux-LDmn2YQMmgPUNkuWtTIiInDkIPrNDmOY0aqpbcr-Bz0vg1oY_zaG1R31EBQibSjuPuJSBXiv3odoGcS5vOKBro1xO6YsIDuIQGsJCvF78okBzDVtvAEtfrCzQELuISDIZsMbzDrSfbJTM'

export interface TestServer {
  readonly url: string
  readonly database: TestDatabase
  /** Every log line so far. */
  readonly log: () => string
  /** Stops the server and removes the database. */
  close(): Promise<void>
  /** Stops the server and leaves the database. */
  stop(): Promise<void>
}

export interface TestServerOptions {
  readonly clock?: Clock
  /** Settings, as in the environment. */
  readonly environment?: Record<string, string>
  /** An existing database, for a second server on it; it is then not removed. */
  readonly database?: TestDatabase
  /** How long clients may take. */
  readonly patience?: Partial<Patience>
  readonly opaqueThreads?: ThreadOptions
}

/** Starts a server on an empty database. Rate limits are off unless the environment says otherwise. */
export async function startServer(engine: Engine, options: TestServerOptions = {}): Promise<TestServer> {
  const database = options.database ?? (await createDatabase(engine))
  const lines: string[] = []
  const port = await freePort()
  const config = readConfig({
    PORT: String(port),
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    DATABASE_URL: database.url,
    JWT_SECRET: testSecret,
    OPAQUE_SERVER_SETUP: testOpaqueSetup,
    RATE_LIMITS: 'off',
    ...options.environment,
  })
  const server = await start(config, {
    clock: options.clock ?? systemClock,
    ...(options.patience && { patience: options.patience }),
    ...(options.opaqueThreads && { opaqueThreads: options.opaqueThreads }),
    log: new Writable({
      write(chunk, _encoding, done) {
        lines.push(String(chunk))
        done()
      },
    }),
  })
  return {
    url: server.url,
    database,
    log: () => lines.join(''),
    stop: () => server.stop(),
    async close() {
      await server.stop()
      if (!options.database) await database.remove()
    },
  }
}

const device = () => ({ id: randomUUID(), name: 'test', type: 'other' as const })

/** A client of a server, as on a new device. */
export const client = (server: { url: string }, storage?: SessionStorage) =>
  new Limpet({
    server: server.url,
    device: device(),
    acceptAuthKey: () => true,
    ...(storage && { storage }),
  })

/** The quicker method, with the least costs. */
export const quickRegistration = { method: 'authKey', kdf: minKdf } as const

export interface RegisteredClient {
  readonly email: string
  readonly password: string
  readonly limpet: Limpet
  readonly account: UnlockedAccount
  readonly vault: OpenVault
}

/**
 * A new account that is logged in, with its first vault open; by authKey with the least costs, which is quicker, unless the
 * method is said.
 */
export async function registeredClient(
  server: { url: string },
  options: { password?: string; storage?: SessionStorage; method?: 'opaque' } = {},
): Promise<RegisteredClient> {
  const email = `${randomUUID()}@example.com`
  const password = options.password ?? 'kelp forest lantern dune'
  const limpet = client(server, options.storage)
  await limpet.register({
    email,
    password,
    ...(options.method ? { method: options.method } : quickRegistration),
  })
  const account = await limpet.login({ email, password })
  const [vault] = await account.vaults()
  if (!vault) throw new Error('A new account has no vault')
  return { email, password, limpet, account, vault }
}

/** The same account on another device. */
export async function secondDevice(server: { url: string }, { email, password }: RegisteredClient) {
  const limpet = client(server)
  const account = await limpet.login({ email, password })
  const [vault] = await account.vaults()
  if (!vault) throw new Error('The account has no vault')
  return { limpet, account, vault }
}
