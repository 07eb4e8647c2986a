// Which part of `limpet` a process is. The version is told before anything else is loaded.
import { version } from '../version.ts'
import { holderArgument } from './agent/words.ts'
import { clearingArgument } from './clearing-argument.ts'

export async function start(): Promise<void> {
  const [, , first] = process.argv
  if (first === '--version') process.stdout.write(`${version}\n`)
  else if (first === clearingArgument) await (await import('./clipboard.ts')).clearLater(process.stdin)
  else if (first === holderArgument) await (await import('./agent/holder.ts')).hold()
  else await (await import('./main.ts')).main()
}
