// Where results and remarks go: data on standard output, everything else on standard error.
import { safeJson, safeText } from './terminal.ts'

/** Lines of a result, which have been made safe where they are for people. */
export const print = (...lines: readonly string[]) => {
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`)
}

export const printJson = (value: unknown) => print(safeJson(value))

/** A remark beside the result. */
export const remark = (sentence: string) => {
  process.stderr.write(`${safeText(sentence)}\n`)
}

/** `limpet list | head` ends the pipe before the list: that is no error. */
export function endQuietlyWithThePipe() {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(0)
  })
}
