// APIs on a port, without a server of Limpet around them.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { problemCatalogue } from '../../src/contract/problems.ts'
import type { Api, ErrorForm } from '../../src/http/api.ts'
import { exchangeClasses } from '../../src/http/exchange-classes.ts'
import type { AnsweredRequest } from '../../src/http/request-log.ts'
import { createRouter, type RouterOptions } from '../../src/http/router.ts'

/** A form that no API of the server has: the code, and nothing else. */
export const plainForm: ErrorForm = ({ code }) => ({
  status: problemCatalogue[code].status,
  headers: { 'Content-Type': 'text/plain; charset=utf-8' },
  body: code,
})

/**
 * Serves APIs on a port of their own until `close`.
 * @param options.ofNode whether requests and answers are Node's own at first, as those to upgrade are
 */
export async function serveApis(
  apis: readonly Api[],
  {
    ofNode = false,
    ...options
  }: Partial<Pick<RouterOptions, 'bodyMs' | 'heartbeatMs' | 'errorForm'>> & { ofNode?: boolean } = {},
) {
  const lines: string[] = []
  const observed: AnsweredRequest[] = []
  const ending = new AbortController()
  const app = createRouter(apis, {
    errorForm: plainForm,
    addresses: { keyOf: (address) => address, withoutPort: (address) => address },
    trustProxy: [],
    logger: pino(
      { base: null },
      new Writable({
        write(chunk, _encoding, done) {
          lines.push(String(chunk))
          done()
        },
      }),
    ),
    observe: (request) => void observed.push(request),
    ending: ending.signal,
    ...options,
  })
  const server = createServer(ofNode ? {} : exchangeClasses(app), app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('Not listening on a TCP port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    log: () => lines.join(''),
    observed,
    /** As a server does that is about to close its connections. */
    end: () => ending.abort(),
    async close() {
      ending.abort()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
