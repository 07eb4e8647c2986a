// What asks: on a terminal without echo for secrets, otherwise from standard input, line by line or byte by byte. Never from arguments.
import { CliError } from './exit-codes.ts'
import { textIn } from './text.ts'

export interface AskOptions {
  /** For a new secret: a terminal asks twice, since a typed secret is not shown. */
  readonly twice?: boolean
  /** What is wrong with an answer, if something is. A terminal says it after the first entry, and asks again. */
  readonly refusal?: (answer: string) => Promise<string | undefined>
}

export interface ConfirmOptions {
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

export const withoutLineEnd = (text: string) => text.replace(/\r?\n$/, '')

/** Text that was read. Throws a CliError if it is not UTF-8: read all the same, it would be another text than was meant. */
export function requireText(bytes: Uint8Array): string {
  const text = textIn(bytes)
  if (text !== undefined) return text
  throw new CliError(
    'usage',
    'Standard input is not UTF-8, so nothing was done with it. "iconv -f LATIN1 -t UTF-8" makes UTF-8 of Latin-1, for example.',
  )
}
