// A stream of events as a client reads it.
import { type ClientRequest, get, type IncomingMessage } from 'node:http'
import { get as getByTls } from 'node:https'
import { z } from 'zod'
import { LiveEvents } from '../../src/contract/live.ts'
import type { Server } from './requests.ts'

const EventName = z.enum(['state', 'vault', 'vault-gone', 'account', 'end'])

/** An event, its data parsed by its shape. */
interface ReadEvent {
  readonly event: z.infer<typeof EventName>
  readonly data: unknown
}

export interface EventReader {
  readonly incoming: IncomingMessage
  /** Every event so far. */
  readonly events: readonly ReadEvent[]
  /** The next event that was not asked for yet; rejects if the stream is over. */
  next(): Promise<ReadEvent>
  /** Resolves with the next event of a name, and passes over those before it. */
  nextOf(name: ReadEvent['event']): Promise<unknown>
  /** Resolves when the server has closed the stream. */
  readonly closed: Promise<void>
  close(): void
}

function readEvent(block: string): ReadEvent | undefined {
  const fields = Object.fromEntries(
    block
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith(':'))
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  )
  if (fields.data === undefined) return undefined
  const event = EventName.parse(fields.event)
  return { event, data: z.strictObject(LiveEvents[event].shape).parse(JSON.parse(fields.data)) }
}

/** Opens a stream; throws for an answer that is none. */
export async function openEvents(server: Server, token: string): Promise<EventReader> {
  const headers = { Authorization: `Bearer ${token}` }
  let outgoing: ClientRequest | undefined
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    const ask = server.url.startsWith('https:') ? getByTls : get
    const options = { headers, agent: server.agent ?? false }
    outgoing = ask(`${server.url}/api/v1/events`, options, resolve).on('error', reject)
  })
  outgoing?.on('error', () => {})
  incoming.on('error', () => {})
  if (incoming.statusCode !== 200) {
    incoming.resume()
    throw new Error(`The stream was answered ${incoming.statusCode}`)
  }
  const events: ReadEvent[] = []
  let [taken, isOver, text] = [0, false, '']
  let look = () => {}
  const closed = new Promise<void>((resolve) =>
    incoming.once('close', () => {
      isOver = true
      look()
      resolve()
    }),
  )
  incoming.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const event = readEvent(block)
      if (event) events.push(event)
    }
    look()
  })
  async function next(): Promise<ReadEvent> {
    while (taken >= events.length) {
      if (isOver) throw new Error(`The stream is over after ${JSON.stringify(events)}`)
      await new Promise<void>((resolve) => {
        look = resolve
      })
    }
    const event = events[taken]
    taken++
    if (!event) throw new Error('There is no event')
    return event
  }
  return {
    incoming,
    events,
    next,
    async nextOf(name) {
      for (;;) {
        const { event, data } = await next()
        if (event === name) return data
      }
    },
    closed,
    close: () => void incoming.destroy(),
  }
}
