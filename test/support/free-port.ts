// Ports for servers that are started a moment after their port is chosen.
import { createServer } from 'node:net'

// Below the ports that the kernel gives to outgoing connections and to `listen(0)` (Linux: 32768 and up):
// one of those could be taken by a stranger between this question and the server's own listen().
const [lowest, count] = [12_000, 20_000]

/** Processes begin at different places; within one, no port is given twice in a row. */
let next = (process.pid * 97) % count

const isFree = (port: number) =>
  new Promise<boolean>((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })

/** @returns a port of 127.0.0.1 that nothing listens on */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < count; tried++) {
    const port = lowest + (next++ % count)
    if (await isFree(port)) return port
  }
  throw new Error(`No port from ${lowest} to ${lowest + count - 1} is free`)
}
