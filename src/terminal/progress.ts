// A line on standard error about work that takes more than a second.
import { redrawLine, remark, remarksToTerminal } from './output.ts'

const patience = 1000
const redrawEvery = 120
const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']

/** Tells how far the work has come, such as "3,000". */
export type Report = (detail: string) => void

/** Asks a person in the middle of the work; the line makes room for the question. */
export type Hold = <T>(question: () => Promise<T>) => Promise<T>

export interface ProgressOptions {
  /** For work that holds up this thread, so that no timer could show the line later. Only terminals see it then. */
  readonly atOnce?: boolean
}

/** Does `work`; after a second a terminal shows a line that moves, and anything else gets one plain line. */
export async function withProgress<T>(
  label: string,
  work: (report: Report, hold: Hold) => Promise<T>,
  { atOnce = false }: ProgressOptions = {},
): Promise<T> {
  const began = Date.now()
  let detail = ''
  let frame = 0
  let drawn = false
  let held = false
  const erase = () => {
    if (drawn) redrawLine('')
    drawn = false
  }
  const draw = () => {
    if (held) return
    drawn = true
    const seconds = Math.floor((Date.now() - began) / 1000)
    const elapsed = seconds > 0 ? ` (${seconds} s)` : ''
    redrawLine(`${frames[frame++ % frames.length]} ${label}… ${detail}${elapsed}`)
  }
  let redrawing: NodeJS.Timeout | undefined
  const waiting = setTimeout(() => {
    if (!remarksToTerminal()) {
      if (!held) remark(`${label}…${detail && ` ${detail}`}`)
    } else redrawing = setInterval(draw, redrawEvery)
  }, patience)
  if (atOnce && remarksToTerminal()) draw()
  try {
    return await work(
      (text) => {
        detail = text
      },
      async (question) => {
        held = true
        erase()
        try {
          return await question()
        } finally {
          held = false
        }
      },
    )
  } finally {
    clearTimeout(waiting)
    clearInterval(redrawing)
    erase()
  }
}
