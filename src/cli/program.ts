// Runs one command line of `limpet`, from its arguments to its exit code.

import { ChildEnded, type Ending, exitCodes, InterruptedError } from '../terminal/exit-codes.ts'
import { asksForHelp, helpFor } from '../terminal/help.ts'
import { print, remark } from '../terminal/output.ts'
import type { Surroundings } from './command.ts'
import { commands, exitCodeHelp, overview } from './commands.ts'
import { loadConfiguration } from './configuration.ts'
import { describe } from './failures.ts'
import { naming } from './session.ts'

async function help(topic: readonly string[]) {
  const [first] = topic
  if (first === undefined) return print(...(await overview()))
  if (first === 'exit') return print(...exitCodeHelp())
  const found = await commands.find(topic)
  const lines = found ? helpFor(found.command) : await commands.groupHelp(topic)
  if (!lines) throw commands.unknown(topic)
  return print(...lines)
}

/** What must not fail for a mistake in the configuration, which every other command tells at once. */
const alwaysWorking = new Set(['lock', 'logout', 'completion'])

async function run(args: readonly string[], surroundings: Surroundings): Promise<Ending> {
  const [name] = args
  if (name === undefined) {
    remark(...(await overview()))
    return 'usage'
  }
  if (name === 'help' || asksForHelp([name])) {
    await help(args.slice(1))
    return 'done'
  }
  if (asksForHelp(args)) {
    await help(args.filter((arg) => !arg.startsWith('-')))
    return 'done'
  }
  const found = await commands.find(args)
  if (!found) throw commands.unknown(args)
  if (!alwaysWorking.has(found.command.name)) await loadConfiguration(surroundings.environment)
  return (await found.command.run(surroundings, found.args)) ?? 'done'
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
    if (error instanceof ChildEnded) {
      if (error.message) remark(`limpet: ${error.message}`)
      return error.code
    }
    const { ending, sentence } = describe(error)
    remark(`limpet: ${await naming(surroundings, sentence)}`)
    if (surroundings.environment.LIMPET_DEBUG === '1' && error instanceof Error) remark(error.stack ?? '')
    return exitCodes[ending].code
  }
}
