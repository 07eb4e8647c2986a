// Where log lines go unless something else is said: standard output, by a thread of its own, so that no request waits for a disk or
// for whoever reads the lines.
import { type DestinationStream, pino } from 'pino'

/** What may wait to be written, in bytes; after that lines are lost: a reader that has stopped must not stop the server. */
const mostWaiting = 8 * 1024 * 1024

/** What comes while a write is under way goes with the next one. Lines that wait when the process ends are written before it does. */
export const standardOutput = (): DestinationStream =>
  pino.destination({ dest: 1, sync: false, maxLength: mostWaiting })
