// What a server tells of itself to Prometheus: how much, how fast and how full; never who, and no id of anything.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { sessionPaths } from '../contract/paths.ts'
import { waitingMail } from '../domain/mail/outbox.ts'
import { countShares } from '../domain/shares/shares.ts'
import type { AnsweredRequest } from '../http/request-log.ts'
import type { DomainServices } from './domain-services.ts'

/** Seconds; what a request takes here is between a tenth of a millisecond and the hash of a login behind a full queue. */
const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Methods that HTTP has; a stranger's own would make a series each. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'])

export interface Metrics {
  observe(request: AnsweredRequest): void
  /** Everything, in Prometheus's text format. Counts that the database cannot give right now are left out. */
  text(): Promise<string>
  readonly contentType: string
}

type Needs = Pick<
  DomainServices,
  'clock' | 'loginAnswers' | 'opaque' | 'passwordHasher' | 'store' | 'watches'
>

/** What is looked up for each scrape. */
function addGauges(
  registry: Registry,
  { clock, loginAnswers, opaque, passwordHasher, store, watches }: Needs,
) {
  const gauge = (
    name: string,
    help: string,
    labelNames: string[],
    collect: (gauge: Gauge) => void | Promise<void>,
  ) =>
    new Gauge({
      name: `limpet_${name}`,
      help,
      labelNames,
      registers: [registry],
      async collect() {
        this.reset()
        await collect(this)
      },
    })
  gauge('database_connections', 'Connections to the database', ['state'], (connections) => {
    const { connections: all, idle } = store.load()
    connections.set({ state: 'idle' }, idle)
    connections.set({ state: 'used' }, all - idle)
  })
  gauge('queue_depth', 'What waits for its turn', ['queue'], (depth) => {
    depth.set({ queue: 'database' }, store.load().waiting)
    depth.set({ queue: 'password_hashes' }, passwordHasher.waiting())
    depth.set({ queue: 'opaque' }, opaque.waiting())
  })
  gauge(
    'streams',
    "Streams of events, requests for changes that wait, and hubs of Bitwarden's apps",
    ['kind'],
    (streams) => {
      for (const counts of [watches.counts(), loginAnswers.counts()])
        for (const [kind, number] of Object.entries(counts)) streams.inc({ kind }, number)
    },
  )
  // While the database is away there is no number, which is the truth; the rest is told all the same.
  gauge('mail_waiting', 'Mail that is to be sent', [], async (mail) => {
    const waiting = await store.read(waitingMail).catch(() => undefined)
    if (waiting) mail.set(waiting.waiting)
  })
  gauge('shares', 'One-time shares that are known, by what became of them', ['state'], async (shares) => {
    const counted = await store.read((reader) => countShares(reader, clock.now())).catch(() => undefined)
    for (const [state, number] of Object.entries(counted ?? {})) shares.set({ state }, number)
  })
}

export function createMetrics(needs: Needs): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  addGauges(registry, needs)
  const registers = [registry]
  const requests = new Counter({
    name: 'limpet_http_requests_total',
    help: 'Requests that were answered',
    labelNames: ['method', 'route', 'status'],
    registers,
  })
  const durations = new Histogram({
    name: 'limpet_http_request_duration_seconds',
    help: 'Time from a request to the end of its answer',
    labelNames: ['method', 'route'],
    buckets,
    registers,
  })
  const logins = new Counter({
    name: 'limpet_logins_total',
    help: 'Logins, by result: ok, or the code of the problem',
    labelNames: ['result'],
    registers,
  })
  return {
    observe({ method: given, route, status, problem, seconds }) {
      const method = methods.has(given) ? given : 'other'
      requests.inc({ method, route, status })
      durations.observe({ method, route }, seconds)
      if (route === sessionPaths.login && method === 'POST') logins.inc({ result: problem ?? 'ok' })
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}
