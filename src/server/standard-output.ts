// Where log lines go unless something else is said: standard output, by a thread of its own, so that no request waits for a disk or
// for whoever reads the lines.
import { type DestinationStream, pino } from 'pino'

/** What may wait to be written, in bytes; after that lines are lost: a reader that has stopped must not stop the server. */
const mostWaiting = 8 * 1024 * 1024

/** How long a line waits for others, in milliseconds: to hand lines over costs as much for one as for a hundred. */
const gatheredForMs = 10

/** Lines that wait when the process ends are written before it does. */
export function standardOutput(): DestinationStream {
  const output = pino.destination({ dest: 1, sync: false, maxLength: mostWaiting })
  let lines = ''
  const handOver = () => {
    if (lines !== '') output.write(lines)
    lines = ''
  }
  // Before the listener of pino's, which writes what it has.
  process.prependListener('exit', handOver)
  return {
    write(line) {
      if (lines === '') setTimeout(handOver, gatheredForMs)
      lines += line
    },
  }
}
