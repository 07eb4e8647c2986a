// How far a test run is: at a terminal a line that changes, in a log a line now and then. Tests that pass go unmentioned; one that
// fails is named at once, and what was wrong with it comes at the end.
import type { Reporter, TestCase, TestModule, TestSpecification } from 'vitest/node'

const atTerminal = Boolean(process.stdout.isTTY)
const everyMs = atTerminal ? 1000 : 10_000
const eraseLine = '\r\u001b[K'

const count = (number: number, noun: string) =>
  `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`

export default class Progress implements Reporter {
  #files = 0
  #filesDone = 0
  #tests = 0
  #failed = 0
  #began = 0
  #timer: NodeJS.Timeout | undefined
  readonly #running = new Set<string>()

  onTestRunStart(specifications: readonly TestSpecification[]) {
    this.#files = specifications.length
    this.#began = Date.now()
    this.#timer = setInterval(() => this.#show(), everyMs)
  }

  onTestModuleStart({ relativeModuleId }: TestModule) {
    this.#running.add(relativeModuleId)
  }

  onTestCaseResult(test: TestCase) {
    this.#tests++
    if (test.result().state !== 'failed') return
    this.#failed++
    process.stdout.write(
      `${atTerminal ? eraseLine : ''}failed: ${test.module.relativeModuleId} > ${test.fullName}\n`,
    )
  }

  onTestModuleEnd({ relativeModuleId }: TestModule) {
    this.#running.delete(relativeModuleId)
    this.#filesDone++
  }

  onTestRunEnd() {
    clearInterval(this.#timer)
    this.#show()
    if (atTerminal) process.stdout.write('\n')
  }

  #show() {
    const seconds = Math.round((Date.now() - this.#began) / 1000)
    const elapsed = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
    const line = [
      `${elapsed}  ${this.#filesDone} of ${count(this.#files, 'file')}`,
      count(this.#tests, 'test'),
      ...(this.#failed > 0 ? [`${this.#failed} failed`] : []),
      ...[...this.#running].sort().map((file) => `in ${file}`),
    ].join(', ')
    // A line that changes must not wrap.
    process.stdout.write(
      atTerminal ? eraseLine + line.slice(0, (process.stdout.columns || 80) - 1) : `${line}\n`,
    )
  }
}
