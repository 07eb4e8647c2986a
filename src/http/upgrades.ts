// Requests to upgrade, which are answered like all others; web-socket.ts, which takes them over, is loaded where it is used.
import { type IncomingMessage, type Server, ServerResponse } from 'node:http'

/** Requests of which Node has given the connection away. */
export const upgrading = new WeakSet<IncomingMessage>()

/** Whether a request asks for a WebSocket: the only upgrade there is here, all others may be ignored (RFC 9110, section 7.8). */
export const asksForWebSocket = ({ method, headers: { upgrade = '' } }: IncomingMessage): boolean =>
  method === 'GET' && upgrade.toLowerCase() === 'websocket'

/** Has requests to upgrade answered like all others. */
export function serveUpgrades(
  server: Server,
  answer: (req: IncomingMessage, res: ServerResponse) => void,
): void {
  server.on('upgrade', (req, _stream, head) => {
    const { socket } = req
    socket.on('error', () => socket.destroy())
    if (head.length > 0) socket.unshift(head)
    const res = new ServerResponse(req)
    res.shouldKeepAlive = false
    res.assignSocket(socket)
    res.once('finish', () => socket.destroySoon())
    if (asksForWebSocket(req)) upgrading.add(req)
    answer(req, res)
  })
}
