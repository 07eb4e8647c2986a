// Metrics over HTTP, on a port of their own, so that no proxy in front of the server ever shows them to strangers.
import { createServer } from 'node:http'
import { seconds } from '../clock.ts'
import type { Metrics } from './metrics.ts'

/** Answers `GET /metrics`, and 404 to everything else. @returns what stops it */
export async function serveMetrics(
  metrics: Metrics,
  { host, port }: { host: string; port: number },
): Promise<() => Promise<void>> {
  const server = createServer((req, res) => {
    const isAsked = req.url === '/metrics' && (req.method === 'GET' || req.method === 'HEAD')
    if (!isAsked)
      return void res.writeHead(404, { 'Content-Type': 'text/plain' }).end('There is /metrics here.\n')
    metrics.text().then(
      (text) => res.writeHead(200, { 'Content-Type': metrics.contentType }).end(text),
      () => res.writeHead(500).end(),
    )
  })
  server.requestTimeout = seconds(10)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}
