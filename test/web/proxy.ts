// A reverse proxy that takes a path prefix away, and writes down what browsers really send.
import { createServer, request } from 'node:http'
import { freePort } from '../support/free-port.ts'

export interface ReverseProxy {
  readonly url: string
  /** Request line and headers of every request so far. */
  readonly seen: string[]
  /** Begins to pass requests on to a server. */
  passTo(server: { url: string }): void
  close(): Promise<void>
}

export async function startProxy(prefix: string): Promise<ReverseProxy> {
  const port = await freePort()
  const seen: string[] = []
  let target = ''
  const proxy = createServer((incoming, outgoing) => {
    const { method, url = '', headers } = incoming
    seen.push(`${method} ${url} ${JSON.stringify(headers)}`)
    if (!url.startsWith(`${prefix}/`)) return void outgoing.writeHead(404).end()
    const passed = request(
      `${target}${url.slice(prefix.length)}`,
      { method: method ?? 'GET', headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(outgoing)
      },
    )
    passed.on('error', () => outgoing.destroy())
    incoming.pipe(passed)
  })
  await new Promise<void>((resolve) => proxy.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${port}${prefix}`,
    seen,
    passTo(server) {
      target = server.url
    },
    close: () =>
      new Promise((resolve) => {
        proxy.close(() => resolve())
        proxy.closeAllConnections()
      }),
  }
}
