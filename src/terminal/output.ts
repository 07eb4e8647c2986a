// The only way to the terminal: data on standard output, everything else on standard error, and nothing that steers it.
// Every text goes through the sanitizer here, so that no command can forget it; a test looks for others that write.
import { once } from 'node:events'
import { styleText } from 'node:util'
import { exitCodes } from './exit-codes.ts'
import { type Line, safeJson, safeJsonLine, safeLine, safeText, shownAsItIs, width } from './text.ts'

type Stream = NodeJS.WriteStream

/** Of the sequences that steer a terminal those that this program itself uses. */
const eraseLine = '\r\u001b[K'
const eraseScreen = '\u001b[H\u001b[2J'
const [darkOnLight, plain] = ['\u001b[30;107m', '\u001b[0m']

/**
 * A text as lines. A line break within it never leads back to the margin: what begins there was written by this program, and
 * cannot be forged by a name or by a server.
 */
const safeLines = (text: string) => safeText(text).replace(/\n(?!\n|$)/g, '\n  ')

function rendered(line: Line, stream: Stream): string {
  if (typeof line === 'string') return safeLines(line)
  const text = safeLine(line.text)
  if (!stream.isTTY) return text
  return line.style === 'heading' ? styleText('bold', text, { stream }) : `${darkOnLight}${text}${plain}`
}

const write = (stream: Stream, lines: readonly Line[]) => {
  if (lines.length > 0) stream.write(`${lines.map((line) => rendered(line, stream)).join('\n')}\n`)
}

/** Lines of a result for people. */
export const print = (...lines: readonly Line[]) => write(process.stdout, lines)

/** Prints JSON, in which what could steer a terminal is escaped. */
export const printJson = (value: unknown) => {
  process.stdout.write(`${safeJson(value)}\n`)
}

/** Prints JSON in one line, for programs that read line by line. */
export const printJsonLine = (value: unknown) => {
  process.stdout.write(`${safeJsonLine(value)}\n`)
}

/** How many rows of a terminal a line takes, which may be longer than one of them. */
const rowsOf = (line: Line, columns: number) =>
  Math.max(1, Math.ceil(width(typeof line === 'string' ? line : line.text) / columns))

/**
 * Draws the screen of a terminal anew: as many of the lines as there is room for, and how many others there are. Anything else gets all
 * of the lines below those that it had, behind an empty one.
 */
export function redrawScreen(lines: readonly Line[], isFirst: boolean): void {
  const { isTTY, rows = 24, columns = 80 } = process.stdout
  if (!isTTY) {
    print(...(isFirst ? [] : ['']), ...lines)
    return
  }
  // One for what is left out, and one for the cursor.
  let room = rows - 2
  const shown = lines.slice(0, Math.max(0, rows)).filter((line) => {
    room -= rowsOf(line, columns)
    return room >= 0
  })
  process.stdout.write(eraseScreen)
  print(...shown)
  const left = lines.length - shown.length
  if (left > 0) print(`… and ${left.toLocaleString('en')} more, for which this window has no room`)
}

let typedBefore = ''

/** Says how this program was started, such as by `npx`: its hints are then written as they have to be typed. */
export const typeBefore = (words: string) => {
  typedBefore = `${words} `
}

/** A sentence whose commands can be pasted. Commands stand in quotes, or in what a shell evaluates. */
const asTyped = (line: Line): Line =>
  typeof line === 'string' && typedBefore !== ''
    ? line.replaceAll(/(?<=["(]|Next: |Then: )limpet (?=[a-z])/g, `${typedBefore}limpet `)
    : line

/** A remark beside the result, or several lines of it. */
export const remark = (...lines: readonly Line[]) => write(process.stderr, lines.map(asTyped))

/**
 * Prints one value: exactly as it is, and on a terminal with what could steer it escaped. There the output ends with a newline,
 * so that nothing of the value stands in front of the cursor.
 */
export function printValue(value: string): void {
  if (!process.stdout.isTTY) {
    process.stdout.write(`${value}\n`)
    return
  }
  const shown = safeText(value)
  process.stdout.write(`${shown}\n`)
  if (shown !== value.replaceAll('\r\n', '\n'))
    remark(
      'Characters that steer a terminal or are not seen are shown as \\u…; in a pipe the value is as it is.',
    )
}

/** What a terminal shows of bytes from outside: nothing that steers it, and nothing that is lost by being shown. */
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

/** How wide the terminal is that shows the results. @returns undefined for a pipe or a file, which takes lines of any length */
export const terminalColumns = (): number | undefined =>
  process.stdout.isTTY ? process.stdout.columns || 80 : undefined

/** Passes on what another program writes, as it is: also to a terminal, which that program may steer. */
export async function passOn(name: 'stdout' | 'stderr', bytes: Uint8Array): Promise<void> {
  if (bytes.byteLength > 0 && !process[name].write(bytes)) await once(process[name], 'drain')
}

/** Whether a person reads the results, and not a program. */
export const printsToTerminal = (): boolean => process.stdout.isTTY

/** Whether a person reads the remarks. */
export const remarksToTerminal = (): boolean => process.stderr.isTTY

/** Passes bytes on to a pipe or a file, at its pace; never to a terminal. @returns how many there were */
export async function pipe(content: AsyncIterable<Uint8Array>): Promise<number> {
  if (process.stdout.isTTY) throw new TypeError('Bytes go to a pipe or a file')
  let bytes = 0
  for await (const chunk of content) {
    bytes += chunk.byteLength
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain')
  }
  return bytes
}

/** Shows a question and stays behind it. */
export const ask = (question: string) => {
  process.stderr.write(`${safeLine(question)}: `)
}

/** What the line editor makes of keys that the person at the terminal presses, as it is. */
export const echo = (typed: string | Uint8Array) => {
  process.stderr.write(typed)
}

/** Draws the last line of a terminal anew. */
export const redrawLine = (text: string) => {
  process.stderr.write(eraseLine + safeLine(text))
}

/** `limpet list | head` ends the pipe before the list: that is no error. Anything else that ends it is. */
export function endWithStandardOutput() {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.done.code)
    remark(`limpet: Standard output could not be written: ${error.message}. What was to be there is lost.`)
    process.exit(exitCodes.unexpected.code)
  })
}
