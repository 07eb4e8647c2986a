// Server-sent events as an answer (HTML Living Standard, section 9.2): a stream that the client, the feed or the server ends.
import type { Request, Response } from 'express'
import { z } from 'zod'
import { Content, type Sending, sentAs } from './content.ts'
import { beginWaiting } from './request-log.ts'

interface ServerEvent {
  /** What a client that comes back sends as Last-Event-ID. Without line breaks, as `event` is. */
  readonly id?: string
  readonly event?: string
  readonly data: string
}

/** What a feed may do with its stream. */
export interface EventSink {
  /** Sends events, or nothing if the stream is over. */
  send(...events: ServerEvent[]): void
  /** Ends the stream, after what was sent. */
  end(): void
}

/** Where the events of one stream come from. */
export interface EventFeed {
  /** Begins to send; not called if there is nobody to send to. */
  start(sink: EventSink): void
  /** Called once when the stream is over, whichever side ended it, also if it never began. */
  stop(): void
}

/**
 * What waits for one client when there is more to send. One that reads more slowly than this is dropped: it comes back and asks for
 * what it has missed.
 */
const maxWaitingBytes = 16 * 1024

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

  override discard(): void {
    this.#feed.stop()
  }

  override send(req: Request, res: Response, status: number, { heartbeat, ending }: Sending): void {
    res.writeHead(status, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      // Tells nginx to pass each event on at once.
      'X-Accel-Buffering': 'no',
      // A client that comes back after the end goes to a server that is not about to close.
      Connection: 'close',
    })
    const isOver = () => res.destroyed || res.writableEnded
    if (req.method === 'HEAD' || isOver()) {
      this.discard()
      return void res.end()
    }
    res.flushHeaders()
    beginWaiting(res)
    const write = (text: string) => {
      if (isOver()) return
      if (res.writableLength > maxWaitingBytes) res.destroy()
      else res.write(text)
    }
    const end = () => void (isOver() || res.end())
    // A comment: proxies and this server close connections on which nothing moves.
    const stopBeating = heartbeat(() => write(':\n\n'))
    ending.addEventListener('abort', end, { once: true })
    res.once('close', () => {
      stopBeating()
      ending.removeEventListener('abort', end)
      this.#feed.stop()
    })
    this.#feed.start({ send: (...events) => write(events.map(written).join('')), end })
    if (ending.aborted) end()
  }
}

/** The schema of an answer that is one. */
export const eventStream = sentAs(
  z.instanceof(EventStream).meta({
    override: { type: 'string', description: 'Server-sent events (HTML Living Standard, section 9.2)' },
  }),
  'text/event-stream',
)
