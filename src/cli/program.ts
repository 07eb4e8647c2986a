// Runs one command line of `limpet`, from its arguments to its exit code.

import { CliError, type Ending, exitCodes, InterruptedError } from '../terminal/exit-codes.ts'
import { asksForHelp, helpFor } from '../terminal/help.ts'
import { print, remark } from '../terminal/output.ts'
import { safeLine } from '../terminal/text.ts'
import type { Surroundings } from './command.ts'
import { exitCodeHelp, findCommand, overview } from './commands.ts'
import { describe } from './failures.ts'

const unknown = (name: string) =>
  new CliError('usage', `There is no command "${safeLine(name)}". "limpet help" lists them.`)

async function help(topic: string | undefined) {
  if (topic === undefined) return print(...(await overview()))
  if (topic === 'exit') return print(...exitCodeHelp())
  const command = await findCommand(topic)
  if (!command) throw unknown(topic)
  return print(...helpFor(command))
}

async function run([name, ...args]: readonly string[], surroundings: Surroundings): Promise<Ending> {
  if (name === undefined) {
    remark(...(await overview()))
    return 'usage'
  }
  if (name === 'help' || asksForHelp([name])) {
    await help(args[0])
    return 'done'
  }
  const command = await findCommand(name)
  if (!command) throw unknown(name)
  if (asksForHelp(args)) {
    await help(name)
    return 'done'
  }
  return (await command.run(surroundings, args)) ?? 'done'
}

/**
 * Runs a command line, and says what kept it from its end.
 * @returns the exit code
 */
export async function runProgram(args: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    return exitCodes[await run(args, surroundings)].code
  } catch (error) {
    if (error instanceof InterruptedError) return error.code
    const { ending, sentence } = describe(error)
    remark(`limpet: ${sentence}`)
    if (surroundings.environment.LIMPET_DEBUG === '1' && error instanceof Error) remark(error.stack ?? '')
    return exitCodes[ending].code
  }
}
