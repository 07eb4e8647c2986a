// Where results and remarks go: data on standard output, everything else on standard error.
import { exitCodes } from './exit-codes.ts'
import { safeJson, safeText, shownAsItIs } from './terminal.ts'

/** Lines of a result, which have been made safe where they are for people. */
export const print = (...lines: readonly string[]) => {
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`)
}

export const printJson = (value: unknown) => print(safeJson(value))

/** A remark beside the result. */
export const remark = (sentence: string) => {
  process.stderr.write(`${safeText(sentence)}\n`)
}

/** What a terminal shows of somebody's bytes: nothing that steers it, and nothing that is lost by being shown. */
function forTerminal(bytes: Uint8Array): string {
  const text = shownAsItIs(bytes)
  if (text !== undefined) return text.endsWith('\n') ? text : `${text}\n`
  remark('It is not plain text, so here it is in base64; "base64 -d" makes it what it was.')
  return `${Buffer.from(bytes).toString('base64')}\n`
}

/** Writes bytes exactly as they are, except to a terminal. @returns once the system has taken all of them */
export const printBytes = (bytes: Uint8Array) =>
  new Promise<void>((resolve) => {
    process.stdout.write(process.stdout.isTTY ? forTerminal(bytes) : bytes, () => resolve())
  })

/** `limpet list | head` ends the pipe before the list: that is no error. Anything else that ends it is. */
export function endWithStandardOutput() {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.done.code)
    remark(`limpet: Standard output could not be written: ${error.message}. What was to be there is lost.`)
    process.exit(exitCodes.unexpected.code)
  })
}
