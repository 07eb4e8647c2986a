// Files for tests, and connections that break.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { NewFile } from '../../src/sdk/index.ts'

/** Bytes that differ at every place that matters: no two chunks are alike. */
export function bytesOf(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at++) bytes[at] = (at * 31 + (at >> 8) * 7 + (at >> 16) * 13 + seed) & 0xff
  return bytes
}

export const fileNamed = (name: string, bytes: Uint8Array): NewFile => ({
  name,
  size: bytes.length,
  async *read(start) {
    for (let at = start; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000)
  },
})

/** A line to a server that can be cut. */
export interface Line {
  readonly url: string
  /** Cuts every connection once so many more bytes went this way. */
  cutAfter(direction: 'up' | 'down', bytes: number): void
  /** Lets nothing through any more once so many more bytes went up. @returns when it is so */
  stallAfter(bytes: number): Promise<void>
  /** How many bytes went up so far. */
  readonly sent: () => number
  /** How often it was cut. */
  readonly cuts: () => number
  close(): void
}

export async function lineTo(server: { url: string }): Promise<Line> {
  const { port: target } = new URL(server.url)
  const sockets = new Set<Socket>()
  const left = { up: Number.POSITIVE_INFINITY, down: Number.POSITIVE_INFINITY }
  let sent = 0
  let cuts = 0
  const cutAll = () => {
    cuts++
    left.up = left.down = Number.POSITIVE_INFINITY
    for (const socket of sockets) socket.destroy()
  }
  let stall: { left: number; stalled: () => void } | undefined
  const forward = (direction: 'up' | 'down', from: Socket, to: Socket) =>
    from.on('data', (chunk: Buffer) => {
      if (direction === 'up' && stall) {
        stall.left -= chunk.length
        if (stall.left <= 0) return stall.stalled()
      }
      if (direction === 'up') sent += chunk.length
      left[direction] -= chunk.length
      to.write(chunk)
      if (left[direction] <= 0) cutAll()
    })
  const listener = createServer((near) => {
    const far = connect(Number(target), '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
        if (stall && stall.left <= 0) stall = undefined
      })
    }
    forward('up', near, far)
    forward('down', far, near)
  })
  await once(listener.listen(0, '127.0.0.1'), 'listening')
  const address = listener.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    cutAfter(direction, bytes) {
      left[direction] = bytes
    },
    stallAfter: (bytes) =>
      new Promise((resolve) => {
        stall = { left: bytes, stalled: resolve }
      }),
    sent: () => sent,
    cuts: () => cuts,
    close() {
      listener.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
