// A command line at a real pseudo-terminal (`script` of util-linux), with a person at it.
import { spawn } from 'node:child_process'

/** What comes on the screen, and what the person then types: always the same, or made from the screen so far, perhaps after a look elsewhere. */
export type Turn = readonly [
  question: string,
  answer: string | ((screen: string) => string | Promise<string>),
]

interface Dialogue {
  readonly screen: string
  readonly code: number | null
}

/** Runs a command of `sh` at a terminal, and types each answer once its question is on the screen. */
export function dialogue(
  command: string,
  environment: NodeJS.ProcessEnv,
  turns: readonly Turn[],
): Promise<Dialogue> {
  const child = spawn('script', ['-qec', command, '/dev/null'], { env: environment })
  const waiting = [...turns]
  let screen = ''
  let seen = 0
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ screen, code }))
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      screen += text
      const [question, answer] = waiting[0] ?? []
      const at = question === undefined ? -1 : screen.indexOf(question, seen)
      if (question === undefined || at < 0) return
      seen = at + question.length
      waiting.shift()
      if (answer === undefined) return
      Promise.resolve(typeof answer === 'string' ? answer : answer(screen)).then(
        (typed) => child.stdin.write(typed),
        reject,
      )
    })
  })
}
