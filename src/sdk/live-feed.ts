// The connection over which a server tells what changes (docs/protocol.md, "Live"): opened, watched, and opened again. It brings
// hints only: what is true, the lists say that are asked for after it.
import type { z } from 'zod'
import { type EndReason, LiveEvents } from '../contract/live.ts'
import { livePaths, pathTo, vaultPaths } from '../contract/paths.ts'
import { Changes } from '../contract/vaults.ts'
import { NetworkError, ProblemError } from './errors.ts'
import { EventStreamReader, type StreamEvent } from './event-stream.ts'
import type { AnswerReader } from './request.ts'
import { Backoff, sleep, type Timing } from './timing.ts'
import type { Transport } from './transport.ts'

/** How long a stream may take until it has brought its first event. Behind that a proxy is taken to hold streams back. */
const openingMs = 10_000
/** An honest server sends something every 25 s. */
const silenceMs = 60_000
/** How often silence is looked for: soon after a machine has woken up its clock shows how long that was. */
const tickMs = 5000
/** What a stream may bring from one tick to the next. */
const mostOfTick = { bytes: 4 * 1024 * 1024, events: 20_000 } as const
/** A connection that lived as long was a good one. */
const goodMs = 60_000
const sessionEnded: EndReason = 'session-ended'
/** Within it clients come back to a server that stops, each at another moment. */
const stoppingMs = 10_000
/** The longest `Retry-After` that is waited for. */
const longestRetryAfter = 600

/** While streams do not come through: how long changes are asked for until a stream is tried again, and how. */
const polling = { forMs: 600_000, waitSeconds: 20, vaults: 4, quietMs: 15_000, busyMs: 1000 } as const

/** Where the feed leaves what it hears. */
export interface FeedListener {
  /** Vaults with their revisions. @param isWhole false if there are more of them */
  state(revisions: ReadonlyMap<string, number>, isWhole: boolean): void
  vault(id: string, revision: number): void
  vaultGone(id: string): void
  account(): void
  /** @param live false where changes are asked for, because no stream comes through */
  online(live: boolean): void
  offline(error: Error, retryInMs: number): void
  /** Asks for the list of vaults. @param claimed whether the server said that it changed */
  look(claimed: boolean): void
  /** Resolves once there is nothing more to look at, or the watch ends. */
  looked(): Promise<void>
  /** Up to where each replica has come. */
  cursors(): { vaultId: string; since: string }[]
}

/** Whether a later try may succeed. */
export const isPassing = (error: unknown): error is NetworkError | ProblemError =>
  error instanceof NetworkError ||
  (error instanceof ProblemError && (error.status === 429 || error.status >= 500))

/** How long to wait after an error: as long as the server asks for, and a random time on top. */
export function waitAfter(error: Error, backoff: Backoff): number {
  const asked = error instanceof ProblemError && error.retryAfter > 0 ? error.retryAfter : 0
  return Math.min(asked, longestRetryAfter) * 1000 + backoff.next()
}

/** Aborts `target` with `source`. @returns what unties the two */
export function abortWith(source: AbortSignal | undefined, target: AbortController): () => void {
  const abort = () => target.abort()
  if (source?.aborted) abort()
  source?.addEventListener('abort', abort)
  return () => source?.removeEventListener('abort', abort)
}

/** How a stream ended that did not break: nothing came through, or the server said why it ends (`EndReason`, or a newer server's). */
type StreamEnd = { readonly heldBack: true } | { readonly reason: string }

/** One stream, from its request to its end. */
class LiveStream {
  readonly #timing: Timing
  readonly #listener: FeedListener
  readonly #attempt = new AbortController()
  #heardAt: number
  /** Ticks since something came: these show silence where somebody set the clock back. */
  #silentTicks = 0
  #hasState = false
  #bytes = 0
  #events = 0

  constructor(timing: Timing, listener: FeedListener) {
    this.#timing = timing
    this.#listener = listener
    this.#heardAt = timing.now()
  }

