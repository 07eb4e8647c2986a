// The process that keeps an account key in memory, so that the commands of a login session ask for no password. It is never on disk.
import { z } from 'zod'
import type { Clock } from '../../clock.ts'
import { decodeBase64url, encodeBase64url } from '../../protocol/base64url.ts'
import { listenAt, readLines } from './private-socket.ts'

/** What such a process is started with. */
export const Held = z.object({
  /** The path of its socket. */
  socket: z.string(),
  accountId: z.string(),
  /** In base64url. */
  accountKey: z.string(),
  accountKeyVersion: z.int().min(1),
  /** Milliseconds without a command after which it ends. */
  idle: z.int().min(1),
})
export type Held = z.infer<typeof Held>

/** What it is asked. A question that it does not know ends the connection. */
export type Question = 'key' | 'look' | 'end'

/** Its answer to `key`, with which the time begins anew, and to `look`. */
export const HeldKey = Held.omit({ socket: true })

/** How often it looks whether its time is over, or its socket gone, in milliseconds. */
const lookEvery = 5000

export interface Holder {
  /** Once it has forgotten the key. */
  readonly ended: Promise<void>
}

/**
 * Holds the key until it was idle for too long, was told to end, or cannot be reached any more: then the login session is over, or
 * a later process has taken its place.
 */
export async function holdKey({ socket: path, ...held }: Held, clock: Clock): Promise<Holder> {
  const key = Buffer.from(decodeBase64url(held.accountKey))
  const { idle, accountId, accountKeyVersion } = held
  let last = { now: clock.now(), monotonic: clock.monotonic() }
  let isEnding = false
  let finish = () => {}
  const ended = new Promise<void>((resolve) => {
    finish = resolve
  })
  // A machine that slept may not have counted that time, and a wall clock may have been set back: either is enough.
  const isOver = () => isEnding || clock.monotonic() - last.monotonic > idle || clock.now() - last.now > idle

  const listening = await listenAt(path, (socket) => {
    readLines(socket, (question) => {
      const isAsked = question === 'key' || question === 'look'
      if (isAsked && !isOver()) {
        if (question === 'key') last = { now: clock.now(), monotonic: clock.monotonic() }
        const answer = { accountId, accountKey: encodeBase64url(key), accountKeyVersion, idle }
        socket.end(`${JSON.stringify(answer)}\n`)
      } else if (isAsked || question === 'end') {
        // Answered once its place is free: the one that asks may be about to start the next process.
        void end().then(() => socket.end('{}\n'))
      } else socket.destroy()
    })
  })
  const looking = setInterval(() => {
    void (async () => {
      if (isOver() || !(await listening.isReachable())) await end()
    })()
  }, lookEvery)

  let hidden: Promise<void> | undefined
  function end(): Promise<void> {
    if (!hidden) {
      isEnding = true
      key.fill(0)
      clearInterval(looking)
      hidden = listening.hide()
      void hidden.then(() => setImmediate(() => void listening.close().then(finish)))
    }
    return hidden
  }
  return { ended }
}
