// What becomes of a body that is not read to its end: the answer gets to the client, and the connection ends soon after.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { seconds } from '../clock.ts'

/** How much of a refused body is thrown away, and for how long, before the connection is closed. */
const thrownAwayBytes = 16 * 1024 * 1024
const lingerMs = seconds(3)

/** Whether a request announces a body that is not empty (RFC 9112, section 6.3). */
export const announcesBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

/**
 * Closing a connection while bytes of a body arrive resets it, and a client that is still sending may lose the answer with that.
 * So the answer is sent, this side says that it will send no more, and what arrives is thrown away until the client closes: within
 * bounds of bytes and time. After the bytes nothing is read any more, which lets a client that can read meanwhile do so.
 */
function linger(req: IncomingMessage): void {
  const { socket } = req
  let thrownAway = 0
  const end = () => {
    clearTimeout(patience)
    socket.destroy()
  }
  const patience = setTimeout(end, lingerMs)
  socket.once('close', () => clearTimeout(patience))
  req.once('end', end).once('error', end)
  req.on('data', (chunk: Buffer) => {
    thrownAway += chunk.length
    if (thrownAway > thrownAwayBytes) req.pause()
  })
  socket.end()
  req.resume()
}

/** The request with a body that each connection had last. */
const lastOn = new WeakMap<Socket, IncomingMessage>()

/** Has a connection linger before it ends, if the body of its last request was not read. */
function lingerOn(socket: Socket): void {
  // What Node calls to end a connection once the last answer on it is out.
  const destroySoon = socket.destroySoon.bind(socket)
  socket.destroySoon = () => {
    const req = lastOn.get(socket)
    if (!req || req.complete || socket.destroyed) destroySoon()
    else linger(req)
  }
}

/** Answers to requests with a body that was not read yet, which would otherwise leave their connection open. */
const closing = new WeakSet<ServerResponse>()

/** Prepares a request with a body for being answered without it, with `Connection: close`. */
export function closeUnlessRead(req: IncomingMessage, res: ServerResponse): void {
  if (!lastOn.has(req.socket)) lingerOn(req.socket)
  lastOn.set(req.socket, req)
  if (res.shouldKeepAlive) closing.add(res)
  res.shouldKeepAlive = false
}

/** Takes that back: the whole body was read. */
export function keepOpen(res: ServerResponse): void {
  if (closing.delete(res)) res.shouldKeepAlive = true
}
