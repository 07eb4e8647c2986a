// The HTTP server under the APIs: its time limits, broken requests, and how it stops taking connections.
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { problemsOf } from '../apis/limpet/problems.ts'
import { seconds } from '../clock.ts'
import { Failure } from '../domain/failure.ts'
import { sendFailure } from '../http/api.ts'
import { defaultBody } from '../http/body.ts'
import type { ExchangeClasses } from '../http/exchange-classes.ts'
import { requestIdOf } from '../http/request-log.ts'
import { asksForWebSocket, serveUpgrades } from '../http/upgrades.ts'
import type { Config } from './config.ts'

export interface ListeningServer {
  readonly server: Server
  /** Closes the connections that nobody uses at this moment. */
  closeIdle(): void
  /** Closes every connection, also those that speak another protocol by now. */
  closeAll(): void
}

/** What runs when the server is told to stop has this long to finish. */
const drainMs = seconds(10)

/** How long clients may take, in milliseconds. */
export interface Patience {
  readonly headersMs: number
  readonly bodyMs: number
  /** How long an answer waits for a client that takes nothing of it, and a connection for anything at all to come. */
  readonly unreadMs: number
}

export const usualPatience: Patience = {
  headersMs: seconds(20),
  bodyMs: defaultBody.ms,
  unreadMs: seconds(30),
}

/** What is said of bytes that Node could not read as a request. */
const brokenRequest = (code: string | undefined) =>
  code === 'ERR_HTTP_REQUEST_TIMEOUT'
    ? new Failure('request-timeout', 'The headers did not arrive in time.')
    : new Failure('malformed-request', 'This is not a complete HTTP/1.1 request of a common size.', {
        errors: [
          { path: 'request', message: 'Expected a request line, headers of a few KiB, and the whole body' },
        ],
      })

/** Answers what is not even HTTP, in the same form as every other problem. */
function answerBrokenRequest(error: Error & { code?: string }, socket: Duplex, publicUrl: string) {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const requestId = randomUUID()
  const { status, headers, body } = problemsOf(publicUrl)(brokenRequest(error.code), { requestId })
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    'Cache-Control: no-store',
    `X-Request-Id: ${requestId}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

/** Whether a client closed its connection before its body was complete. */
const hasGone = ({ code }: { code?: string }) => code === 'ECONNRESET' || code === 'HPE_INVALID_EOF_STATE'

/**
 * Closes connections whose client has taken nothing for `unreadMs` of what waits for it. The timeout of a socket does not see them:
 * it begins anew with everything that the client sends, and with each heartbeat of a stream of events.
 * @returns what closes connections: those on which nothing has come yet, because clients open some in advance, and Node takes them for
 *   busy; and all, because Node forgets those whose protocol has changed
 */
function closeUnread(server: Server, unreadMs: number): { closeUnused(): void; closeAll(): void } {
  /** How much each client had taken when it was looked at last; undefined if nothing waited. */
  const taken = new Map<Socket, number | undefined>()
  server.on('connection', (socket: Socket) => {
    taken.set(socket, undefined)
    socket.once('close', () => taken.delete(socket))
  })
  const look = setInterval(() => {
    for (const [socket, before] of taken) {
      const now = socket.writableLength > 0 ? socket.bytesWritten - socket.writableLength : undefined
      if (now !== undefined && now === before) socket.destroy()
      else taken.set(socket, now)
    }
    // It must not hold up the end of a process whose port is taken.
  }, unreadMs).unref()
  server.once('close', () => clearInterval(look))
  return {
    closeUnused() {
      for (const socket of taken.keys()) if (socket.bytesRead === 0) socket.destroy()
    },
    closeAll() {
      for (const socket of taken.keys()) socket.destroy()
    },
  }
}

/** Node's server around an application. */
export function createHttpServer(
  answer: (req: IncomingMessage, res: ServerResponse) => void,
  classes: ExchangeClasses,
  publicUrl: string,
  { headersMs, unreadMs }: Patience,
  maxConnections: number,
): ListeningServer {
  /** What is being answered on each connection, for what goes wrong in the middle of its body. */
  const answering = new WeakMap<Duplex, ServerResponse>()
  const onRequest = (req: IncomingMessage, res: ServerResponse) => {
    answering.set(req.socket, res)
    answer(req, res)
  }
  const server = createServer({
    ...classes,
    // No answer depends on the Host header, and Node's own refusal of a request without one would have no body.
    requireHostHeader: false,
    headersTimeout: headersMs,
    // Bodies have a time of their own, which is longer for large ones, and are refused like everything else after it.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(seconds(5), headersMs),
    // Longer than the idle time of proxies in front, so that it is never this side that closes under a request.
    keepAliveTimeout: seconds(75),
    // All others are answered as if they did not ask for it.
    shouldUpgradeCallback: asksForWebSocket,
  })
  server.maxConnections = maxConnections
  // Nothing has moved on the connection. Where no answer has begun, that is up to this side or to `bodyMs`; what is written later
  // starts the time anew.
  server.setTimeout(unreadMs, (socket) => {
    const res = answering.get(socket)
    if (!res || res.headersSent) socket.destroy()
  })
  const { closeUnused, closeAll } = closeUnread(server, unreadMs)
  server.on('request', onRequest)
  serveUpgrades(server, onRequest)
  // Node would ask for the body at once; `readBytes` does when it is wanted. Other expectations may be ignored (RFC 9110, 10.1.1).
  server.on('checkContinue', onRequest)
  server.on('checkExpectation', onRequest)
  server.on('clientError', (error: Error & { code?: string }, socket) => {
    const res = answering.get(socket)
    if (!res || res.writableFinished) return answerBrokenRequest(error, socket, publicUrl)
    // In the middle of a body: the answer, the log and the counts are those of the request.
    if (hasGone(error)) socket.destroy()
    else if (!res.headersSent) {
      const requestId = requestIdOf(res)
      sendFailure(res, problemsOf(publicUrl)(brokenRequest(error.code), { requestId }))
    }
  })
  return {
    server,
    closeIdle() {
      server.closeIdleConnections()
      closeUnused()
    },
    closeAll,
  }
}

/** Rejects if the port is taken. @returns where it listens */
export const listen = (server: Server, { host, port }: Pick<Config, 'host' | 'port'>) =>
  new Promise<AddressInfo>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error('Not listening on a TCP port'))
      else resolve(address)
    })
  })

/**
 * Stops accepting. Resolves when every connection is closed: each as soon as its answer is out, one that is idle after
 * `idleMs`, the last of them at the deadline.
 *
 * A proxy keeps connections open, and may send a request on one in the moment in which it is closed here. It cannot know then
 * whether a POST was done, and must fail it. So idle connections are left to the proxy to close, if it is quicker than `idleMs`.
 */
export const drain = ({ server, closeIdle, closeAll }: ListeningServer, idleMs: number) =>
  new Promise<void>((resolve) => {
    let sweep: NodeJS.Timeout | undefined
    const idle = setTimeout(() => {
      closeIdle()
      // A connection whose request began before is kept alive by its client after the answer.
      sweep = setInterval(closeIdle, 50)
    }, idleMs)
    const deadline = setTimeout(closeAll, idleMs + drainMs - seconds(1))
    const closed = () => {
      clearTimeout(idle)
      clearInterval(sweep)
      clearTimeout(deadline)
      resolve()
    }
    // Connections that the system has made and the server has not accepted yet are reset by closing. Right after the event loop has
    // looked for connections there are none. The close of an HTTP server would end idle connections at once.
    setImmediate(() => NetServer.prototype.close.call(server, closed))
  })
