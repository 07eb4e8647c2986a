// A socket of the local machine that answers one line for each line, and that only its own user can reach.
import { randomBytes } from 'node:crypto'
import { chmod, lstat, rename, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** Bytes of the longest line that is read from a connection. */
const longestLine = 64 * 1024
/** Milliseconds without a word after which a connection is closed. */
const silence = 5000

/** Calls `take` with each line, and ends the connection at one that is too long. */
export function readLines(socket: Socket, take: (line: string) => void) {
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    const lines = text.split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) take(line)
    if (text.length > longestLine) socket.destroy()
  })
  socket.on('error', () => socket.destroy())
  socket.setTimeout(silence, () => socket.destroy())
}

/** A socket at which a process listens. */
export interface Listening {
  /** Whether the path still leads here, and not to nothing or to the socket of a later process. */
  isReachable(): Promise<boolean>
  /** Lets nobody else find it. */
  hide(): Promise<void>
  /** Ends every connection. */
  close(): Promise<void>
}

const inodeOf = async (path: string) => (await lstat(path).catch(() => undefined))?.ino

/**
 * Listens at a path. What is there already is replaced in one step: a process that listened there before finds out by
 * `isReachable`, and what a killed one left is replaced.
 */
export async function listenAt(path: string, serve: (socket: Socket) => void): Promise<Listening> {
  const open = new Set<Socket>()
  const server: Server = createServer((socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    serve(socket)
  })
  server.maxConnections = 64
  const draft = `${path}.${randomBytes(4).toString('hex')}`
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(draft, resolve)
  })
  await chmod(draft, 0o600)
  const own = await inodeOf(draft)
  await rename(draft, path)
  const isReachable = async () => (await inodeOf(path)) === own
  return {
    isReachable,
    async hide() {
      if (await isReachable()) await rm(path, { force: true })
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of open) socket.end()
      await closed
    },
  }
}

/** Asks one line. @returns the line of the answer; undefined if nobody listens or answers */
export const askAt = (path: string, line: string): Promise<string | undefined> =>
  new Promise((resolve) => {
    const socket = connect(path, () => socket.write(`${line}\n`))
    readLines(socket, (answer) => {
      resolve(answer)
      socket.destroy()
    })
    socket.on('close', () => resolve(undefined))
  })
