// Asks for secrets: on a terminal without echo, otherwise the next line of standard input. Never from arguments.
import { createInterface, type Interface } from 'node:readline'
import { Writable } from 'node:stream'
import { CliError, InterruptedError } from './exit-codes.ts'
import { remark } from './output.ts'
import { safeLine } from './terminal.ts'

interface AskOptions {
  /** For a new secret: a terminal asks twice, since nobody sees what they type. */
  readonly twice?: boolean
}

export interface Prompter {
  readonly interactive: boolean
  /** A secret on one line, exactly as it was typed. Empty where nothing was. */
  secret(question: string, options?: AskOptions): Promise<string>
  /** All the rest of the input, without its last line end. */
  text(question: string): Promise<string>
  /** Whether the person agrees. Without a terminal nobody is asked: false. */
  confirm(question: string): Promise<boolean>
  /** Lets go of standard input, so that the program can end. */
  close(): void
}

const withoutLineEnd = (text: string) => text.replace(/\r?\n$/, '')

/** By events: readline leaves its input paused, from which iterating over the stream does not wake it. */
const restOf = (stream: NodeJS.ReadStream) =>
  new Promise<string>((resolve, reject) => {
    let text = ''
    stream.setEncoding('utf8')
    stream.on('data', (chunk: string) => {
      text += chunk
    })
    stream.once('end', () => resolve(withoutLineEnd(text)))
    stream.once('error', reject)
    stream.resume()
  })

/** Lines of a pipe or a file, read only as they are asked for. */
class PipePrompter implements Prompter {
  readonly interactive = false
  readonly #input: NodeJS.ReadStream
  #chunks: AsyncIterator<unknown> | undefined
  #buffered = ''

  constructor(input: NodeJS.ReadStream) {
    this.#input = input
  }

  /** Reads on. @returns false at the end of the input */
  async #read(): Promise<boolean> {
    this.#chunks ??= this.#input.setEncoding('utf8')[Symbol.asyncIterator]()
    const { done, value } = await this.#chunks.next()
    if (done) return false
    this.#buffered += String(value)
    return true
  }

  async secret(question: string): Promise<string> {
    while (!this.#buffered.includes('\n')) {
      if (await this.#read()) continue
      if (this.#buffered === '')
        throw new CliError(
          'usage',
          `Standard input ended before "${safeLine(question)}": give it one line for each question.`,
        )
      this.#buffered += '\n'
    }
    const end = this.#buffered.indexOf('\n') + 1
    const line = this.#buffered.slice(0, end)
    this.#buffered = this.#buffered.slice(end)
    return withoutLineEnd(line)
  }

  async text(): Promise<string> {
    while (await this.#read());
    const text = withoutLineEnd(this.#buffered)
    this.#buffered = ''
    return text
  }

  async confirm(): Promise<boolean> {
    return false
  }

  close() {
    this.#input.destroy()
  }
}

interface Waiting {
  give(line: string): void
  fail(error: Error): void
}

/** Questions on a terminal, shown on standard error so that standard output stays data. */
class TerminalPrompter implements Prompter {
  readonly interactive = true
  readonly #input: NodeJS.ReadStream
  #interface: Interface | undefined
  #echo = false
  /** Pasted lines arrive before they are asked for. */
  readonly #lines: string[] = []
  #waiting: Waiting | undefined

  constructor(input: NodeJS.ReadStream) {
    this.#input = input
  }

  #open() {
    if (this.#interface) return
    const output = new Writable({
      write: (chunk, _encoding, done) => {
        if (this.#echo) process.stderr.write(chunk)
        done()
      },
    })
    // `terminal: true` puts the terminal in raw mode, where it echoes nothing by itself. No history: lines are secrets.
    this.#interface = createInterface({ input: this.#input, output, terminal: true, historySize: 0 })
    this.#interface.on('line', (line) => {
      const waiting = this.#waiting
      // At once, since the next line of a paste comes before whoever waits goes on.
      this.#waiting = undefined
      if (waiting) waiting.give(line)
      else this.#lines.push(line)
    })
    this.#interface.on('SIGINT', () => this.#waiting?.fail(new InterruptedError()))
    this.#interface.on('close', () =>
      this.#waiting?.fail(new CliError('usage', 'The question was left without an answer.')),
    )
  }

  async #line(question: string, echo: boolean): Promise<string> {
    this.#open()
    process.stderr.write(`${safeLine(question)}: `)
    this.#echo = echo
    try {
      const ready = this.#lines.shift()
      if (ready !== undefined) return ready
      return await new Promise((give, fail) => {
        this.#waiting = { give, fail }
      })
    } finally {
      this.#waiting = undefined
      if (!echo) process.stderr.write('\n')
    }
  }

  async secret(question: string, { twice = false }: AskOptions = {}): Promise<string> {
    for (;;) {
      const answer = await this.#line(question, false)
      if (!twice || answer === '' || answer === (await this.#line(`${question} (again)`, false)))
        return answer
      remark('These were two different answers. Once more, please.')
    }
  }

  async text(question: string): Promise<string> {
    this.#closeInterface()
    remark(`${question}. Ctrl-D on an empty line ends it.`)
    return restOf(this.#input)
  }

  async confirm(question: string): Promise<boolean> {
    return /^y(es)?$/i.test((await this.#line(`${question} [y/N]`, true)).trim())
  }

  #closeInterface() {
    this.#interface?.close()
    this.#interface = undefined
  }

  close() {
    this.#closeInterface()
    this.#input.destroy()
  }
}

/** Opened only when something is asked, so that commands without questions leave standard input alone. */
export function createPrompter(): Prompter {
  let opened: Prompter | undefined
  const prompter = () => {
    opened ??= process.stdin.isTTY ? new TerminalPrompter(process.stdin) : new PipePrompter(process.stdin)
    return opened
  }
  return {
    get interactive() {
      return prompter().interactive
    },
    secret: (question, options) => prompter().secret(question, options),
    text: (question) => prompter().text(question),
    confirm: (question) => prompter().confirm(question),
    close: () => opened?.close(),
  }
}
