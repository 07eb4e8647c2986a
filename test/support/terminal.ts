// Both outputs as a terminal that keeps what it gets, and texts that would steer it.
import { vi } from 'vitest'

/** Colours, the title of the window, a cleared screen, directions, what is not seen, and a line that looks like a question. */
export const evil =
  'evil\u001b[31m\u001b]0;title\u0007\u009b2J\u007f\r\u202e\u2066\u200f\u061c\u2028\u200b\u00ad\u2060\ufeff\nForged prompt: '

/** What no terminal may get. */
export const steering =
  /(?![\n\t])[\p{Cc}\p{Zl}\p{Zp}\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]/u

/** What the program itself uses: colours of headings and QR codes, an empty screen, and a line that is drawn anew. */
const own = ['\u001b[H\u001b[2J', '\u001b[1m', '\u001b[22m', '\u001b[30;107m', '\u001b[0m']

const redrawn = '\r\u001b[K'

/** Runs `work` with both outputs being a terminal. @returns what the terminal got */
export async function onTerminal(work: () => Promise<unknown>): Promise<string> {
  let screen = ''
  const take = (chunk: unknown, ...rest: unknown[]) => {
    screen += chunk instanceof Uint8Array ? Buffer.from(chunk).toString('utf8') : String(chunk)
    for (const done of rest) if (typeof done === 'function') done()
    return true
  }
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation(take)
    Object.defineProperty(stream, 'isTTY', { value: true, configurable: true, writable: true })
    // Wide enough for tables to leave nothing out.
    Object.defineProperty(stream, 'columns', { value: 1000, configurable: true, writable: true })
  }
  try {
    await work()
  } finally {
    vi.restoreAllMocks()
    for (const stream of [process.stdout, process.stderr])
      Object.defineProperty(stream, 'isTTY', { value: false, configurable: true, writable: true })
  }
  const lines = screen.split('\n').map((line) => line.split(redrawn).at(-1))
  return own.reduce((text, sequence) => text.replaceAll(sequence, ''), lines.join('\n'))
}
