// What clients and proxies meet while a server stops.
import { once } from 'node:events'
import { Agent } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { send } from '../support/requests.ts'
import { startServer } from '../support/server.ts'

/** A client, or a proxy, that keeps one connection. */
const oneConnection = () => new Agent({ keepAlive: true, maxSockets: 1 })

const refused = (error: unknown) => error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED'

describe('a server that stops', () => {
  it('takes requests for the grace, and says in /readyz that it is stopping', async () => {
    const server = await startServer('sqlite', { environment: { SHUTDOWN_GRACE: '2s' } })
    const stopped = server.close()
    const agent = oneConnection()
    const ready = await send({ ...server, agent }, { path: '/readyz' })
    expect(ready.status).toBe(503)
    expect(ready.text).toContain('The server is stopping.')
    // A proxy that is told to close would come back by a new connection, until the moment in which there are none any more.
    const answer = await send({ ...server, agent }, { path: '/api/v1/server' })
    expect({ status: answer.status, connection: answer.headers.connection }).toEqual({
      status: 200,
      connection: 'keep-alive',
    })
    agent.destroy()
    await stopped
  })

  it('answers on connections that are open, and takes no new ones, once the grace is over', async () => {
    const server = await startServer('sqlite', { environment: { SHUTDOWN_GRACE: '2s' } })
    const idle = oneConnection()
    expect((await send({ ...server, agent: idle }, { path: '/healthz' })).status).toBe(200)
    const busy = oneConnection()
    const ask = (agent: Agent) =>
      send({ ...server, agent }, { method: 'POST', path: '/api/v1/prelogin', body: { email: 'a@b.example' } })

    const stopped = server.close()
    // Not one of them is lost on the way from taking connections to refusing them.
    let last: string | undefined
    try {
      for (;;) {
        const { status, headers } = await ask(busy)
        expect(status).toBe(200)
        last = headers.connection
      }
    } catch (error) {
      expect(refused(error), String(error)).toBe(true)
    }
    expect(last).toBe('close')

    const answer = await ask(idle)
    expect({ status: answer.status, connection: answer.headers.connection }).toEqual({
      status: 200,
      connection: 'close',
    })
    await stopped
  })

  // Within the time of the test: the stop would end by itself after nine seconds.
  it('does not wait for a connection on which nothing has come yet', { timeout: 7000 }, async () => {
    const server = await startServer('sqlite')
    const { hostname, port } = new URL(server.url)
    const unused = connect(Number(port), hostname)
    unused.on('error', () => {})
    const closed = once(unused, 'close')
    await once(unused, 'connect')
    expect((await send(server, { path: '/healthz' })).status).toBe(200)
    await server.close()
    await closed
  })

  it('closes idle connections at once where it has no grace', async () => {
    const server = await startServer('sqlite')
    const agent = oneConnection()
    await send({ ...server, agent }, { path: '/healthz' })
    await server.close()
    await expect(send({ ...server, agent }, { path: '/healthz' })).rejects.toThrow('ECONNREFUSED')
  })
})
