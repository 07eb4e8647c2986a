// The servers of a suite's tests, several on one database where that is wanted; the end of each test closes them.
import { afterEach } from 'vitest'
import type { Engine } from './database.ts'
import { startServer, TestClock, type TestServer, type TestServerOptions } from './server.ts'

export function serversOn(engine: Engine) {
  const running: TestServer[] = []
  afterEach(async () => {
    // Those that were started on another one's database first.
    for (const server of running.splice(0).reverse()) await server.close()
  })

  /** A server on a database of its own, with a clock that stands still. */
  async function start({
    clock = new TestClock(),
    ...options
  }: Omit<TestServerOptions, 'clock'> & { clock?: TestClock } = {}) {
    const server = await startServer(engine, { clock, ...options })
    running.push(server)
    return { server, clock }
  }

  /** Another process on the same database, behind the same address for its clients. */
  async function startBeside(
    { database, url }: TestServer,
    clock: TestClock,
    environment: Record<string, string> = {},
  ) {
    const beside = await startServer(engine, {
      clock,
      database,
      environment: { PUBLIC_URL: url, ...environment },
    })
    running.push(beside)
    return beside
  }

  return { start, startBeside }
}
