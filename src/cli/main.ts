// The program `limpet`: runs what its arguments say, and ends with its exit code.
import { endWithStandardOutput } from './output.ts'
import { runProgram } from './program.ts'
import { createPrompter } from './prompter.ts'
import { StateFolder } from './state-folder.ts'

endWithStandardOutput()
const prompter = createPrompter()
try {
  const surroundings = { state: new StateFolder(), prompter, environment: process.env }
  process.exitCode = await runProgram(process.argv.slice(2), surroundings)
} finally {
  prompter.close()
}
