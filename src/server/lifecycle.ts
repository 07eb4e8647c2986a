// A running server: opens the store, listens, and drains when it is told to stop.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { type DestinationStream, type Logger, pino } from 'pino'
import { type Clock, minutes, systemClock } from '../clock.ts'
import { createDeferredTasks } from '../domain/deferred-tasks.ts'
import { accountMailComposers } from '../domain/identity/mail-composers.ts'
import { createOpaqueServer } from '../domain/identity/opaque.ts'
import { requireSameSetup } from '../domain/identity/opaque-setup.ts'
import type { ThreadOptions } from '../domain/identity/opaque-threads.ts'
import { capSessions } from '../domain/identity/session-lifetime.ts'
import { startMailer } from '../domain/mail/mailer.ts'
import { limiterOf } from '../domain/rate-limits/limiter.ts'
import { deriveServerKeys } from '../domain/server-keys.ts'
import { type ObjectStore, ownsObjects } from '../domain/vaults/attachment-objects.ts'
import { exchangeClasses } from '../http/exchange-classes.ts'
import { safeError } from '../http/request-log.ts'
import { createS3Store } from '../objects/s3.ts'
import { type Random, systemRandom } from '../random.ts'
import { openStore } from '../store/open.ts'
import type { Store } from '../store/store.ts'
import { startMaintenance } from './cleanup.ts'
import { createApp } from './compose.ts'
import { type Config, localUrl } from './config.ts'
import { createHttpServer, drain, listen, type Patience, usualPatience } from './http-server.ts'
import { serveMetrics } from './metrics-server.ts'
import { readOrMakeJwtSecret, readOrMakeOpaqueSetup } from './own-secrets.ts'
import { standardOutput } from './standard-output.ts'

export interface RunningServer {
  /** Where it listens, for this machine. */
  readonly url: string
  readonly migrationsApplied: number
  /** Finishes what runs, then closes the database; within ten seconds and twice the grace of the configuration. */
  stop(): Promise<void>
}

export interface StartOptions {
  readonly clock?: Clock
  readonly random?: Random
  /** Where log lines go; standard output unless said otherwise. */
  readonly log?: DestinationStream
  readonly patience?: Partial<Patience>
  /** How the threads that compute OPAQUE are bounded, if not as usual. */
  readonly opaqueThreads?: ThreadOptions
}

const createLogger = ({ logLevel }: Config, destination: DestinationStream | undefined): Logger => {
  // No process id and host name: lines are safe to publish.
  const options = { level: logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime }
  return pino(options, destination ?? standardOutput())
}

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

/** Says in the log if the S3-compatible store does not answer, or if nothing is deleted there. */
async function warnOfObjects(store: Store, objects: ObjectStore, logger: Logger): Promise<void> {
  const isOwn = await ownsObjects(store, objects).catch(() => undefined)
  if (isOwn === undefined) logger.warn('S3_URL does not answer: files stay in the database until it does')
  if (isOwn === false)
    logger.warn('S3_URL has the files of another database: nothing is deleted there (docs/operations.md)')
}

/** Starts a server; rejects where the configuration cannot be used, the database not opened, or the port not taken. */
export async function startServer(config: Config, options: StartOptions = {}): Promise<RunningServer> {
  const { clock = systemClock, random = systemRandom } = options
  const patience = { ...usualPatience, ...options.patience }
  const logger = createLogger(config, options.log)
  const { jwtSecret, opaqueSetup } = await secretsOf(config)

  const { store, migrationsApplied } = await openStore(config.database, {
    now: () => clock.now(),
    onIdleError: () => logger.warn('a connection to the database was lost'),
  })
  const keys = deriveServerKeys(jwtSecret, opaqueSetup)
  const opaque = createOpaqueServer(opaqueSetup, {
    ...options.opaqueThreads,
    onLost: (error) => logger.warn({ error: safeError(error) }, 'a thread for OPAQUE has ended'),
  })
  const limiter = limiterOf(config, { keys, store })
  const mailer = startMailer({
    clock,
    config,
    composers: accountMailComposers({ config, keys }),
    limiter,
    logger,
    store,
  })
  try {
    await requireSameSetup(store, opaqueSetup)
    await store.write((tx) => capSessions(tx, config))
    const objects = config.s3 && createS3Store(config.s3)
    let accepting = true
    const deferredTasks = createDeferredTasks()
    let draining = false
    const ending = new AbortController()
    const { app, metrics } = await createApp({
      config,
      keys,
      opaque,
      limiter,
      store,
      objects,
      clock,
      random,
      logger,
      deferredTasks,
      accepting: () => accepting,
      bodyMs: patience.bodyMs,
      ending: ending.signal,
    })
    const answer = (req: IncomingMessage, res: ServerResponse) => {
      if (draining) res.setHeader('Connection', 'close')
      app(req, res)
    }
    const listening = createHttpServer(
      answer,
      exchangeClasses(app),
      config.publicUrl,
      patience,
      config.maxConnections,
    )
    const { server } = listening
    let toldOfFull = -Infinity
    server.on('drop', () => {
      // Once a minute: a line for each would let strangers fill the log.
      if (clock.monotonic() - toldOfFull < minutes(1)) return
      toldOfFull = clock.monotonic()
      logger.warn('MAX_CONNECTIONS are open: more are closed at once')
    })
    const stopMetrics = config.metrics && (await serveMetrics(metrics, config.metrics))
    const { port } = await listen(server, config).catch(async (error: unknown) => {
      await stopMetrics?.()
      throw error
    })
    const stopMaintenance = startMaintenance(
      { clock, config, deferredTasks, objects, random, store },
      (error) => logger.error({ error: safeError(error) }, 'maintenance failed'),
    )
    if (objects) void warnOfObjects(store, objects, logger)
    if (!config.rateLimits) logger.warn('rate limits are off: for benchmarks only')
    logger.info({ port, engine: config.database.engine, migrationsApplied }, 'listening')

    const stop = async () => {
      accepting = false
      logger.info('stopping')
      // Connections stay alive meanwhile: a proxy that has to make new ones would do so until the end of it.
      await Promise.all([stopMaintenance(), pause(config.shutdownGrace)])
      draining = true
      ending.abort()
      await drain(listening, config.shutdownGrace)
      await stopMetrics?.()
      await mailer.stop()
      await deferredTasks.flush().catch(() => {})
      await opaque.close()
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
    await opaque.close()
    await store.close()
    throw error
  }
}
