// Server-sent events as an answer (HTML Living Standard, section 9.2): a stream that the client, the feed or the server ends.
import type { Request, Response } from 'express'
import { Content, type Sending } from './content.ts'

interface ServerEvent {
  /** What a client that comes back sends as Last-Event-ID. Without line breaks, as `event` is. */
  readonly id?: string
  readonly event?: string
  readonly data: string
}

/** What a feed may do with its stream. */
export interface EventSink {
  /** Sends an event, or nothing if the stream is over. */
  send(event: ServerEvent): void
  /** Ends the stream, after what was sent. */
  end(): void
}

/** Begins to send events. @returns what stops it; called once when the stream is over, whichever side ended it */
export type EventFeed = (sink: EventSink) => () => void

/** What waits for one client. One that reads more slowly than this is dropped: it comes back and asks for what it has missed. */
const maxWaitingBytes = 256 * 1024

/** Each line of the data is one of the event; a carriage return would end a line too. */
const written = ({ id, event, data }: ServerEvent) =>
  [
    ...(id === undefined ? [] : [`id: ${id}`]),
    ...(event === undefined ? [] : [`event: ${event}`]),
    ...data.split(/\r\n|\r|\n/).map((line) => `data: ${line}`),
    '\n',
  ].join('\n')

export class EventStream extends Content {
  readonly #feed: EventFeed

  constructor(feed: EventFeed) {
    super()
    this.#feed = feed
  }

  override send(req: Request, res: Response, status: number, { heartbeatMs, ending }: Sending): void {
    res.writeHead(status, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      // Tells nginx to pass each event on at once.
      'X-Accel-Buffering': 'no',
    })
    if (req.method === 'HEAD') return void res.end()
    res.flushHeaders()
    const isOver = () => res.destroyed || res.writableEnded
    if (isOver()) return
    const write = (text: string) => {
      if (isOver()) return
      res.write(text)
      if (res.writableLength > maxWaitingBytes) res.destroy()
    }
    const end = () => void (isOver() || res.end())
    // A comment: proxies and this server close connections on which nothing moves.
    const heartbeat = setInterval(() => write(':\n\n'), heartbeatMs)
    ending.addEventListener('abort', end, { once: true })
    let stop: (() => void) | undefined
    res.once('close', () => {
      clearInterval(heartbeat)
      ending.removeEventListener('abort', end)
      stop?.()
    })
    stop = this.#feed({ send: (event) => write(written(event)), end })
    if (ending.aborted) end()
  }
}
