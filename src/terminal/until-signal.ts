// What a program does until its user ends it.
import { type EndingSignal, endingSignals, InterruptedError } from './exit-codes.ts'

/**
 * Does `work` until it ends, or until a signal asks the program to end: then the work may finish what it is about. A second
 * signal ends the program at once.
 * @throws InterruptedError after a signal
 */
export async function untilSignal(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController()
  let cause: EndingSignal | undefined
  const end = (signal: NodeJS.Signals) => {
    cause = endingSignals.find((name) => name === signal)
    forget()
    stop.abort()
  }
  const forget = () => {
    for (const name of endingSignals) process.off(name, end)
  }
  for (const name of endingSignals) process.on(name, end)
  try {
    await work(stop.signal)
  } finally {
    forget()
  }
  if (cause) throw new InterruptedError(cause)
}
