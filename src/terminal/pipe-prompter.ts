// Answers that come through a pipe or from a file.
import type { Readable } from 'node:stream'
import { CliError } from './exit-codes.ts'
import { type Prompter, requireText, withoutLineEnd } from './prompter.ts'
import { safeLine } from './text.ts'

const nothing = Buffer.alloc(0)

/** A pipe or a file, read only as far as is asked for. It is bytes; only what is asked for as text is decoded. */
export class PipePrompter implements Prompter {
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
