// `npm run bench:timing`: whether strangers learn by a clock what answers do not tell them. For each question that anybody may ask,
// and each two kinds of addresses, the area under the ROC curve: 0.5 where times tell nothing, 1 where one request tells all.
import { randomBytes, randomUUID } from 'node:crypto'
import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { client as library, ready } from '@serenity-kit/opaque'
import { z } from 'zod'
import {
  bitwardenAccountPaths,
  bitwardenDevicePaths,
  bitwardenLoginPaths,
} from '../src/contract/bitwarden-paths.ts'
import { OpaqueLoginStarted } from '../src/contract/opaque.ts'
import { logInBody, randomKey, registration } from '../test/support/accounts.ts'
import { registerBitwardenUser } from '../test/support/bitwarden-client.ts'
import { startMailServer } from '../test/support/mail.ts'
import { opaqueRegistration, post } from '../test/support/opaque.ts'
import { outcomeOf } from '../test/support/requests.ts'
import { runStatement } from '../test/support/rows.ts'
import { median } from './figures.ts'
import { type BenchDatabase, engines, newSettings, startLimpet, withDatabases } from './servers.ts'

/** Addresses of each kind: more than one, so that nothing of a single one decides. */
const addressesEach = 10
/** Requests of each kind before those that count. */
const warmUp = 200

const states = [
  'unknown',
  'opaque',
  'authKey',
  'unverified',
  'unverified authKey',
  'disabled',
  'disabled authKey',
  'app',
  'disabled app',
] as const
/**
 * What an address is: of nobody, or of an account by its method (OPAQUE unless said) and state (confirmed unless said); `app` is
 * one of Bitwarden's apps.
 */
type Kind = (typeof states)[number]

/** @param path of the native API; or of another one, from its slash on */
type Ask = (
  path: string,
  body?: object | URLSearchParams,
  headers?: Readonly<Record<string, string>>,
) => Promise<{ ms: number; status: number; text: string }>

interface Probe {
  readonly kinds: readonly Kind[]
  readonly status: number
  /** Asks about an address. @returns what took how long, in milliseconds */
  ask(ask: Ask, email: string): Promise<{ ms: number; status: number }>
}

const random = (bytes: number) => randomBytes(bytes).toString('base64url')

await ready
const { startLoginRequest } = library.startLogin({ password: 'any' })
const begin = (ask: Ask, email: string) => ask('opaque/login', { email, request: startLoginRequest })

/** A mail is asked for, and what comes next is timed: how long is it held up by what goes on after the answer? */
const after =
  (path: string): Probe['ask'] =>
  async (ask, email) => {
    await ask(path, { email })
    return ask('server')
  }

const everybody: readonly Kind[] = ['unknown', 'opaque', 'authKey', 'unverified', 'disabled']
const ofApps: readonly Kind[] = ['unknown', 'opaque', 'app', 'disabled app']

const app = { identifier: randomUUID(), type: '25' }

/** What an app sends to log in. */
const appLogin = (email: string) =>
  new URLSearchParams({
    ...{ grant_type: 'password', scope: 'api offline_access', client_id: 'cli', username: email },
    ...{ deviceType: app.type, deviceIdentifier: app.identifier, deviceName: 'bench' },
    password: randomBytes(32).toString('base64'),
  })

