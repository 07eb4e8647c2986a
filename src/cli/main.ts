// The program `limpet`: runs what its arguments say, and ends with its exit code.

import { systemClock } from '../clock.ts'
import { endWithStandardOutput, typeBefore } from '../terminal/output.ts'
import { createPrompter } from '../terminal/prompting.ts'
import { untilSignal } from '../terminal/until-signal.ts'
import { Agent } from './agent/agent.ts'
import { Keychain } from './keychain.ts'
import { runProgram } from './program.ts'
import { StateFolder } from './state-folder.ts'
import { systemKeychain } from './system-keychain.ts'

export async function main(): Promise<void> {
  endWithStandardOutput()
  if (process.env.npm_command === 'exec') typeBefore('npx')
  const prompter = createPrompter()
  try {
    const [state, environment] = [new StateFolder(), process.env]
    const agent = new Agent(environment, state.path, async (input) =>
      (await import('./agent/processes.ts')).startHolder(input),
    )
    const keychain = new Keychain(state, systemKeychain, systemClock)
    const surroundings = { state, prompter, environment, agent, keychain, untilSignal }
    process.exitCode = await runProgram(process.argv.slice(2), surroundings)
  } finally {
    prompter.close()
  }
}
