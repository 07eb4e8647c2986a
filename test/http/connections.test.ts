// Connections that strangers open and hold: how many there can be, and for how long one that reads nothing is kept.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { engines } from '../support/database.ts'
import { send } from '../support/requests.ts'
import { startServer } from '../support/server.ts'

async function open({ url }: { url: string }): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** Asks on a connection and waits for the answer, so that the server has it. */
async function ask(socket: Socket): Promise<string> {
  socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
  const [answer] = await once(socket, 'data')
  return String(answer)
}

describe.each(engines)('connections on %s', (engine) => {
  it('are bounded: one more is closed, the others go on, and the log says so once', async () => {
    const server = await startServer(engine, { environment: { MAX_CONNECTIONS: '10' } })
    try {
      const held: Socket[] = []
      for (let count = 0; count < 10; count++) held.push(await open(server))
      for (const socket of held) expect(await ask(socket)).toMatch(/^HTTP\/1\.1 200 /)
      for (let count = 0; count < 3; count++)
        await expect(send(server, { path: '/healthz' })).rejects.toThrow(/hang up|ECONNRESET|EPIPE/)
      const [first] = held
      if (first) expect(await ask(first)).toMatch(/^HTTP\/1\.1 200 /)
      first?.destroy()
      await expect
        .poll(() => send(server, { path: '/healthz' }).then(({ status }) => status, String))
        .toBe(200)
      expect(server.log().match(/MAX_CONNECTIONS/g)).toHaveLength(1)
      for (const socket of held) socket.destroy()
    } finally {
      await server.close()
    }
  })

  it.each([
    ['an answer', '/api/v1/openapi.json'],
    ['a page', '/docs'],
  ])('of those who read nothing of %s are closed, whatever they send', async (_name, path) => {
    const server = await startServer(engine, { patience: { unreadMs: 300 } })
    try {
      const socket = await open(server)
      socket.pause()
      // More than the buffers of the system hold.
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(500))
      await expect
        .poll(
          () => {
            // Fails once the other side has closed, and is not read by it before: too many answers wait there.
            socket.write('x')
            return socket.destroyed
          },
          { timeout: 10_000 },
        )
        .toBe(true)
    } finally {
      await server.close()
    }
  })
})
