// Questions to a person at a terminal.
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { createInterface, type Interface } from 'node:readline'
import { type Readable, Writable } from 'node:stream'
import { CliError, InterruptedError } from './exit-codes.ts'
import { ask, echo, remark } from './output.ts'
import type { AskOptions, ConfirmOptions, Prompter } from './prompter.ts'

/** Refuses a line that the editor could not decode: it has put this character there. Throws a CliError. */
function requireTyped(line: string): string {
  if (!line.includes('\ufffd')) return line
  throw new CliError(
    'usage',
    'What was typed has a character that is not UTF-8, so nothing was done with it. Set the terminal to UTF-8.',
  )
}

interface Waiting {
  /** Undefined where Ctrl-D ended the input. */
  give(line: string | undefined): void
  fail(error: Error): void
}

/** Standard input, or a stream that a test has in its place. */
export type Input = Readable & { isTTY?: boolean; setRawMode?(raw: boolean): unknown }

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
export class TerminalPrompter implements Prompter {
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
    let line: string | undefined
    try {
      line = this.#lines.shift()
      if (line === undefined && !this.#ended)
        line = await new Promise<string | undefined>((give, fail) => {
          this.#waiting = { give, fail }
        })
      return line
    } finally {
      this.#waiting = undefined
      this.#askAgain = () => {}
      // Nobody has seen an Enter: what comes next begins a line.
      if (!shown || line === undefined) remark('')
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

  /** Every line up to Ctrl-D. The interface ends with that, and not the terminal: a further question opens another one. */
  async #linesOf(instruction: string, shown: boolean): Promise<string> {
    const lines: string[] = []
    const begin = () => {
      lines.length = 0
      remark(`${instruction} Ctrl-D on an empty line ends it.`)
    }
    const next = () => {
      this.#askAgain = begin
      return this.#next(shown)
    }
    this.#forgetTypedAhead()
    begin()
    for (let line = await next(); line !== undefined; line = await next()) lines.push(requireTyped(line))
    this.#closeInterface()
    return lines.join('\n')
  }

  text(question: string): Promise<string> {
    return this.#linesOf(`${question}.`, true)
  }

  async bytes(question: string): Promise<Uint8Array> {
    return new TextEncoder().encode(await this.#linesOf(`${question}; it is not shown.`, false))
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
