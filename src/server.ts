// A running server: opens the store, listens, and drains when it is told to stop.
import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, Server as NetServer } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { type DestinationStream, type Logger, pino } from 'pino'
import { createApp } from './app.ts'
import { type Clock, seconds, systemClock } from './clock.ts'
import { type Config, localUrl } from './config.ts'
import { startMailer } from './features/email/mailer.ts'
import { deriveServerKeys } from './features/keys.ts'
import { startMaintenance } from './features/maintenance.ts'
import { serveMetrics } from './features/metrics/server.ts'
import { createOpaqueServer } from './features/opaque/opaque.ts'
import { requireSameSetup } from './features/opaque/setup.ts'
import { createPostponed } from './features/postponed.ts'
import { problem, problemBody } from './http/problem.ts'
import { safeError } from './http/request-log.ts'
import { readOrMakeJwtSecret, readOrMakeOpaqueSetup } from './kept-secrets.ts'
import { type Random, systemRandom } from './random.ts'
import { openStore } from './store/open.ts'

/** What runs when the server is told to stop has this long to finish. */
const drainMs = seconds(10)

export interface RunningServer {
  /** Where it listens, for this machine. */
  readonly url: string
  readonly migrationsApplied: number
  /** Finishes what runs, then closes the database; within ten seconds and twice the grace of the configuration. */
  stop(): Promise<void>
}

export interface Surroundings {
  readonly clock?: Clock
  readonly random?: Random
  /** Where log lines go; standard output unless said otherwise. */
  readonly log?: DestinationStream
}

const createLogger = ({ logLevel }: Config, destination: DestinationStream | undefined): Logger => {
  // No process id and host name: lines are safe to publish.
  const options = { level: logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime }
  return destination ? pino(options, destination) : pino(options)
}

/** Answers what is not even HTTP, in the same form as every other problem. */
function answerBrokenRequest(error: Error & { code?: string }, socket: Duplex, publicUrl: string) {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const requestId = randomUUID()
  const broken = problem('malformed-request', 'This is not a complete HTTP/1.1 request of a common size.', {
    errors: [
      { path: 'request', message: 'Expected a request line, headers of a few KiB, and the whole body' },
    ],
  })
  const body = JSON.stringify(problemBody(broken, { publicUrl, requestId }))
  const head = [
    'HTTP/1.1 400 Bad Request',
    'Content-Type: application/problem+json; charset=utf-8',
    'Cache-Control: no-store',
    `X-Request-Id: ${requestId}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

const listen = (server: Server, { host, port }: Config) =>
  new Promise<AddressInfo>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error('Not listening on a TCP port'))
      else resolve(address)
    })
  })

/**
 * Stops accepting. Resolves when every connection is closed: each as soon as its answer is out, one that is idle after
 * `idleMs`, the last of them at the deadline.
 *
 * A proxy keeps connections open, and may send a request on one in the moment in which it is closed here. It cannot know then
 * whether a POST was done, and must fail it. So idle connections are left to the proxy to close, if it is quicker than `idleMs`.
 */
const drain = (server: Server, idleMs: number) =>
  new Promise<void>((resolve) => {
    let sweep: NodeJS.Timeout | undefined
    const idle = setTimeout(() => {
      server.closeIdleConnections()
      // A connection whose request began before is kept alive by its client after the answer.
      sweep = setInterval(() => server.closeIdleConnections(), 50)
    }, idleMs)
    const deadline = setTimeout(() => server.closeAllConnections(), idleMs + drainMs - seconds(1))
    const closed = () => {
      clearTimeout(idle)
      clearInterval(sweep)
      clearTimeout(deadline)
      resolve()
    }
    // Connections that the system has made and nobody has accepted yet are reset by closing. Right after the event loop has
    // looked for connections there are none. The close of an HTTP server would end idle connections at once.
    setImmediate(() => NetServer.prototype.close.call(server, closed))
  })

/** The server's secrets: given, or kept beside the SQLite file. */
async function secretsOf({ jwtSecret, opaqueSetup, database }: Config) {
  if (database.engine === 'sqlite')
    return {
      jwtSecret: jwtSecret ?? readOrMakeJwtSecret(database.file),
      opaqueSetup: opaqueSetup ?? (await readOrMakeOpaqueSetup(database.file)),
    }
  if (jwtSecret === undefined) throw new Error('JWT_SECRET is missing')
  if (opaqueSetup === undefined) throw new Error('OPAQUE_SERVER_SETUP is missing')
  return { jwtSecret, opaqueSetup }
}

/** Starts a server; rejects where the configuration cannot be used, the database not opened, or the port not taken. */
export async function startServer(config: Config, surroundings: Surroundings = {}): Promise<RunningServer> {
  const { clock = systemClock, random = systemRandom } = surroundings
  const logger = createLogger(config, surroundings.log)
  const { jwtSecret, opaqueSetup } = await secretsOf(config)
  const opaque = await createOpaqueServer(opaqueSetup)

  const { store, migrationsApplied } = await openStore(config.database, {
    now: () => clock.now(),
    onIdleError: () => logger.warn('a connection to the database was lost'),
  })
  const keys = deriveServerKeys(jwtSecret, opaqueSetup)
  const mailer = startMailer({ clock, config, keys, logger, store })
  try {
    await requireSameSetup(store, opaque.fingerprint)
    let accepting = true
    const postponed = createPostponed()
    let draining = false
    const { app, metrics } = await createApp({
      config,
      keys,
      opaque,
      mailer,
      store,
      clock,
      random,
      logger,
      postponed,
      accepting: () => accepting,
    })
    // No answer depends on the Host header, and Node's own refusal of a request without one would have no body.
    const server = createServer({ requireHostHeader: false }, (req, res) => {
      if (draining) res.setHeader('Connection', 'close')
      app(req, res)
    })
    // Longer than the idle time of proxies in front, so that it is never this side that closes under a request.
    server.keepAliveTimeout = seconds(75)
    server.requestTimeout = seconds(60)
    server.on('clientError', (error, socket) => answerBrokenRequest(error, socket, config.publicUrl))
    const stopMetrics = config.metrics && (await serveMetrics(metrics, config.metrics))
    const { port } = await listen(server, config)
    const stopMaintenance = startMaintenance({ clock, postponed, store }, (error) =>
      logger.error({ error: safeError(error) }, 'maintenance failed'),
    )
    if (!config.rateLimits) logger.warn('rate limits are off: for benchmarks only')
    logger.info({ port, engine: config.database.engine, migrationsApplied }, 'listening')

    const stop = async () => {
      accepting = false
      logger.info('stopping')
      // Connections stay alive meanwhile: a proxy that has to make new ones would do so until the end of it.
      await Promise.all([stopMaintenance(), pause(config.shutdownGrace)])
      draining = true
      await drain(server, config.shutdownGrace)
      await stopMetrics?.()
      await mailer.stop()
      await postponed.flush().catch(() => {})
      await store.close()
      logger.info('stopped')
    }
    let stopping: Promise<void> | undefined
    return {
      url: localUrl({ host: config.host, port }),
      migrationsApplied,
      stop: () => (stopping ??= stop()),
    }
  } catch (error) {
    await mailer.stop()
    await store.close()
    throw error
  }
}