const probes: Readonly<Record<string, Probe>> = {
  prelogin: { kinds: everybody, status: 200, ask: (ask, email) => ask('prelogin', { email }) },
  'opaque-start': { kinds: [...everybody, 'app'], status: 200, ask: begin },
  'opaque-finish': {
    kinds: ['unknown', 'opaque', 'authKey', 'unverified', 'disabled'],
    status: 401,
    async ask(ask, email) {
      const { handshake } = OpaqueLoginStarted.parse(JSON.parse((await begin(ask, email)).text))
      const { device } = logInBody({ email, authKey: '' })
      return ask('login', { email, device, opaque: { handshake, finish: random(64) } })
    },
  },
  'authkey-login': {
    kinds: ['unknown', 'opaque', 'authKey', 'unverified authKey', 'disabled authKey'],
    status: 401,
    ask: (ask, email) => ask('login', logInBody({ email, authKey: randomKey() })),
  },
  hint: { kinds: everybody, status: 202, ask: (ask, email) => ask('email/hint', { email }) },
  resend: { kinds: everybody, status: 202, ask: (ask, email) => ask('email/resend', { email }) },
  'after-hint': { kinds: everybody, status: 200, ask: after('email/hint') },
  'after-resend': { kinds: everybody, status: 200, ask: after('email/resend') },
  'app-prelogin': {
    kinds: ofApps,
    status: 200,
    ask: (ask, email) => ask(bitwardenLoginPaths.prelogin[0], { email }),
  },
  'app-register': {
    kinds: ofApps,
    status: 200,
    ask: (ask, email) => ask(bitwardenLoginPaths.sendVerification, { email, name: null }),
  },
  'app-login': {
    kinds: ofApps,
    status: 400,
    ask: (ask, email) => ask(bitwardenLoginPaths.token, appLogin(email)),
  },
  'app-hint': {
    kinds: ofApps,
    status: 200,
    ask: (ask, email) => ask(bitwardenLoginPaths.hint, { email }),
  },
  'app-deletion': {
    kinds: ofApps,
    status: 200,
    ask: (ask, email) => ask(bitwardenAccountPaths.deletionByMail, { email }),
  },
  'app-known-device': {
    kinds: ofApps,
    status: 200,
    ask: (ask, email) =>
      ask(bitwardenDevicePaths.known, undefined, {
        'X-Request-Email': Buffer.from(email).toString('base64url'),
        'X-Device-Identifier': app.identifier,
      }),
  },
}

const { values } = parseArgs({
  options: {
    engine: { type: 'string', multiple: true, default: [...engines] },
    probe: { type: 'string', multiple: true, default: Object.keys(probes) },
    samples: { type: 'string', default: '2000' },
    json: { type: 'boolean', default: false },
  },
})
const chosenEngines = z.array(z.enum(['SQLite', 'Postgres'])).parse(values.engine)
const samples = z.coerce.number().int().min(10).parse(values.samples)
const chosen = values.probe.map((name) => {
  const probe = probes[name]
  if (!probe) throw new Error(`There is no probe "${name}"; there are ${Object.keys(probes).join(', ')}`)
  return [name, probe] as const
})

/** One request at a time over one connection that stays, timed from its sending to the head of its answer. */
function connectionTo(url: string): { ask: Ask; close(): void } {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return {
    ask: (path, body, headers) =>
      new Promise((resolve, reject) => {
        const isForm = body instanceof URLSearchParams
        const content = body === undefined ? undefined : isForm ? body.toString() : JSON.stringify(body)
        let sent = 0
        const outgoing = request(
          path.startsWith('/') ? `${url}${path}` : `${url}/api/v1/${path}`,
          {
            agent,
            method: content === undefined ? 'GET' : 'POST',
            headers: {
              ...headers,
              ...(content !== undefined && {
                'Content-Type': isForm ? 'application/x-www-form-urlencoded' : 'application/json',
                'Content-Length': content.length,
              }),
            },
          },
          (incoming) => {
            const ms = performance.now() - sent
            text(incoming).then(
              (read) => resolve({ ms, status: incoming.statusCode ?? 0, text: read }),
              reject,
            )
          },
        )
        outgoing.on('error', reject)
        sent = performance.now()
        outgoing.end(content)
      }),
    close: () => agent.destroy(),
  }
}

/** The addresses of each kind, on a server. */
async function populate(server: { url: string }, database: { url: string }) {
  const addresses = new Map<Kind, string[]>()
  for (const kind of states) {
    const emails: string[] = []
    while (emails.length < addressesEach) {
      if (/app/.test(kind)) {
        emails.push((await registerBitwardenUser(server)).email)
        continue
      }
      const body = /authKey/.test(kind) ? registration() : await opaqueRegistration(server, 'correct horse')
      emails.push(body.email)
      if (kind === 'unknown') continue
      const answer = await post(server, 'register', { ...body, hint: 'a snail' })
      if (answer.status !== 201) throw new Error(`A registration was answered ${outcomeOf(answer)}`)
    }
    addresses.set(kind, emails)
    const listed = emails.map((email) => `'${email}'`).join(', ')
    const set = async (assignment: string) =>
      runStatement(
        { ...database, remove: async () => {} },
        `update accounts set ${assignment} where email in (${listed})`,
      )
    if (!/unverified/.test(kind)) await set('email_verified = true')
    if (/disabled/.test(kind)) await set('disabled_at = 1')
  }
  return addresses
}

/** In an order that nothing depends on (Fisher and Yates). */
function shuffled<T>(values: readonly T[]): T[] {
  const result: T[] = []
  for (const value of values) {
    const at = Math.floor(Math.random() * (result.length + 1))
    result.splice(at, 0, value)
  }
  return result
}

