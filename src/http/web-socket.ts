// A WebSocket as an answer (RFC 6455). A request to upgrade takes the way of every other request: routes, callers, limits, the log. A
// route that answers with a WebSocket takes the connection over; everything else is answered as usual, and the connection ends.
import type { IncomingMessage } from 'node:http'
import type { Request, Response } from 'express'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { z } from 'zod'
import { seconds } from '../clock.ts'
import { Failure } from '../domain/failure.ts'
import { Content, type Sending } from './content.ts'
import { beginWaiting, requestIdOf } from './request-log.ts'
import { upgrading } from './upgrades.ts'

/** What a feed may do with its socket. */
export interface SocketSink {
  /** Sends one binary message, or nothing if the socket is over. */
  send(message: Uint8Array): void
  /** Closes the socket, after what was sent. @param status of RFC 6455, section 7.4.1 */
  end(status: 1000 | 1001 | 1002 | 1008): void
}

/** Who speaks at this side of a socket. */
export interface SocketFeed {
  /** Begins; not called if there is nobody to speak to. */
  start(sink: SocketSink): void
  /** Told of each message, text or binary. */
  received(message: Buffer): void
  /** From time to time, in which to show that this side lives. */
  beat(): void
  /** Called once when the socket is over, whichever side ended it, also if it never began. */
  stop(): void
}

/** What clients may send: a few bytes from time to time. */
const [maxMessageBytes, maxMessagesPerBeat] = [4096, 100]

/** What waits for one client when there is more to send. One that reads more slowly than this is dropped. */
const maxWaitingBytes = 16 * 1024

/** How long a client has to close its side. */
const closingMs = seconds(2)

const noHead = Buffer.alloc(0)

const webSockets = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  maxPayload: maxMessageBytes,
  // Its contexts take memory for each socket, and what is sent is small.
  perMessageDeflate: false,
})
webSockets.on('headers', (headers, req) => {
  const requestId = requestIds.get(req)
  if (requestId !== undefined) headers.push(`X-Request-Id: ${requestId}`)
})
/** What is wrong with a handshake is told in the form of the API. */
webSockets.on('wsClientError', () => {})

const requestIds = new WeakMap<IncomingMessage, string>()

const bytesOf = (data: RawData): Buffer =>
  Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)

export class WebSocketAnswer extends Content {
  readonly #feed: SocketFeed

  constructor(feed: SocketFeed) {
    super()
    this.#feed = feed
  }

  override discard(): void {
    this.#feed.stop()
  }

  /** Throws `malformed-request` if the request is no complete handshake. */
  override send(req: Request, res: Response, _status: number, sending: Sending): void {
    let hasBegun = false
    if (upgrading.has(req) && !res.closed) {
      requestIds.set(req, requestIdOf(res))
      webSockets.handleUpgrade(req, req.socket, noHead, (socket) => {
        hasBegun = true
        // Sent already: for the log.
        res.writeHead(101)
        beginWaiting(res)
        this.#speak(socket, sending)
      })
    }
    if (hasBegun) return
    this.discard()
    if (res.closed) return
    throw new Failure('malformed-request', 'This address is for WebSockets alone.', {
      errors: [{ path: 'headers', message: 'Expected a handshake of RFC 6455, section 4.2.1' }],
    })
  }

  #speak(socket: WebSocket, { socketHeartbeat, ending }: Sending): void {
    const feed = this.#feed
    let terminating: NodeJS.Timeout | undefined
    /** Since the last beat; with none for two of them nobody is there any more. */
    let [received, silentBeats] = [0, 0]
    const end = (status: number) => {
      if (terminating) return
      socket.close(status)
      terminating = setTimeout(() => socket.terminate(), closingMs)
    }
    const stopping = () => end(1001)
    const stopBeating = socketHeartbeat(() => {
      silentBeats = received === 0 ? silentBeats + 1 : 0
      received = 0
      if (silentBeats > 1) return socket.terminate()
      // Some clients send nothing by themselves, but all answer this.
      socket.ping()
      feed.beat()
    })
    ending.addEventListener('abort', stopping, { once: true })
    socket.on('pong', () => received++)
    socket.on('message', (data) => {
      received++
      if (received > maxMessagesPerBeat) end(1008)
      else if (!terminating) feed.received(bytesOf(data))
    })
    // A broken frame: the socket closes by itself.
    socket.on('error', () => {})
    socket.once('close', () => {
      stopBeating()
      clearTimeout(terminating)
      ending.removeEventListener('abort', stopping)
      feed.stop()
    })
    feed.start({
      send(message) {
        if (terminating || socket.readyState !== socket.OPEN) return
        if (socket.bufferedAmount > maxWaitingBytes) socket.terminate()
        else socket.send(message)
      },
      end,
    })
    if (ending.aborted) stopping()
  }
}

/** The schema of an answer that is one. */
export const webSocket = z.instanceof(WebSocketAnswer)
