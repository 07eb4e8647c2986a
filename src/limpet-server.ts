// The entry of the program `limpet-server`. The version is told before anything else is loaded.
import { version } from './version.ts'

if (process.argv[2] === '--version') process.stdout.write(`${version}\n`)
else await import('./operator/main.ts')
