// The worst that strangers and one account can send: all of it at the same time, again and again.

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { connect as connectByTls } from 'node:tls'
import { Worker } from 'node:worker_threads'
import { z } from 'zod'
import { limits } from '../../src/contract/sizes.ts'
import { fakeEnvelope, logInBody, randomKey } from './accounts.ts'
import { outcomeOf, type RawRequest, type Server, send } from './requests.ts'

/** Node takes this much for its heap in a container of 512 MB. */
export const heapOfContainer = '--max-old-space-size=259'

/** As many as go into a body of a batch with as much data as an item can have. */
const itemsInBody = Math.floor(limits.batchBodyBytes / (limits.sealedBytes * 1.4))

const batchOf = (items: number) =>
  JSON.stringify({
    operations: Array.from({ length: items }, () => ({
      op: 'put',
      id: randomUUID(),
      data: fakeEnvelope(limits.sealedBytes),
      revision: null,
    })),
  })

/** A connection on which anything can be sent. @param ca whom to trust, for https */
async function open({ url }: Server, ca?: string): Promise<Socket> {
  const { hostname, port, protocol } = new URL(url)
  const isTls = protocol === 'https:'
  const socket = isTls
    ? connectByTls({ host: hostname, port: Number(port || 443), ca })
    : connect(Number(port || 80), hostname)
  socket.on('error', () => {})
  await once(socket, isTls ? 'secureConnect' : 'connect')
  return socket
}

/** Sends a body without end, in chunks, until the server takes no more. */
async function sendWithoutEnd(socket: Socket): Promise<string> {
  const answer = once(socket, 'data').then(
    ([chunk]) => String(chunk).slice(9, 12),
    () => 'nothing',
  )
  const head = ['POST /api/v1/login HTTP/1.1', 'Host: x', 'Content-Type: application/json']
  socket.write(`${head.join('\r\n')}\r\nTransfer-Encoding: chunked\r\n\r\n`)
  const chunk = `100000\r\n${' '.repeat(1_048_576)}\r\n`
  for (let sent = 0; sent < 300 && !socket.destroyed; sent += 1)
    if (!socket.write(chunk)) {
      const waiting = new AbortController()
      const events = ['drain', 'close'].map((event) => once(socket, event, waiting))
      await Promise.race(events).catch(() => {})
      waiting.abort()
    }
  socket.destroy()
  return answer
}

/** Asks for the largest page there is and reads nothing of it for a while. */
async function neverRead(socket: Socket, path: string, token: string): Promise<string> {
  socket.pause()
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  await pause(5000)
  socket.destroy()
  return 'unread'
}

/** Sends the beginning of a body, and then nothing for a while. */
async function neverEnd(socket: Socket): Promise<string> {
  const head = ['POST /api/v1/login HTTP/1.1', 'Host: x', 'Content-Type: application/json']
  socket.write(`${head.join('\r\n')}\r\nContent-Length: 9\r\n\r\n{`)
  await pause(5000)
  socket.destroy()
  return 'unfinished'
}

/** How often each kind of request was answered in which way. */
const Outcomes = z.record(z.string(), z.record(z.string(), z.number()))

export type Outcomes = z.infer<typeof Outcomes>

interface Attacker {
  /** An account whose owner is one of the attackers. */
  readonly account: { readonly token: string; readonly vaultId: string }
  readonly ms: number
  /** Whom to trust, where the server speaks TLS with a certificate of its own. */
  readonly ca?: string | undefined
}

/** Attacks a server for some time. */
export async function attack(server: Server, { account, ms, ca }: Attacker): Promise<Outcomes> {
  const { token, vaultId } = account
  const vault = `/api/v1/vaults/${vaultId}`
  const batch = { method: 'POST', path: `${vault}/batch`, token }
  const large = batchOf(itemsInBody)
  await send(server, { ...batch, raw: large })
  const brackets = '['.repeat(4_000_000) + ']'.repeat(4_000_000)
  const members = `{${Array.from({ length: 600_000 }, (_, index) => `"${index}":0`)}}`
  const request = (sent: RawRequest) => async () => outcomeOf(await send(server, sent))
  const post = (path: string, body: object) => request({ method: 'POST', path: `/api/v1/${path}`, body })

  /** What is sent, and by how many at the same time. */
  const kinds: [string, number, () => Promise<string>][] = [
    ['nested brackets', 3, request({ ...batch, raw: brackets })],
    ['many members', 3, request({ ...batch, raw: members })],
    [
      'large batches',
      4,
      async () =>
        outcomeOf(
          await send(server, {
            ...batch,
            raw: large.replaceAll(/"id":"[^"]+"/g, () => `"id":"${randomUUID()}"`),
          }),
        ),
    ],
    ['large batches of strangers', 20, request({ method: 'POST', path: batch.path, raw: large })],
    ['vaults', 4, request({ path: '/api/v1/vaults', token })],
    ['changes', 4, request({ path: `${vault}/changes`, token })],
    ['items', 4, request({ path: `${vault}/items`, token })],
    ['pages that nobody reads', 40, async () => neverRead(await open(server, ca), `${vault}/changes`, token)],
    ['contract', 4, request({ path: '/api/v1/openapi.json' })],
    ['documentation', 4, request({ path: '/docs' })],
    ['long paths', 4, request({ path: `/s/${'a/'.repeat(7000)}` })],
    ['prelogins', 4, post('prelogin', { email: 'ada@example.com' })],
    ['logins', 4, post('login', logInBody({ email: 'ada@example.com', authKey: randomKey() }))],
    ['bodies without end', 3, async () => sendWithoutEnd(await open(server, ca))],
    ['bodies that stop', 40, async () => neverEnd(await open(server, ca))],
  ]
  const end = performance.now() + ms
  const outcomes: Outcomes = {}
  await Promise.all(
    kinds.flatMap(([name, atOnce, once]) => {
      const counts: Record<string, number> = {}
      outcomes[name] = counts
      return Array.from({ length: atOnce }, async () => {
        while (performance.now() < end) {
          const outcome = await once().catch(() => 'nothing')
          counts[outcome] = (counts[outcome] ?? 0) + 1
        }
      })
    }),
  )
  return outcomes
}

export interface Measured {
  readonly outcomes: Outcomes
  /** What each `GET /healthz` meanwhile took, in milliseconds, from the shortest to the longest. */
  readonly healthMs: readonly number[]
}

/** The number that a share of the others lies below. @param sorted not empty */
export const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

/** Attacks a server from another thread, and measures meanwhile how soon it says that it lives. */
export async function measureAttack(server: Server, attacker: Attacker): Promise<Measured> {
  const { token, vaultId } = attacker.account
  const workerData = { ...attacker, url: server.url, account: { token, vaultId } }
  const worker = new Worker(new URL('./attack-worker.ts', import.meta.url), { workerData })
  let outcomes: Outcomes | undefined
  worker.once('message', (message) => {
    outcomes = Outcomes.parse(message)
  })
  const ended = once(worker, 'exit')
  let isOver = false
  void ended.finally(() => {
    isOver = true
  })
  const times: number[] = []
  while (!isOver) {
    const began = performance.now()
    const answer = await send(server, { path: '/healthz' }).catch(() => undefined)
    // No answer counts as the longest of all.
    times.push(answer?.status === 200 ? performance.now() - began : Number.POSITIVE_INFINITY)
    await pause(50)
  }
  if (!outcomes) throw new Error('The attack ended without a result')
  return { outcomes, healthMs: times.toSorted((one, other) => one - other) }
}
