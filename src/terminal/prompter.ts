// Asks for secrets: on a terminal without echo, otherwise from standard input, line by line or byte by byte. Never from arguments.
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { createInterface, type Interface } from 'node:readline'
import { type Readable, Writable } from 'node:stream'
import { CliError, InterruptedError } from './exit-codes.ts'
import { ask, echo, remark } from './output.ts'
import { safeLine, textIn } from './text.ts'

interface AskOptions {
  /** For a new secret: a terminal asks twice, since a typed secret is not shown. */
  readonly twice?: boolean
  /** What is wrong with an answer, if something is. A terminal says it after the first entry, and asks again. */
  readonly refusal?: (answer: string) => Promise<string | undefined>
}

interface ConfirmOptions {
  readonly byDefault?: boolean
}

export interface Prompter {
  readonly interactive: boolean
  /** Whether anything was read or asked yet. */
  readonly isOpened: boolean
  /** A secret on one line, exactly as it was typed. Empty where nothing was. */
  secret(question: string, options?: AskOptions): Promise<string>
  /** One line that everybody may see. */
  line(question: string): Promise<string>
  /** All the rest of the input, without its last line end. */
  text(question: string): Promise<string>
  /** All the rest of the input, exactly; of one that has more than `most` bytes, only somewhat more than those. */
  bytes(question: string, most: number): Promise<Uint8Array>
  /** All the rest of the input, exactly, as it comes: for what need not be in memory at once. */
  pieces(question: string): AsyncIterable<Uint8Array>
  /** Whether the person agrees; an empty answer is the one `byDefault`, or no. Without a terminal nothing is asked: false. */
  confirm(question: string, options?: ConfirmOptions): Promise<boolean>
  /** Lets go of standard input, so that the program can end. */
  close(): void
}

const withoutLineEnd = (text: string) => text.replace(/\r?\n$/, '')

/** Text that was read. Throws a CliError if it is not UTF-8: read all the same, it would be another text than was meant. */
function requireText(bytes: Uint8Array): string {
  const text = textIn(bytes)
  if (text !== undefined) return text
  throw new CliError(
    'usage',
    'Standard input is not UTF-8, so nothing was done with it. "iconv -f LATIN1 -t UTF-8" makes UTF-8 of Latin-1, for example.',
  )
}

/** The same of a line that was typed: the line editor has decoded it, and put this character where it could not. */
function requireTyped(line: string): string {
  if (!line.includes('\ufffd')) return line
  throw new CliError(
    'usage',
    'What was typed has a character that is not UTF-8, so nothing was done with it. Set the terminal to UTF-8.',
  )
}

/** By events: readline leaves its input paused, from which iterating over the stream does not wake it. */
const restOf = (stream: Readable) =>
  new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
    })
    stream.once('end', () => resolve(Buffer.concat(chunks)))
    stream.once('error', reject)
    stream.resume()
  })

const nothing = Buffer.alloc(0)

/** A pipe or a file, read only as far as is asked for. It is bytes; only what is asked for as text is decoded. */
class PipePrompter implements Prompter {
  readonly interactive = false
  readonly isOpened = true
  readonly #input: Readable
  #chunks: AsyncIterator<Buffer> | undefined
  /** What was read beyond the last line. */
  #buffered: Buffer = nothing

  constructor(input: Readable) {
    this.#input = input
  }

