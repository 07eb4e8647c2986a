// The program `limpet-server`: runs the operator's command, and ends with its exit code.
import { endWithStandardOutput } from './cli/output.ts'
import { createPrompter } from './cli/prompter.ts'
import { runProgram } from './operator/program.ts'

endWithStandardOutput()
const prompter = createPrompter()
try {
  process.exitCode = await runProgram(process.argv.slice(2), prompter)
} finally {
  prompter.close()
}
