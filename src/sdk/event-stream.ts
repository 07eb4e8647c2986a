// Server-sent events as a client reads them (HTML Living Standard, section 9.2.6), bounded: a hostile server must not fill the memory.
import { RefusedError } from '../protocol/refused.ts'

export interface StreamEvent {
  /** `message` for an event without a name. */
  readonly name: string
  /** Its lines, separated by line feeds. */
  readonly data: string
}

/** Characters of an event, and of a line, however it ends. The largest honest event names 10,000 vaults. */
const longestEvent = 1024 * 1024

const endless = () => new RefusedError('The server sends an event that does not end. The rest was not read.')

/**
 * Takes the bytes of a stream as they come. Ids and waits (`id`, `retry`) are passed over: Limpet's streams have none, and a
 * server must not tell a client when to come back other than within the client's own bounds.
 */
export class EventStreamReader {
  // Drops a byte order mark at the beginning, as the format says.
  readonly #decoder = new TextDecoder()
  /** Of a line whose end has not come yet. */
  #parts: string[] = []
  #partsLength = 0
  /** The last character was a carriage return: a line feed right after it belongs to it. */
  #afterReturn = false
  #name = ''
  #data: string[] = []
  #dataLength = 0

  /** @returns the events that these bytes complete. Throws RefusedError for a line or an event that is too long */
  push(bytes: Uint8Array): StreamEvent[] {
    const text = this.#decoder.decode(bytes, { stream: true })
    const events: StreamEvent[] = []
    let from = 0
    if (this.#afterReturn && text !== '') {
      if (text.startsWith('\n')) from = 1
      this.#afterReturn = false
    }
    const ends = /\r\n?|\n/g
    ends.lastIndex = from
    for (let end = ends.exec(text); end; end = ends.exec(text)) {
      const event = this.#line(this.#whole(text.slice(from, end.index)))
      if (event) events.push(event)
      from = ends.lastIndex
      this.#afterReturn = end[0] === '\r' && from === text.length
    }
    this.#keep(text.slice(from))
    return events
  }

  #keep(part: string) {
    if (part === '') return
    this.#parts.push(part)
    this.#partsLength += part.length
    if (this.#partsLength > longestEvent) throw endless()
  }

  #whole(last: string): string {
    this.#keep(last)
    const line = this.#parts.join('')
    this.#parts = []
    this.#partsLength = 0
    return line
  }

  #line(line: string): StreamEvent | undefined {
    if (line === '') return this.#dispatch()
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') this.#name = value
    if (field === 'data') {
      this.#data.push(value)
      this.#dataLength += value.length + 1
      if (this.#dataLength > longestEvent) throw endless()
    }
    return undefined
  }

  #dispatch(): StreamEvent | undefined {
    const event = { name: this.#name || 'message', data: this.#data.join('\n') }
    const isEmpty = this.#data.length === 0
    this.#name = ''
    this.#data = []
    this.#dataLength = 0
    return isEmpty ? undefined : event
  }
}
