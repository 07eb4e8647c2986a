// One HTTP/1.1 connection that stays: a client that costs so little that the server is what is measured.
import { connect, type Socket } from 'node:net'

export interface Answer {
  readonly status: number
  /** Without the frames of a chunked one. */
  readonly body: Buffer
}

export interface Ask {
  /** GET if it is left out. */
  readonly method?: string
  readonly path: string
  /** An access token. */
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: string
}

/** Where in an answer the bytes are that come next. */
type State = { at: 'head' } | { at: 'body'; left: number } | { at: 'size' } | { at: 'chunk'; left: number }

const endOfHead = Buffer.from('\r\n\r\n')

export class Connection {
  readonly #socket: Socket
  readonly #host: string
  /** What has come and was not read yet. */
  #rest: Buffer = Buffer.alloc(0)
  #state: State = { at: 'head' }
  #status = 0
  #parts: Buffer[] = []
  #waiting: { resolve(answer: Answer): void; reject(error: Error): void } | undefined
  #ended: Error | undefined

  private constructor(socket: Socket, host: string) {
    this.#socket = socket
    this.#host = host
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
      try {
        while (this.#read());
      } catch (error) {
        this.#fail(error instanceof Error ? error : new Error(String(error)))
      }
    })
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('The server has closed a connection')))
  }

  /** @param url of a server, with `http:` */
  static open(url: string): Promise<Connection> {
    const { hostname, port, host } = new URL(url)
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname)
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new Connection(socket, host))
      })
    })
  }

  /** Whether the server has closed it. */
  get isClosed(): boolean {
    return this.#ended !== undefined
  }

  /** One at a time: the next one is sent once this one is answered. Rejects where the connection ends first. */
  ask({ method = 'GET', path, token, headers, body }: Ask): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended)
      this.#waiting = { resolve, reject }
      let head = `${method} ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n`
      if (token !== undefined) head += `Authorization: Bearer ${token}\r\n`
      for (const name in headers) head += `${name}: ${headers[name]}\r\n`
      if (body !== undefined)
        head += `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`
      this.#socket.write(`${head}\r\n${body ?? ''}`)
    })
  }

  close() {
    this.#ended = new Error('Closed')
    this.#socket.destroy()
  }

  #fail(error: Error) {
    this.#ended ??= error
    this.#waiting?.reject(this.#ended)
    this.#waiting = undefined
    this.#socket.destroy()
  }

  #answered() {
    const waiting = this.#waiting
    if (!waiting) throw new Error('An answer came that nothing had asked for')
    const [only] = this.#parts
    const body = this.#parts.length === 1 && only ? only : Buffer.concat(this.#parts)
    this.#waiting = undefined
    this.#parts = []
    this.#state = { at: 'head' }
    waiting.resolve({ status: this.#status, body })
  }

  /** Takes as many of the bytes as there are, up to a number. @returns how many are missing */
  #take(left: number): number {
    const part = this.#rest.subarray(0, left)
    if (part.length > 0) this.#parts.push(part)
    this.#rest = this.#rest.subarray(part.length)
    return left - part.length
  }

  /** Reads one step further. @returns whether there may be more to read */
  #read(): boolean {
    const state = this.#state
    if (state.at === 'head') return this.#readHead()
    if (state.at === 'body') {
      state.left = this.#take(state.left)
      if (state.left > 0) return false
      this.#answered()
      return this.#rest.length > 0
    }
    if (state.at === 'chunk') {
      // Two bytes follow it that are not of it.
      if (state.left > 2) state.left = this.#take(state.left - 2) + 2
      if (state.left > 2 || this.#rest.length < 2) return false
      this.#rest = this.#rest.subarray(2)
      this.#state = { at: 'size' }
      return true
    }
    const end = this.#rest.indexOf('\r\n')
    if (end < 0) return false
    const size = Number.parseInt(this.#rest.toString('latin1', 0, end), 16)
    if (size > 0) {
      this.#rest = this.#rest.subarray(end + 2)
      this.#state = { at: 'chunk', left: size + 2 }
      return true
    }
    // No trailers are sent by what is measured here.
    if (this.#rest.length < end + 4) return false
    this.#rest = this.#rest.subarray(end + 4)
    this.#answered()
    return this.#rest.length > 0
  }

  #readHead(): boolean {
    const end = this.#rest.indexOf(endOfHead)
    if (end < 0) return false
    const head = this.#rest.toString('latin1', 0, end)
    this.#rest = this.#rest.subarray(end + 4)
    this.#status = Number(head.slice(9, 12))
    const [, length] = /\r\ncontent-length: *(\d+)/i.exec(head) ?? []
    if (length !== undefined) this.#state = { at: 'body', left: Number(length) }
    else if (/\r\ntransfer-encoding: *chunked/i.test(head)) this.#state = { at: 'size' }
    else if (this.#status === 204 || this.#status === 304) this.#state = { at: 'body', left: 0 }
    else throw new Error(`An answer does not say how long it is: ${head}`)
    return true
  }
}
