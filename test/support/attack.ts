// The worst that strangers and one account can send: all of it at the same time, again and again.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { limits } from '../../src/contract/primitives.ts'
import { fakeEnvelope, logInBody, newAccount, randomKey } from './accounts.ts'
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

/** Sends a body without end, in chunks, until the server takes no more. */
async function sendWithoutEnd({ url }: Server): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  const answer = once(socket, 'data').then(
    ([chunk]) => String(chunk).slice(9, 12),
    () => 'nothing',
  )
  const head = ['POST /api/v1/login HTTP/1.1', 'Host: x', 'Content-Type: application/json']
  socket.write(`${head.join('\r\n')}\r\nTransfer-Encoding: chunked\r\n\r\n`)
  const chunk = `100000\r\n${' '.repeat(1_048_576)}\r\n`
  for (let sent = 0; sent < 300 && !socket.destroyed; sent += 1)
    if (!socket.write(chunk))
      await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => {})
  socket.destroy()
  return answer
}

/** Asks for the largest page there is and reads nothing of it for a while. */
async function neverRead({ url }: Server, path: string, token: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  socket.pause()
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  await new Promise((resolve) => setTimeout(resolve, 5000))
  socket.destroy()
  return 'unread'
}

/**
 * Attacks a server for some time.
 * @returns how often each kind of request was answered in which way
 */
export async function attack(server: Server, ms: number): Promise<Record<string, Record<string, number>>> {
  const account = await newAccount(server)
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
    ['vaults', 4, request({ path: '/api/v1/vaults', token })],
    ['changes', 4, request({ path: `${vault}/changes`, token })],
    ['items', 4, request({ path: `${vault}/items`, token })],
    ['pages that nobody reads', 40, () => neverRead(server, `${vault}/changes`, token)],
    ['contract', 4, request({ path: '/api/v1/openapi.json' })],
    ['documentation', 4, request({ path: '/docs' })],
    ['long paths', 4, request({ path: `/s/${'a/'.repeat(7000)}` })],
    ['prelogins', 4, post('prelogin', { email: 'ada@example.com' })],
    ['logins', 4, post('login', logInBody({ email: 'ada@example.com', authKey: randomKey() }))],
    ['bodies without end', 3, () => sendWithoutEnd(server)],
  ]
  const end = performance.now() + ms
  const outcomes: Record<string, Record<string, number>> = {}
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