/**
 * The chance that of one time of each the first is the longer (Mann and Whitney's U): the area under the ROC curve of whoever
 * tells them apart by a threshold. Told as 0.5 and more, for it does not matter which is the longer.
 */
function areaUnderCurve(one: readonly number[], other: readonly number[]): number {
  const all = [...one.map((ms) => ({ ms, isOne: true })), ...other.map((ms) => ({ ms, isOne: false }))].sort(
    (a, b) => a.ms - b.ms,
  )
  let ranks = 0
  for (let from = 0; from < all.length; ) {
    let to = from
    while (to < all.length && all[to]?.ms === all[from]?.ms) to++
    // Equal times share the middle of their ranks.
    ranks += all.slice(from, to).filter(({ isOne }) => isOne).length * ((from + 1 + to) / 2)
    from = to
  }
  const area = (ranks - (one.length * (one.length + 1)) / 2) / (one.length * other.length)
  return Math.max(area, 1 - area)
}

interface Figure {
  readonly engine: string
  readonly probe: string
  readonly pair: readonly [Kind, Kind]
  readonly samplesEach: number
  readonly medianMs: readonly [number, number]
  readonly auc: number
}

async function measure(
  engine: string,
  [name, probe]: readonly [string, Probe],
  ask: Ask,
  addresses: Map<Kind, string[]>,
) {
  const times = new Map<Kind, number[]>(probe.kinds.map((kind) => [kind, []]))
  const rounds = warmUp + samples
  // The warm-up is shuffled by itself, so that every kind has its whole number of samples.
  const order = [warmUp, samples].flatMap((count) =>
    shuffled(probe.kinds.flatMap((kind) => Array<Kind>(count).fill(kind))),
  )
  for (const [index, kind] of order.entries()) {
    if (index % 2000 === 0)
      process.stderr.write(`\r${engine}, ${name}: ${index} of ${rounds * probe.kinds.length}   `)
    const email = addresses.get(kind)?.[Math.floor(Math.random() * addressesEach)] ?? ''
    const { ms, status } = await probe.ask(ask, email)
    if (status !== probe.status) throw new Error(`${name} of ${kind} was answered ${status}`)
    if (index >= warmUp * probe.kinds.length) times.get(kind)?.push(ms)
  }
  process.stderr.write('\n')
  const pairs = probe.kinds.flatMap((kind): [Kind, Kind][] => [
    ...(kind === 'unknown' ? [] : [[kind, 'unknown'] satisfies [Kind, Kind]]),
    ...(kind === 'authKey' ? [['opaque', kind] satisfies [Kind, Kind]] : []),
  ])
  return pairs.map(([one, other]): Figure => {
    const [a, b] = [times.get(one) ?? [], times.get(other) ?? []]
    return {
      engine,
      probe: name,
      pair: [one, other],
      samplesEach: a.length,
      medianMs: [median(a), median(b)],
      auc: areaUnderCurve(a, b),
    }
  })
}

async function measureOn(database: BenchDatabase) {
  const mail = await startMailServer()
  const server = await startLimpet({
    ...(await newSettings(database.url)),
    ...mail.settings,
    EMAIL_VERIFICATION: 'required',
    BITWARDEN_API: 'on',
  })
  const { ask, close } = connectionTo(server.url)
  try {
    const addresses = await populate(server, database)
    const figures: Figure[] = []
    for (const probe of chosen) figures.push(...(await measure(database.engine, probe, ask, addresses)))
    return figures
  } finally {
    close()
    await server.stop()
    await mail.close()
  }
}

const table = (figures: readonly Figure[]) =>
  [
    '| engine | question | addresses | samples each | median ms | area |',
    '| --- | --- | --- | ---: | ---: | ---: |',
    ...figures.map(
      ({ engine, probe, pair, samplesEach, medianMs, auc }) =>
        `| ${engine} | ${probe} | ${pair.join(' / ')} | ${samplesEach} | ${medianMs.map((ms) => ms.toFixed(3)).join(' / ')} | ${auc.toFixed(3)} |`,
    ),
  ].join('\n')

const figures: Figure[] = []
await withDatabases(chosenEngines, async ({ create }) => {
  for (const engine of chosenEngines) figures.push(...(await measureOn(await create(engine))))
})
console.log(values.json ? JSON.stringify(figures, undefined, 2) : table(figures))
