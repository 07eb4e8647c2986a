// Runs another program with secrets in its environment, and ends as that program ends.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import type { Readable } from 'node:stream'
import { ChildEnded, CliError } from '../terminal/exit-codes.ts'
import { Masking } from '../terminal/masking.ts'
import { passOn } from '../terminal/output.ts'
import { safeLine } from '../terminal/text.ts'
import type { Surroundings } from './command.ts'

/** What opens vaults stays here: a program gets the secrets that it was given, and not the way to all others. */
const keptBack = ['LIMPET_TOKEN', 'LIMPET_UNLOCK_KEY', 'LIMPET_INVITE']

/** Passed on to the program. A terminal sends the first two to both by itself. */
const ofTerminals = ['SIGINT', 'SIGQUIT'] as const
const others = ['SIGHUP', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const

/** As shells report it: 127 if there is no such program, 126 if it cannot be started. */
function notStarted(error: unknown, command: string): Error {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return new ChildEnded(127, `There is no program "${safeLine(command)}".`)
  if (code === 'EACCES') return new ChildEnded(126, `"${safeLine(command)}" cannot be run by this user.`)
  if (code === 'E2BIG')
    return new CliError(
      'usage',
      'The values are too long for an environment. "limpet inject" puts them into a file.',
    )
  return error instanceof Error ? error : new Error(String(error))
}

interface ChildOptions {
  readonly environment: NodeJS.ProcessEnv
  /** Hidden in what it writes; undefined to let it write to where this program does. */
  readonly masked: readonly string[] | undefined
  /** What is its standard input, if that was read here already. */
  readonly input: AsyncIterable<Uint8Array> | undefined
}

async function showMasked(
  stream: Readable,
  secrets: readonly string[],
  to: 'stdout' | 'stderr',
): Promise<void> {
  const masking = new Masking(secrets)
  for await (const chunk of stream) await passOn(to, masking.push(chunk))
  await passOn(to, masking.end())
}

async function feed({ stdin }: ChildProcess, input: AsyncIterable<Uint8Array>): Promise<void> {
  if (!stdin) return
  // A program that ends before it reads all of its input is no failure.
  stdin.on('error', () => {})
  for await (const chunk of input)
    if (!stdin.write(chunk)) await Promise.race([once(stdin, 'drain'), once(stdin, 'close')])
  stdin.end()
}

/**
 * Runs a program to its end.
 * @throws ChildEnded with its exit code, or 128 and the number of the signal that ended it, unless it ended with 0
 */
async function runChild(command: string, args: readonly string[], options: ChildOptions): Promise<void> {
  const { environment: env, masked, input } = options
  const output = masked ? 'pipe' : 'inherit'
  const child = spawn(command, args, { env, stdio: [input ? 'pipe' : 'inherit', output, output] })
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', (error) => reject(notStarted(error, command)))
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  const passedOn = new Map<NodeJS.Signals, () => void>()
  // Without a terminal nobody else sends it.
  const fromTerminal = process.stdin.isTTY
  for (const name of [...ofTerminals, ...others]) {
    const isSentToBoth = fromTerminal && ofTerminals.some((one) => one === name)
    passedOn.set(name, () => void (isSentToBoth || child.kill(name)))
  }
  for (const [name, pass] of passedOn) process.on(name, pass)
  try {
    if (input) void feed(child, input)
    const shown =
      masked && child.stdout && child.stderr
        ? [showMasked(child.stdout, masked, 'stdout'), showMasked(child.stderr, masked, 'stderr')]
        : []
    const [{ code, signal }] = await Promise.all([ended, ...shown])
    const status = code ?? 128 + (signal ? constants.signals[signal] : 0)
    if (status !== 0) throw new ChildEnded(status)
  } finally {
    for (const [name, pass] of passedOn) process.off(name, pass)
  }
}

/**
 * Runs a program with these variables beside those of the shell. What was not read of standard input is for the program.
 * @param masked hidden in what it writes; undefined to let it write to where this program does
 * @throws ChildEnded as `runChild` does
 */
export async function runProgramWith(
  { environment: inherited, prompter }: Surroundings,
  program: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
  masked: readonly string[] | undefined,
): Promise<void> {
  const environment = { ...inherited, ...variables }
  for (const name of keptBack) if (!Object.hasOwn(variables, name)) delete environment[name]
  const input =
    prompter.isOpened && !prompter.interactive ? prompter.pieces('Input of the program') : undefined
  if (prompter.isOpened && !input) prompter.close()
  await runChild(program, args, { environment, masked, input })
}
