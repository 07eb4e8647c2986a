// The program `limpet`: runs what its arguments say, and ends with its exit code.
import { endWithStandardOutput } from '../terminal/output.ts'
import { createPrompter } from '../terminal/prompter.ts'
import { untilSignal } from '../terminal/until-signal.ts'
import { runProgram } from './program.ts'
import { StateFolder } from './state-folder.ts'

endWithStandardOutput()
const prompter = createPrompter()
try {
  const surroundings = { state: new StateFolder(), prompter, environment: process.env, untilSignal }
  process.exitCode = await runProgram(process.argv.slice(2), surroundings)
} finally {
  prompter.close()
}