  async run(transport: Transport, signal: AbortSignal): Promise<StreamEnd> {
    const untie = abortWith(signal, this.#attempt)
    const stopTicking = this.#tick()
    try {
      return await this.#read(await transport.events(livePaths.events, this.#attempt.signal))
    } catch (error) {
      signal.throwIfAborted()
      if (!this.#attempt.signal.aborted) throw error
      if (!this.#hasState) return { heldBack: true }
      throw new NetworkError('Nothing has come from the server for a minute')
    } finally {
      stopTicking()
      untie()
      this.#attempt.abort()
    }
  }

  #tick(): () => void {
    let takeBack = () => {}
    const plan = () => {
      takeBack = this.#timing.after(tickMs, () => {
        this.#silentTicks += 1
        this.#bytes = 0
        this.#events = 0
        const silence = Math.max(this.#silentTicks * tickMs, this.#timing.now() - this.#heardAt)
        if (silence >= (this.#hasState ? silenceMs : openingMs)) this.#attempt.abort()
        else plan()
      })
    }
    plan()
    return () => takeBack()
  }

  /** The next bytes, or undefined at the end. Throws once the attempt is given up, whatever the platform's reader does. */
  #next(reader: AnswerReader): Promise<Uint8Array | undefined> {
    const { signal } = this.#attempt
    return new Promise((resolve, reject) => {
      const abort = () => {
        reader.cancel().catch(() => {})
        reject(signal.reason)
      }
      if (signal.aborted) return abort()
      signal.addEventListener('abort', abort)
      reader
        .read()
        .then(
          ({ value }) => resolve(value),
          () => reject(new NetworkError('The connection broke off')),
        )
        .finally(() => signal.removeEventListener('abort', abort))
    })
  }

  async #read(reader: AnswerReader): Promise<StreamEnd> {
    const events = new EventStreamReader()
    for (;;) {
      const bytes = await this.#next(reader)
      if (!bytes) throw new NetworkError('The connection broke off')
      // Before the first event only that one counts: a proxy may pass on some bytes, and hold back the rest.
      if (this.#hasState) this.#heard()
      const arrived = events.push(bytes)
      this.#bytes += bytes.length
      this.#events += arrived.length
      if (this.#bytes > mostOfTick.bytes || this.#events > mostOfTick.events)
        throw new NetworkError('The server sends more events than a client can take')
      for (const event of arrived) {
        const end = this.#take(event)
        if (end) return end
      }
    }
  }

  #heard() {
    this.#heardAt = this.#timing.now()
    this.#silentTicks = 0
  }

  #take({ name, data }: StreamEvent): StreamEnd | undefined {
    switch (name) {
      case 'state': {
        const { vaults, more } = parsed(LiveEvents.state, data)
        this.#hasState = true
        this.#heard()
        this.#listener.state(new Map(vaults.map(({ id, revision }) => [id, revision])), !more)
        this.#listener.online(true)
        return undefined
      }
      case 'vault': {
        const { id, revision } = parsed(LiveEvents.vault, data)
        this.#listener.vault(id, revision)
        return undefined
      }
      case 'vault-gone':
        this.#listener.vaultGone(parsed(LiveEvents['vault-gone'], data).id)
        return undefined
      case 'account':
        this.#listener.account()
        return undefined
      case 'end':
        return parsed(LiveEvents.end, data)
      default:
        // A newer server's.
        return undefined
    }
  }
}

function parsed<T>(schema: z.ZodType<T>, data: string): T {
  try {
    return schema.parse(JSON.parse(data))
  } catch {
    throw new NetworkError('An event of the server is not as the contract says')
  }
}

/** Follows a server until the signal is aborted. Throws what no later try would mend, such as LoggedOutError. */
export class LiveFeed {
  readonly #transport: Transport
  readonly #timing: Timing
  readonly #listener: FeedListener
  readonly #backoff: Backoff

  constructor(transport: Transport, timing: Timing, listener: FeedListener) {
    this.#transport = transport
    this.#timing = timing
    this.#listener = listener
    this.#backoff = new Backoff(timing)
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await sleep(this.#timing, await this.#follow(signal), signal)
      } catch (error) {
        if (signal.aborted) return
        if (!isPassing(error)) throw error
        const retryInMs = waitAfter(error, this.#backoff)
        this.#listener.offline(error, retryInMs)
        // Where only the stream is refused, changes come with the tries.
        this.#listener.look(false)
        await sleep(this.#timing, retryInMs, signal)
      }
    }
  }

  /** Opens a stream and follows it to its end. @returns milliseconds to wait before the next one */
  async #follow(signal: AbortSignal): Promise<number> {
    const began = this.#timing.now()
    let wasGood = false
    let end: StreamEnd
    try {
      end = await new LiveStream(this.#timing, this.#listener).run(this.#transport, signal)
    } catch (error) {
      if (isNotThere(error)) end = { heldBack: true }
      else throw error
    } finally {
      wasGood = this.#timing.now() - began >= goodMs
      if (wasGood) this.#backoff.reset()
    }
    if ('heldBack' in end) {
      await this.#poll(signal)
      return 0
    }
    // The next request finds out whether the session has ended. A server that only says so is asked less and less often.
    const isOver = end.reason === sessionEnded
    const wait = isOver || !wasGood ? this.#backoff.next() : 0
    return isOver ? wait : Math.max(wait, this.#timing.random() * stoppingMs)
  }

  async #poll(signal: AbortSignal): Promise<void> {
    const until = this.#timing.now() + polling.forMs
    let changed = false
    while (!signal.aborted && this.#timing.now() < until) {
      const began = this.#timing.now()
      this.#listener.look(changed)
      await this.#listener.looked()
      // The server itself was slow or away, and no proxy is to blame: it may have streams again.
      if (signal.aborted || this.#timing.now() - began >= openingMs) return
      this.#listener.online(false)
      changed = await this.#waitForChange(signal)
      const round = changed ? polling.busyMs : polling.quietMs * (1 + this.#timing.random())
      const rest = round - Math.max(0, this.#timing.now() - began)
      if (rest > 0) await sleep(this.#timing, rest, signal)
    }
  }

  /** Waits until one of the first vaults changes. The others are seen at the next look. @returns whether one did */
  async #waitForChange(signal: AbortSignal): Promise<boolean> {
    const others = new AbortController()
    const untie = abortWith(signal, others)
    const waits = this.#listener.cursors().slice(0, polling.vaults)
    const isChanged = async ({ vaultId, since }: (typeof waits)[number]) => {
      const query = new URLSearchParams({ since, limit: '1', wait: String(polling.waitSeconds) })
      const path = `${pathTo(vaultPaths.changes, { vaultId })}?${query}`
      try {
        const { items } = await this.#transport.sendAuthorized(Changes, {
          method: 'GET',
          path,
          signal: others.signal,
        })
        if (items.length > 0) others.abort()
        return items.length > 0
      } catch (error) {
        if (others.signal.aborted) return false
        // Such as a vault that has gone, and a server that cannot wait: the next look tells.
        if (error instanceof ProblemError && error.status !== 401 && !isPassing(error)) return false
        others.abort()
        throw error
      }
    }
    try {
      const answers = await Promise.all(waits.map(isChanged))
      return answers.includes(true)
    } finally {
      untie()
    }
  }
}

/** A server from before there were streams, or a proxy that does not pass them on. */
const isNotThere = (error: unknown) => error instanceof ProblemError && error.status === 404
