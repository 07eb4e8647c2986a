// The program `limpet`: finds the command, runs it, and ends with its exit code.
import { exitCodeHelp, findCommand, overview } from './commands.ts'
import {
  CliError,
  describe,
  type Ending,
  exitCodes,
  InterruptedError,
  interruptedCode,
} from './exit-codes.ts'
import { asksForHelp, helpFor } from './help.ts'
import { endWithStandardOutput, print, remark } from './output.ts'
import { createPrompter } from './prompter.ts'
import { StateFolder } from './state-folder.ts'
import { safeLine } from './terminal.ts'

const unknown = (name: string) =>
  new CliError('usage', `There is no command "${safeLine(name)}". "limpet help" lists them.`)

async function help(topic: string | undefined) {
  if (topic === undefined) return print(...(await overview()))
  if (topic === 'exit') return print(...exitCodeHelp())
  const command = await findCommand(topic)
  if (!command) throw unknown(topic)
  return print(...helpFor(command))
}

async function run([name, ...args]: readonly string[]): Promise<Ending> {
  if (name === undefined) {
    remark((await overview()).join('\n'))
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
  const prompter = createPrompter()
  try {
    const surroundings = { state: new StateFolder(), prompter, environment: process.env }
    return (await command.run(surroundings, args)) ?? 'done'
  } finally {
    prompter.close()
  }
}

endWithStandardOutput()
try {
  process.exitCode = exitCodes[await run(process.argv.slice(2))].code
} catch (error) {
  if (error instanceof InterruptedError) process.exitCode = interruptedCode
  else {
    const { ending, sentence } = describe(error)
    process.exitCode = exitCodes[ending].code
    remark(`limpet: ${sentence}`)
    if (process.env.LIMPET_DEBUG === '1' && error instanceof Error) remark(error.stack ?? '')
  }
}