  /** Reads on. @returns undefined at the end of the input */
  async #read(): Promise<Buffer | undefined> {
    this.#chunks ??= this.#input[Symbol.asyncIterator]()
    const { done, value } = await this.#chunks.next()
    return done ? undefined : value
  }

  async secret(question: string): Promise<string> {
    while (!this.#buffered.includes('\n')) {
      const chunk = await this.#read()
      if (chunk) this.#buffered = Buffer.concat([this.#buffered, chunk])
      else if (this.#buffered.length > 0) break
      else
        throw new CliError(
          'usage',
          `Standard input ended before "${safeLine(question)}": give it one line for each question.`,
        )
    }
    const newline = this.#buffered.indexOf('\n')
    const end = newline < 0 ? this.#buffered.length : newline
    const line = requireText(this.#buffered.subarray(0, end))
    this.#buffered = this.#buffered.subarray(end + 1)
    return line.replace(/\r$/, '')
  }

  line(question: string): Promise<string> {
    return this.secret(question)
  }

  async bytes(_question: string, most: number): Promise<Buffer> {
    const chunks = [this.#buffered]
    for (let length = this.#buffered.length; length <= most; ) {
      const chunk = await this.#read()
      if (!chunk) break
      chunks.push(chunk)
      length += chunk.length
    }
    this.#buffered = nothing
    return Buffer.concat(chunks)
  }

  async *pieces(): AsyncGenerator<Uint8Array> {
    const buffered = this.#buffered
    this.#buffered = nothing
    if (buffered.length > 0) yield buffered
    for (let chunk = await this.#read(); chunk; chunk = await this.#read()) yield chunk
  }

  async text(question: string): Promise<string> {
    const bytes = await this.bytes(question, Number.POSITIVE_INFINITY)
    return withoutLineEnd(requireText(bytes))
  }

  async confirm(): Promise<boolean> {
    return false
  }

  close() {
    this.#input.destroy()
  }
}

interface Waiting {
  /** Undefined where Ctrl-D ended the input. */
  give(line: string | undefined): void
  fail(error: Error): void
}

/** Standard input, or a stream that a test has in its place. */
type Input = Readable & { isTTY?: boolean; setRawMode?(raw: boolean): unknown }

/** Milliseconds within which a job that is told to stop has stopped. */
const stopping = 50

/**
 * Drops what the terminal has received and nobody has read, as `getpass` does: the rest of a paste, or a command that was typed
 * while another one ran, must not become a password. Only in raw mode is all of it there to be read. Windows has no such device.
 */
function dropTypedAhead() {
  let terminal: number | undefined
  try {
    terminal = openSync('/dev/tty', constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
    const dropped = Buffer.alloc(4096)
    while (readSync(terminal, dropped) > 0);
  } catch {
    // It is empty (EAGAIN), or there is none.
  } finally {
    if (terminal !== undefined) closeSync(terminal)
  }
}

/** Questions on a terminal, shown on standard error so that standard output stays data. */
class TerminalPrompter implements Prompter {
  readonly interactive = true
  readonly isOpened = true
  readonly #input: Input
  #interface: Interface | undefined
  #echo = false
  /** Pasted lines arrive before they are asked for. */
  readonly #lines: string[] = []
  #ended = false
  #waiting: Waiting | undefined
  /** Shows the present question again, which begins anew: nobody knows any more how much of a hidden answer was typed. */
  #askAgain: () => void = () => {}
  #suspended = false

  constructor(input: Input) {
    this.#input = input
  }

  /**
   * Ctrl-Z: the whole job stops, as it would if the terminal itself had seen the key. `npx` is a part of the job, and the shell
   * waits for it.
   */
  #suspend() {
    this.#suspended = true
    this.#input.setRawMode?.(false)
    process.kill(0, 'SIGTSTP')
    // Where no shell could continue the job, the system does not stop it, and no SIGCONT comes. Otherwise that one is dealt with first.
    setTimeout(() => setImmediate(() => this.#suspended && this.#resume()), stopping)
  }

  /** After `fg`: the shell has had the terminal in its own mode. */
  readonly #resume = () => {
    this.#suspended = false
    this.#input.setRawMode?.(false)
    this.#input.setRawMode?.(true)
    this.#dropLine()
    this.#askAgain()
  }

  /** Drops what was typed of a line that has not ended. */
  #dropLine() {
    const echoed = this.#echo
    this.#echo = false
    for (const name of ['e', 'u']) this.#interface?.write(null, { ctrl: true, name })
    this.#echo = echoed
  }

  #open() {
    if (this.#interface) return
    this.#ended = false
    const output = new Writable({
      write: (chunk, _encoding, done) => {
        if (this.#echo) echo(chunk)
        done()
      },
    })
    // `terminal: true` puts the terminal in raw mode, where it echoes nothing by itself. No history: lines are secrets.
    this.#interface = createInterface({ input: this.#input, output, terminal: true, historySize: 0 })
    this.#interface.on('line', (line) => {
      const waiting = this.#waiting
      // At once, since the next line of a paste comes before the waiting code goes on.
      this.#waiting = undefined
      if (waiting) waiting.give(line)
      else this.#lines.push(line)
    })
    this.#interface.on('SIGINT', () => {
      if (this.#waiting) this.#waiting.fail(new InterruptedError())
      // Between two questions, the program waits for something else.
      else process.kill(process.pid, 'SIGINT')
    })
    this.#interface.on('SIGTSTP', () => this.#suspend())
    process.on('SIGCONT', this.#resume)
    this.#interface.on('close', () => {
      process.off('SIGCONT', this.#resume)
      this.#ended = true
      this.#waiting?.give(undefined)
    })
  }

  /** @returns undefined after Ctrl-D */
  async #next(shown: boolean): Promise<string | undefined> {
    this.#open()
    this.#echo = shown
    try {
      const ready = this.#lines.shift()
      if (ready !== undefined || this.#ended) return ready
      return await new Promise<string | undefined>((give, fail) => {
        this.#waiting = { give, fail }
      })
    } finally {
      this.#waiting = undefined
      this.#askAgain = () => {}
      if (!shown) remark('')
    }
  }

  /** Forgets what was typed before the question that comes now. */
  #forgetTypedAhead() {
    this.#open()
    this.#lines.length = 0
    this.#dropLine()
    dropTypedAhead()
  }

  async #line(question: string, shown: boolean): Promise<string> {
    this.#open()
    this.#askAgain = () => ask(question)
    ask(question)
    const line = await this.#next(shown)
    if (line === undefined) throw new CliError('usage', 'The question was left without an answer.')
    return requireTyped(line)
  }

  async secret(question: string, { twice = false, refusal }: AskOptions = {}): Promise<string> {
    for (;;) {
      this.#forgetTypedAhead()
      const answer = await this.#line(question, false)
      const wrong = answer === '' ? undefined : await refusal?.(answer)
      if (wrong !== undefined) {
        remark(`${wrong}.`)
        continue
      }
      if (!twice || answer === '' || answer === (await this.#line(`${question} (again)`, false)))
        return answer
      remark('These were two different answers. Once more, please.')
    }
  }

  line(question: string): Promise<string> {
    return this.#line(question, true)
  }

  async text(question: string): Promise<string> {
    this.#closeInterface()
    remark(`${question}. Ctrl-D on an empty line ends it.`)
    return withoutLineEnd(requireText(await restOf(this.#input)))
  }

  async bytes(question: string): Promise<Uint8Array> {
    const lines: string[] = []
    const begin = () => {
      lines.length = 0
      remark(`${question}; it is not shown. Ctrl-D on an empty line ends it.`)
    }
    const next = () => {
      this.#askAgain = begin
      return this.#next(false)
    }
    this.#forgetTypedAhead()
    begin()
    for (let line = await next(); line !== undefined; line = await next()) lines.push(requireTyped(line))
    return new TextEncoder().encode(lines.join('\n'))
  }

  async *pieces(question: string): AsyncGenerator<Uint8Array> {
    yield await this.bytes(question)
  }

  async confirm(question: string, { byDefault = false }: ConfirmOptions = {}): Promise<boolean> {
    this.#forgetTypedAhead()
    const answer = (await this.#line(`${question} ${byDefault ? '[Y/n]' : '[y/N]'}`, true)).trim()
    return answer === '' ? byDefault : /^y(es)?$/i.test(answer)
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
export function createPrompter(input: () => Input = () => process.stdin): Prompter {
  let opened: Prompter | undefined
  const prompter = () => {
    opened ??= input().isTTY ? new TerminalPrompter(input()) : new PipePrompter(input())
    return opened
  }
  return {
    get interactive() {
      return prompter().interactive
    },
    get isOpened() {
      return opened !== undefined
    },
    secret: (question, options) => prompter().secret(question, options),
    line: (question) => prompter().line(question),
    text: (question) => prompter().text(question),
    bytes: (question, most) => prompter().bytes(question, most),
    pieces: (question) => prompter().pieces(question),
    confirm: (question, options) => prompter().confirm(question, options),
    close: () => opened?.close(),
  }
}
