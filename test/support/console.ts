// Commands of the programs within this process: each has a standard input and two outputs of its own, any number of them at once.
import { AsyncLocalStorage } from 'node:async_hooks'
import { PassThrough } from 'node:stream'

export interface Result {
  readonly stdout: string
  /** Standard output as it is. */
  readonly bytes: Buffer
  readonly stderr: string
  readonly code: number | null
}

export interface Running {
  /** Sends a part of standard input. */
  write(part: string | Uint8Array): void
  /** Standard output so far. */
  printed(): string
  /** How the program ended, whether its input did or not. */
  readonly ended: Promise<Result>
  /** Ends standard input. @returns how the program ended */
  finish(): Promise<Result>
}

interface Outputs {
  readonly stdout: Buffer[]
  readonly stderr: Buffer[]
}

const outputsOfCommand = new AsyncLocalStorage<Outputs>()

const bufferOf = (chunk: string | Uint8Array) =>
  typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk)

/** What a command writes goes to it; everything else goes where it went before. */
function divert(name: keyof Outputs) {
  const stream = process[name]
  const write = stream.write
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    const outputs = outputsOfCommand.getStore()
    if (!outputs) return Boolean(Reflect.apply(write, stream, [chunk, ...rest]))
    outputs[name].push(bufferOf(chunk))
    for (const done of rest) if (typeof done === 'function') setImmediate(() => done())
    return true
  }
}

divert('stdout')
divert('stderr')

/** Starts a command. @param main runs it with this standard input, to its exit code */
export function runCommand(main: (stdin: PassThrough) => Promise<number>): Running {
  const stdin = new PassThrough()
  // A program that ends before it reads all of its input is no failure of the test.
  stdin.on('error', () => {})
  const outputs: Outputs = { stdout: [], stderr: [] }
  const printed = () => Buffer.concat(outputs.stdout)
  const ended = outputsOfCommand
    .run(outputs, () => main(stdin))
    .then((code) => ({
      stdout: printed().toString(),
      bytes: printed(),
      stderr: Buffer.concat(outputs.stderr).toString(),
      code,
    }))
  return {
    write: (part) => void stdin.write(part),
    printed: () => printed().toString(),
    ended,
    finish: () => {
      stdin.end()
      return ended
    },
  }
}
