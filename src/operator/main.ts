// The program `limpet-server`: runs the operator's command, and ends with its exit code.
import { endWithStandardOutput } from '../terminal/output.ts'
import { createPrompter } from '../terminal/prompting.ts'
import { runProgram } from './program.ts'

endWithStandardOutput()
const prompter = createPrompter()
try {
  process.exitCode = await runProgram(process.argv.slice(2), prompter)
} finally {
  prompter.close()
}
