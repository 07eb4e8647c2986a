// Runs one command line of `limpet-server`, from its arguments to its exit code.

import { ConfigError } from '../server/config.ts'
import { MovedError } from '../store/move-mark.ts'
import { StoreError } from '../store/store.ts'
import { CliError, InterruptedError } from '../terminal/exit-codes.ts'
import { asksForHelp, helpFor } from '../terminal/help.ts'
import { print, remark } from '../terminal/output.ts'
import type { Prompter } from '../terminal/prompter.ts'
import { commands, overview } from './commands.ts'

async function help(topic: readonly string[]) {
  if (topic.length === 0) return print(...(await overview()))
  const found = await commands.find(topic)
  if (!found) throw commands.unknown(topic)
  return print(...helpFor(found.command))
}

async function run(args: readonly string[], prompter: Prompter): Promise<void> {
  const [name] = args
  if (name === 'help' || name === '--help' || name === '-h') return help(args.slice(1))
  const found = await commands.find(name === undefined ? ['start'] : args)
  if (!found) {
    // `limpet-server users --help` is about none of them yet.
    if (asksForHelp(args)) return help([])
    throw commands.unknown(args)
  }
  if (asksForHelp(found.args)) return print(...helpFor(found.command))
  await found.command.run({ prompter }, found.args)
}

/** What an operator can do about an error that kept the command from its work. */
function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message
  if (error instanceof MovedError) return error.message
  if (error instanceof StoreError)
    return `The database cannot be used (${error.code}). Is DATABASE_URL right, and is the database running and writable?`
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
    return `${'port' in error ? `Port ${error.port}` : 'The port'} is taken by another program, or by another server. Choose another one with PORT (or METRICS_PORT).`
  return error instanceof Error ? error.message : String(error)
}

/** Of the client's endings the operator's programs need two: 2 for what was typed, 1 for everything else. */
function codeOf(error: unknown): number {
  if (error instanceof InterruptedError) return error.code
  return error instanceof CliError && error.ending === 'usage' ? 2 : 1
}

/**
 * Runs a command line, and says what kept it from its end.
 * @returns the exit code
 */
export async function runProgram(args: readonly string[], prompter: Prompter): Promise<number> {
  try {
    await run(args, prompter)
    return 0
  } catch (error) {
    if (!(error instanceof InterruptedError)) remark(explain(error))
    return codeOf(error)
  }
}
