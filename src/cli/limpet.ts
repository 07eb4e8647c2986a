// The entry of the program `limpet`. The version is told before anything else is loaded.
import { version } from '../version.ts'
import { holderArgument } from './agent/words.ts'
import { clearingArgument } from './clearing-argument.ts'

const [, , first] = process.argv
if (first === '--version') process.stdout.write(`${version}\n`)
else if (first === clearingArgument) await (await import('./clipboard.ts')).clearLater(process.stdin)
else if (first === holderArgument) await import('./agent/holder.ts')
else await import('./main.ts')
